"""The node's own state, as JSON and as a page."""

import re
from html.parser import HTMLParser

import pytest

from edgenode.api.page import TEMPLATE_PATH, amount, duration

from .conftest import NODE_ID, Node, Served

PEER = {
    "nodeId": "cd" * 32,
    "address": "192.0.2.7",
    "httpPort": None,
    "wsPort": 4242,
    "lastSeen": "2026-01-02T03:04:05.678Z",
    "capabilities": ["blocks"],
    "status": "connected",
}


async def test_state_is_compact_json_that_no_cache_keeps(
    local: Served, public: Served, node: Node
) -> None:
    node.peer_list = [PEER]
    for served, path, expected in (
        (local, "/node/info", node.info()),
        (public, "/node/info", node.info()),
        (local, "/node/peers", {"peers": [PEER]}),
    ):
        async with served.client.get(path) as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            text = await response.text()
            assert await response.json() == expected
            assert ": " not in text
            assert ", " not in text


async def test_status_counts_what_went_through(local: Served, node: Node) -> None:
    async with local.client.get("/node/info") as response:
        length = len(await response.read())
    async with local.client.get("/node/status") as response:
        body = await response.json()
    assert body["bandwidth"] == {"in": 0, "out": length, "relayed": 0}
    assert body["operations"] == {"success": 0, "failed": 0}


async def test_head_of_state_has_its_headers(local: Served, public: Served, node: Node) -> None:
    for served in (local, public):
        async with served.client.get("/node/info") as response:
            length = response.headers["Content-Length"]
        before = node.counters.bytes_out
        async with served.client.head("/node/info") as response:
            assert response.status == 200
            assert response.headers["Content-Length"] == length
            assert await response.read() == b""
        assert node.counters.bytes_out == before


class Document(HTMLParser):
    """Collects what a page would run, load or break."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "action") or name.startswith("on"):
                self.loads.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        """Check the nesting."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        if self.open and self.open[-1] != "style":
            self.text += data


async def page_of(served: Served) -> tuple[Document, str, str]:
    """Return the page parsed, its source and its policy."""
    async with served.client.get("/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        source = await response.text()
        policy = response.headers["Content-Security-Policy"]
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
    document = Document()
    document.feed(source)
    assert document.open == []
    return document, source, policy


async def test_the_page_says_the_state_first(local: Served, node: Node) -> None:
    node.peer_list = [PEER]
    node.store.keep(b"1")
    node.store.keep(b"2")
    document, source, _ = await page_of(local)
    text = document.text
    assert "Running · 1 peer · 2 blocks" in text
    assert text.index("Running") < text.index(NODE_ID) < text.index("Block operations")
    for value in ("1 d 1 h", "192.0.2.1:4242", "4280", "4242", "192.0.2.7", "connected", "not set"):
        assert value in text, value
    assert f"http://127.0.0.1:{local.port}/blocks/ID" in text
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source
    assert '<html lang="en">' in source


async def test_the_page_runs_and_loads_nothing(local: Served) -> None:
    document, source, policy = await page_of(local)
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(document.tags)
    assert document.loads == []
    assert not re.search(r"url\(|@import", source)
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "unsafe" not in policy
    for directive in ("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert directive in policy


async def test_the_nonce_fits_and_is_new_each_time(local: Served) -> None:
    nonces = set()
    for _ in range(2):
        _, source, policy = await page_of(local)
        (nonce,) = re.findall(r"'nonce-([0-9a-f]{32})'", policy)
        assert f'<style nonce="{nonce}">' in source
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_everything_on_the_page_is_escaped(local: Served, node: Node) -> None:
    evil = "<script>x</script>\"'&$host"
    node.peer_list = [
        PEER | dict.fromkeys(("nodeId", "address", "status", "lastSeen", "lastError"), evil)
    ]
    node.node_info.update(
        dict.fromkeys(("nodeId", "network", "version", "region"), evil),
        addresses=[evil],
        httpPort=evil,
        wsPort=evil,
    )
    document, source, _ = await page_of(local)
    assert "script" not in document.tags
    assert document.text.count(evil) >= 9
    assert "<script" not in source


async def test_the_host_on_the_page_is_escaped(local: Served) -> None:
    answer = await local.exchange(
        b"GET / HTTP/1.1\r\nHost: [::1%<b>x</b>]\r\nConnection: close\r\n\r\n"
    )
    assert b"<b>" not in answer


async def test_the_page_without_peers_and_addresses(local: Served, node: Node) -> None:
    node.node_info["addresses"] = []
    node.peer_list = []
    document, _, _ = await page_of(local)
    assert "Running · 0 peers · 0 blocks" in document.text
    assert "No peer is known yet." in document.text
    assert "none known yet" in document.text


async def test_a_peer_that_has_not_been_seen(local: Served, node: Node) -> None:
    node.peer_list = [PEER | {"nodeId": None, "lastSeen": None, "lastError": "refused"}]
    document, _, _ = await page_of(local)
    for text in ("unknown", "never", "connected: refused"):
        assert text in document.text


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["text", "muted", "link", "good", "warn"])
@pytest.mark.parametrize("ground", ["ground", "card"])
def test_the_colours_can_be_read(scheme: int, text: str, ground: str) -> None:
    pairs = re.findall(r"--(\w+): (#\w+);", TEMPLATE_PATH.read_text())
    half = len(pairs) // 2
    colours = dict(pairs[scheme * half : (scheme + 1) * half])
    bright, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


async def test_a_knock_is_taken_or_not(public: Served, node: Node) -> None:
    async with public.client.get("/reach/" + "ab" * 16) as response:
        assert (response.status, await response.read()) == (204, b"")
        assert response.headers["Cache-Control"] == "no-store"
    async with public.client.get("/reach/" + "cd" * 16) as response:
        assert response.status == 404
        assert (await response.json())["type"] == "urn:edgenode:problem:not-found"
    assert node.knocks == [("ab" * 16, "127.0.0.1"), ("cd" * 16, "127.0.0.1")]


async def test_nobody_knocks_at_the_http_port(local: Served, node: Node) -> None:
    async with local.client.get("/reach/" + "ab" * 16) as response:
        assert response.status == 404
    assert node.knocks == []


@pytest.mark.parametrize(
    ("verdict", "verified", "words", "colour"),
    [
        ("mapped", True, "Reachable from other networks. Do this.", "good"),
        ("public", True, "Reachable from other networks. Do this.", "good"),
        ("public", False, "Reachable from other networks, not confirmed yet. Do this.", "good"),
        ("ipv6-only", True, "Reachable from other networks by IPv6. Do this.", "good"),
        ("cgnat", False, "Not reachable from other networks. Do this.", "warn"),
        ("firewalled", False, "Not reachable from other networks. Do this.", "warn"),
        ("unknown", False, "Not known yet whether other networks can reach it. Do this.", "warn"),
    ],
)
async def test_the_page_says_next_whether_it_can_be_reached(
    local: Served, node: Node, verdict: str, verified: bool, words: str, colour: str
) -> None:
    node.reachability |= {"verdict": verdict, "verified": verified, "advice": "Do this."}
    document, source, _ = await page_of(local)
    assert words in document.text
    assert f'<p class="{colour}"><strong>' in source
    assert source.index(f'<p class="{colour}">') < source.index("Up for")
    where = "192.0.2.1:4242, confirmed by 2 nodes" if verified else "192.0.2.1:4242\n"
    assert where in document.text


async def test_the_page_without_an_outer_address(local: Served, node: Node) -> None:
    node.reachability |= {"externalAddress": None, "externalPort": None, "advice": "<b>&"}
    document, source, _ = await page_of(local)
    assert "From outsidenot known" in document.text
    assert "&lt;b&gt;&amp;" in source
    node.reachability |= {"externalAddress": "2a01:4f8::1", "externalPort": 4242}
    assert "[2a01:4f8::1]:4242" in (await page_of(local))[0].text
    node.reachability |= {"externalAddress": "100.64.0.7", "externalPort": None}
    assert "100.64.0.7" in (await page_of(local))[0].text


def test_durations_and_amounts() -> None:
    assert [duration(seconds) for seconds in (0, 59.9, 60, 3725, 90061)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "1 h 2 min",
        "1 d 1 h",
    ]
    assert [amount(size) for size in (0, 999, 1000, 1_500_000, 999_999, 10**12, 10**16)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.5 MB",
        "1.0 MB",
        "1.0 TB",
        "10000.0 TB",
    ]
