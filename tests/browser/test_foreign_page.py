"""A page of somebody else's in a real Chromium, beside the node and with names that point there."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.browser.conftest import CHROMIUM
from tests.browser.foreign import ATTACK, MARK, ForeignServer, browser_command
from tests.lab.support import needs
from tests.lab.support.dnsmasq import Dnsmasq
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import HTTP_PORT, PEER_PORT, LabNode, LabNodes
from tests.lab.support.rules import Rule

if not os.environ.get("EDGENODE_REQUIRE_BROWSER"):
    pytest.importorskip("playwright", reason="requirements/browser.lock is not installed")

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

pytestmark = pytest.mark.ci

FOREIGN_PORT = 8000
NAME = "pages.example.net"
SHUT = "203.0.113.9"
REBOUND_S = 90
"""In which the browser asks for the name again: it would keep an answer for a minute by itself."""

WITHOUT_ITS_OWN = "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"
"""What new browsers refuse by themselves is not what is tried here: older ones let it through."""

REBOUND = """
(mark) => fetch("/", { cache: "no-store" }).then(
  (answer) => !answer.headers.has(mark), () => false)
"""
"""Whether what answers at this page's own origin is no longer who gave the page."""

PUBLIC = ("/node/info", "/node/status", "/observed", "/openapi.json", "/blocks/")
"""What the peer port tells any stranger, at whatever name he calls it."""


class Scene(NamedTuple):
    """A browser in a home, the node beside it, and who wants in."""

    node: LabNode
    home: Host
    foreign: Host
    server: ForeignServer
    dns: Dnsmasq
    browser: "BrowserContext"
    block_id: str


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 -- there in CI alone

    if reason := needs.obstacle():
        if os.environ.get(needs.REQUIRED) == "1":
            pytest.fail(f"no laboratory: {reason}")
        pytest.skip(f"no laboratory: {reason}")
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        home = lab.home("home", None, ipv6=False)
        foreign = lab.host("foreign")
        dns = stack.enter_context(
            Dnsmasq(
                home.router.namespace,
                lab.folder / "dns",
                servers=["192.168.1.1"],
                addresses={NAME: [foreign.address]},
            )
        )
        async with (
            ForeignServer(foreign, (FOREIGN_PORT, HTTP_PORT, PEER_PORT)) as server,
            LabNodes(tmp_path) as nodes,
            async_playwright() as playwright,
        ):
            node = await nodes.start("node", home.host)
            block_id = await node.rest.post(b"what is here is nobody's affair")
            assert (await node.rest.call("PUT", f"/blocks/{block_id}/pin"))[0] == 204
            assert (await node.rest.write("/blacklist", {"address": SHUT}))[0] == 201
            # Without its sandbox, since CI is root, who cannot have it; all it opens is ours.
            browser = await playwright.chromium.launch_persistent_context(
                tmp_path / "profile",
                executable_path=browser_command(home.host, dns, CHROMIUM, tmp_path),
                args=["--no-sandbox", "--disable-dev-shm-usage", WITHOUT_ITS_OWN],
            )
            yield Scene(node, home.host, foreign, server, dns, browser, block_id)
            await browser.close()


async def state(node: LabNode) -> dict[str, Any]:
    """Return all that a write could change."""
    paths = ("/blocks", "/pins", "/node/peers", "/node/discovered")
    found: dict[str, Any] = {path: await node.rest.call("GET", path) for path in paths}
    shut = json.loads((await node.rest.call("GET", "/blacklist"))[1])
    found["/blacklist"] = [entry["address"] for entry in shut["blacklist"]]
    return found


async def attacked(
    page: "Page", scene: Scene, address: str, ports: Sequence[int], *, own: bool
) -> dict[str, str]:
    """Return what the page could see of each thing that it tried, where it saw anything."""
    tried = await page.evaluate(
        ATTACK,
        {
            "bases": [f"http://{address}:{port}" for port in ports],
            "blockId": scene.block_id,
            "token": "00" * 32,
            "own": own,
        },
    )
    assert len(tried) > 100 * len(ports)
    return {each["what"]: each["got"] for each in tried if each["got"]}


def near_address(scene: Scene, near: str) -> str:
    return "127.0.0.1" if near == "loopback" else scene.home.address


@pytest.mark.parametrize("near", ["loopback", "lan"])
async def test_a_foreign_page_reads_and_writes_nothing(scene: Scene, near: str) -> None:
    address = near_address(scene, near)
    before = await state(scene.node)
    page = await scene.browser.new_page()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(str(request.failure)))
    await page.goto(f"http://{scene.foreign.address}:{FOREIGN_PORT}/")
    arriving = f"ip daddr {address} tcp dport {{ {HTTP_PORT}, {PEER_PORT} }} tcp flags syn"
    with Rule(scene.home.namespace, arriving) as arrived:
        assert await attacked(page, scene, address, (HTTP_PORT, PEER_PORT), own=False) == {}
        assert arrived.packets
    assert not [why for why in failed if "REFUSED" in why or "LOCAL_NETWORK" in why]
    assert await state(scene.node) == before


@pytest.mark.parametrize("near", ["loopback", "lan"])
async def test_a_name_that_is_made_to_point_here_opens_nothing(scene: Scene, near: str) -> None:
    """DNS rebinding: to the browser, page and node are one origin, and it lets the page read."""
    before = await state(scene.node)
    pages = {}
    for port in (HTTP_PORT, PEER_PORT):
        pages[port] = await scene.browser.new_page()
        await pages[port].goto(f"http://{NAME}:{port}/")
        assert await pages[port].title() == "foreign"
    scene.dns.change(NAME, [near_address(scene, near)])
    scene.server.close()
    forgetting = await scene.browser.new_page()
    await forgetting.goto("chrome://net-internals/#dns")
    await forgetting.evaluate("chrome.send('clearHostResolverCache')")
    for port, page in pages.items():
        async with asyncio.timeout(REBOUND_S):
            while not await page.evaluate(REBOUND, MARK):  # noqa: ASYNC110 -- it is the page that waits
                await asyncio.sleep(0.5)
        seen = await attacked(page, scene, NAME, (port,), own=True)
        assert len(seen) > 40
        for what, got in seen.items():
            if port == HTTP_PORT:
                assert "forbidden-host" in got, (what, got)
            elif not got.startswith("200 "):
                assert "urn:edgenode:problem:" in got, (what, got)
            else:
                assert what.startswith(f"fetch same-origin http://{NAME}:{port}/"), (what, got)
                assert what.split(str(port))[1].startswith(PUBLIC), (what, got)
            if port == HTTP_PORT:
                assert scene.node.node_id not in got
    assert await state(scene.node) == before


async def test_the_page_of_the_node_itself_does_see(scene: Scene) -> None:
    """Or the two above could find nothing because the attack does not work."""
    page = await scene.browser.new_page()
    await page.goto(f"http://127.0.0.1:{HTTP_PORT}/")
    seen = await attacked(page, scene, "127.0.0.1", (HTTP_PORT,), own=True)
    told = {got.partition("nodeId")[0] != got for got in seen.values() if got.startswith("200 ")}
    assert True in told
    assert seen[f"socket http://127.0.0.1:{HTTP_PORT}/events"] == "open"
