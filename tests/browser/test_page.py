"""The status page in a real Chromium, of a node in a network of three."""

import asyncio
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import NewPage, Three

if not os.environ.get("EDGENODE_REQUIRE_BROWSER"):
    pytest.importorskip("playwright", reason="requirements/browser.lock is not installed")
from playwright.async_api import Page, Route, expect

pytestmark = pytest.mark.ci

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
WITHIN_S = 1.0
"""After a change, by when the page must show it."""

BURST = 10
"""Refreshes that may come without a pause; then there is one a second."""

PINNED = "5e" * 64

NO_WEBSOCKET = """
window.WebSocket = class { constructor() { setTimeout(() => this.onclose({}), 0); } };
"""


async def live(page: Page) -> None:
    await expect(page.locator("#live")).to_have_text("Live")


async def axe(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page."""
    spec = find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    await page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{wrong['id']}: {node['html'][:200]} {node['failureSummary']}"
        for wrong in found["violations"]
        for node in wrong["nodes"]
    ]


async def appears(page: Page, selector: str, text: str, *, within_s: float = WITHIN_S) -> None:
    await expect(page.locator(selector)).to_contain_text(text, timeout=1000 * within_s)


async def fill(three: Three) -> None:
    """Give the page something to show."""
    ids = [await three.node.rest.post(os.urandom(2000 * (1 + number))) for number in range(12)]
    for times, block_id in zip((120, 60, 15, 2, 1, 1), ids, strict=False):
        for _ in range(times):
            await three.node.rest.get(block_id)
    await three.node.rest.get("0" * 128)


async def test_the_page_is_whole_and_for_all(
    three: Three, new_page: NewPage, tmp_path: Path
) -> None:
    await fill(three)
    folder = Path(os.environ.get("EDGENODE_SCREENSHOTS", tmp_path))
    for scheme in ("light", "dark"):
        for name, (width, height) in SIZES.items():
            page, seen = await new_page(
                three.url,
                color_scheme=scheme,
                viewport={"width": width, "height": height},
            )
            await live(page)
            await expect(page.get_by_role("heading", level=1)).to_have_text(
                re.compile(r"Not reachable from the internet\s+· 2 peers · 12 blocks")
            )
            await expect(page).to_have_title(re.compile("· 2 peers · 12 blocks · edgenode"))
            await expect(page.locator("#peers tbody tr")).to_have_count(2)
            await expect(page.locator("#peers tbody tr").first).to_contain_text(
                re.compile(r"(eu-west|us-east) · 127\.0\.0\.1.*connected.*\d ms")
            )
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            assert await axe(page) == []
            await page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
            assert (seen.console, seen.errors) == ([], [])
            own = f"127.0.0.1:{three.node.http_port}/"
            outside = [url for url in seen.requested if url.split("://")[1].startswith(own)]
            assert outside == [url for url in seen.requested if not url.startswith("data:")]


async def test_changes_are_seen_within_a_second(three: Three, new_page: NewPage) -> None:
    page, seen = await new_page(three.url)
    await live(page)
    block_id = await three.node.rest.post(b"a block")
    await appears(page, "h1", "1 block")
    await three.node.rest.delete(block_id)
    await appears(page, "h1", "0 blocks")
    await three.third.stop()
    await appears(page, "h1", "1 peer")
    await appears(page, "#events", "left: stopping")
    since = len(three.node.lines)
    await three.third.start()
    await three.node.linked_with(three.third, since=since)
    await appears(page, "h1", "2 peers")
    await appears(page, "#events", "is linked, in us-east")
    assert (seen.console, seen.errors) == ([], [])


async def test_it_says_what_is_stale_and_survives_a_restart(
    three: Three, new_page: NewPage
) -> None:
    page, seen = await new_page(three.url)
    await live(page)
    await three.node.rest.post(b"a block")
    await appears(page, "h1", "1 block")
    await three.node.stop()
    await appears(page, "#live", "No connection to the node. What is shown is of")
    await expect(page.locator("html")).to_have_class("stale")
    await expect(page.locator("h1")).to_contain_text("1 block")
    await appears(page, "#age", " s ago). Trying again", within_s=3)
    await three.node.start()
    await expect(page.locator("#live")).to_have_text("Live", timeout=10_000)
    await expect(page.locator("html")).not_to_have_class("stale")
    await three.node.rest.post(b"another")
    await appears(page, "h1", "2 blocks", within_s=3)
    assert seen.errors == []


async def test_it_goes_on_where_websockets_are_blocked(three: Three, new_page: NewPage) -> None:
    page, seen = await new_page(three.url, init=NO_WEBSOCKET)
    async with page.expect_request(re.compile(r"/events\?since=[0-9a-f]{12}\.\d+$")):
        pass
    await live(page)
    await three.node.rest.post(b"a block")
    await appears(page, "h1", "1 block")
    await three.third.stop()
    await appears(page, "#events", "left: stopping")
    assert (seen.console, seen.errors) == ([], [])


async def test_without_scripts_it_says_the_same(three: Three, new_page: NewPage) -> None:
    await fill(three)
    page, seen = await new_page(three.url, java_script_enabled=False)
    await expect(page.locator("h1")).to_contain_text("2 peers · 12 blocks")
    await expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    await expect(page.locator("#peers")).to_contain_text("connected")
    await expect(page.locator("#plots svg")).to_have_count(3)
    await expect(page.locator("#temperatures")).to_contain_text("Warm")
    assert (seen.console, seen.errors) == ([], [])


async def test_the_operator_comes_by_a_link_that_works_once(
    three: Three, new_page: NewPage
) -> None:
    block_id = await three.second.rest.post(b"somewhere else")
    async with asyncio.timeout(10):
        while not (await three.node.rest.metadata(block_id) or {}).get("locations"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    link = three.url + "#login=" + await login_code(three)
    page, seen = await new_page(link)
    await appears(page, "#said", "Signed in")
    assert page.url == three.url
    assert await page.context.cookies() == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0

    await page.locator("#block").fill(block_id)
    await page.get_by_role("button", name="Fetch").click()
    await appears(page, "#said", "It is being fetched")
    await appears(page, "h1", "1 block", within_s=3)

    gone = three.third.node_id
    await page.get_by_role("button", name=f"Unlink {gone[:12]}").click()
    await appears(page, "#said", "Unlinked.")
    await three.node.logged(f"link with {gone} at .* ended")

    second, _ = await new_page(link)
    await appears(second, "#said", "The login link has been used, or is too old")
    await expect(second.get_by_role("button", name="Unlink")).to_have_count(0)
    await expect(second.locator("#readonly")).to_be_visible()

    assert await axe(page) == []
    await page.get_by_role("button", name="Sign out").click()
    await appears(page, "#said", "Signed out.")
    await expect(page.get_by_role("button", name="Unlink")).to_have_count(0)
    assert (seen.console, seen.errors) == ([], [])


async def test_the_operator_pins_and_shuts_out(three: Three, new_page: NewPage) -> None:
    block_id = await three.second.rest.post(b"to be kept here too")
    page, seen = await new_page(three.url + "#login=" + await login_code(three))
    await expect(page.locator("#pins")).to_have_text("none")
    await page.locator("#block").fill(block_id)
    await page.get_by_role("button", name="Pin", exact=True).click()
    await appears(page, "#said", "Pinned")
    await appears(page, "#pins", block_id[:16])
    await appears(page, "h1", "1 block", within_s=15)
    assert (await three.node.rest.call("DELETE", f"/blocks/{block_id}"))[0] == 409
    await page.get_by_role("button", name=f"Unpin {block_id[:12]}").click()
    await appears(page, "#said", "Unpinned")
    await expect(page.locator("#pins")).to_have_text("none")
    assert (await three.node.rest.call("DELETE", f"/blocks/{block_id}"))[0] == 204

    assert (await three.node.rest.write("/blacklist", {"address": "203.0.113.9"}))[0] == 201
    second, _ = await new_page(three.url + "#login=" + await login_code(three))
    await appears(second, "#shut", "203.0.113.9")
    await second.get_by_role("button", name="Let in 203.0.113.9").click()
    await expect(second.locator("#shut")).to_have_text("none")
    assert await axe(page) == []
    # On one machine all have its own address, which nobody shuts out.
    seen.console.clear()
    await page.get_by_role("button", name="Shut out the address of").first.click()
    await appears(page, "#said", "That did not work")


async def test_it_is_used_by_keyboard(three: Three, new_page: NewPage) -> None:
    await keep_some(three)
    page, _ = await new_page(three.url + "#login=" + await login_code(three))
    await appears(page, "#said", "Signed in")
    await appears(page, "#shut", "203.0.113.9")
    focused: list[str] = []
    for _ in range(16):
        await page.keyboard.press("Tab")
        focused.append(
            await page.evaluate(
                "(document.activeElement.ariaLabel || document.activeElement.textContent"
                " || document.activeElement.id).trim()"
            )
        )
        if focused[-1] == "Sign out":
            break
    assert focused[0] == "Skip to the details"
    assert [name[:6] for name in focused[1:5]] == ["Unlink", "Shut o"] * 2
    blocks = focused.index("block")
    assert focused[blocks + 1 : blocks + 4] == ["Fetch", "Pin", "Unpin"]
    assert focused[blocks + 4 :] == [f"Unpin {PINNED[:12]}", "Let in 203.0.113.9", "Sign out"]
    # A refresh takes nobody's focus away.
    await page.locator("#block").focus()
    await page.keyboard.type("ab")
    await three.node.rest.post(b"a block")
    await appears(page, "h1", "1 block")
    await page.keyboard.type("cd")
    assert await page.locator("#block").input_value() == "abcd"


async def test_the_page_of_the_operator_is_whole(
    three: Three, new_page: NewPage, tmp_path: Path
) -> None:
    await fill(three)
    await keep_some(three)
    folder = Path(os.environ.get("EDGENODE_SCREENSHOTS", tmp_path))
    for scheme in ("light", "dark"):
        for name, (width, height) in SIZES.items():
            page, seen = await new_page(
                three.url + "#login=" + await login_code(three),
                color_scheme=scheme,
                viewport={"width": width, "height": height},
            )
            await expect(page.get_by_role("button", name="Let in 203.0.113.9")).to_be_visible()
            await expect(page.locator("#pins")).to_contain_text("not here yet")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            assert await axe(page) == []
            await page.screenshot(path=folder / f"{name}-{scheme}-operator.png", full_page=True)
            assert (seen.console, seen.errors) == ([], [])


async def test_many_events_do_not_make_it_ask_too_much(three: Three, new_page: NewPage) -> None:
    page, seen = await new_page(three.url)
    await live(page)
    began = asyncio.get_running_loop().time()
    await three.node.rest.post(os.urandom(2000))
    await appears(page, "h1", "1 block")
    for _ in range(200):
        await three.node.rest.post(os.urandom(2000))
        await asyncio.sleep(0.05)
    await appears(page, "h1", "201 blocks", within_s=2)
    took_s = asyncio.get_running_loop().time() - began
    asked = [url for url in seen.requested if url == three.url]
    assert len(asked) <= 1 + BURST + took_s + 1
    assert len(asked) >= took_s / 2, "it stays live"
    assert (seen.console, seen.errors) == ([], [])


async def test_it_slows_down_when_it_is_told_to(three: Three, new_page: NewPage) -> None:
    page, seen = await new_page(three.url)
    await live(page)
    refused = 0

    async def refuse(route: Route) -> None:
        nonlocal refused
        refused += 1
        await route.fulfill(status=429, headers={"Retry-After": "2"})

    await page.route(three.url, refuse)
    await three.node.rest.post(b"one")
    await appears(page, "#live", "Too much was asked for at this address.")
    await three.node.rest.post(b"two")
    await expect(page.locator("#live")).not_to_contain_text("No connection")
    assert refused == 1
    await page.unroute(three.url)
    await appears(page, "h1", "2 blocks", within_s=5)
    await live(page)
    assert seen.errors == []


async def test_the_operator_is_known_by_each_request(three: Three, new_page: NewPage) -> None:
    page, _ = await new_page(three.url + "#login=" + await login_code(three))
    await appears(page, "#said", "Signed in")
    async with page.expect_request(three.url) as asked:
        await three.node.rest.post(b"a block")
    assert (await (await asked.value).all_headers())["authorization"].startswith("Bearer ")


async def keep_some(three: Three) -> None:
    """Pin a block that nobody has, and shut out an address where nobody is."""
    assert (await three.node.rest.call("PUT", f"/blocks/{PINNED}/pin"))[0] == 204
    assert (await three.node.rest.write("/blacklist", {"address": "203.0.113.9"}))[0] == 201


async def login_code(three: Three) -> str:
    status, answer = await three.node.rest.write("/session/link", {})
    assert status == 201
    return str(answer["code"])
