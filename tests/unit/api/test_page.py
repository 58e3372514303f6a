"""The status page, as the node makes it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from edgenode.api.page.answer import FOLDER
from edgenode.api.page.plots import SLOTS
from edgenode.api.page.text import amount, duration
from edgenode.core.errors import StoreFailed

from .conftest import NODE_ID, Node, Served
from .test_node import PEER, UNLINKED

MAX_PAGE_BYTES = 60 * 1024


class Document(HTMLParser):
    """Collects what a page would run, load or break."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        if tag not in ("meta", "link", "input", "path", "circle"):
            self.open.append(tag)
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.loads += [found[name] or "" for name in ("src", "href", "action") if name in found]
        self.inline += [name for name in found if name == "style" or name.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that ends at once."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check the nesting."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text; what is inline is none."""
        if self.open and self.open[-1] in ("script", "style"):
            self.inline += [data] if data.strip() else []
        else:
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
    assert len(document.ids) == len(set(document.ids))
    return document, source, policy


async def test_the_page_says_the_state_first(local: Served, node: Node) -> None:
    node.peer_list = [PEER]
    node.store.keep(b"1")
    node.store.keep(b"2")
    document, source, _ = await page_of(local)
    text = " ".join(document.text.split())
    assert "<title>Reachable from the internet · 1 peer · 2 blocks · edgenode</title>" in source
    assert "Reachable from the internet · 1 peer · 2 blocks The router opened" in text
    assert text.index("1 peer") < text.index("Round trip") < text.index(NODE_ID)
    for value in ("1 d 1 h", "192.0.2.1:4242", "4280", "192.0.2.7", "connected", "not set"):
        assert value in text, value
    for value in ("12.5 ms", "eu · ", "inbound", "2 of 2", "Hot", "By temperature"):
        assert value in text, value
    assert f"http://127.0.0.1:{local.port}/blocks/ID" in text
    assert 'name="viewport"' in source
    assert '<html lang="en">' in source


async def test_the_page_runs_and_loads_nothing_from_elsewhere(local: Served) -> None:
    document, _, policy = await page_of(local)
    assert not {"style", "img", "iframe", "object"} & set(document.tags)
    assert document.inline == []
    assert all(re.match(r"/(?!/)|#|data:image/svg", load) for load in document.loads)
    for name in ("page.css", "page.js"):
        text = (FOLDER / name).read_text()
        assert not re.search(r"url\(|@import|https?://|innerHTML|eval\(", text)
    assert "unsafe" not in policy
    assert "http" not in policy
    for directive in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ):
        assert directive in policy


async def test_style_and_script_are_kept_by_their_content(local: Served) -> None:
    _, source, _ = await page_of(local)
    for path, name in re.findall(r'(?:href|src)="(/(page\.\w+)\?v=[0-9a-f]{8})"', source):
        async with local.client.get(path) as response:
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert await response.read() == (FOLDER / name).read_bytes()
        for other in (f"/{name}", f"/{name}?v=00000000"):
            async with local.client.get(other) as response:
                assert response.headers["Cache-Control"] == "no-store"
    assert source.count("?v=") == 2


async def test_the_page_is_small(local: Served, node: Node) -> None:
    node.peer_list = [PEER | {"nodeId": f"{number:064x}"} for number in range(12)]
    full = {"bytesIn": 10**9, "bytesOut": 10**8, "succeeded": 123, "failed": 45, "peers": 12}
    node.history["samples"] = [
        {name: value - number for name, value in full.items()} for number in range(SLOTS + 1)
    ]
    _, source, _ = await page_of(local)
    files = sum((FOLDER / name).stat().st_size for name in ("page.css", "page.js"))
    assert len(source.encode()) + files <= MAX_PAGE_BYTES


async def test_everything_on_the_page_is_escaped(local: Served, node: Node) -> None:
    evil = "<script>x</script>\"'&$host"
    node.peer_list = [
        PEER | dict.fromkeys(("nodeId", "address", "status", "region", "lastError"), evil)
    ]
    node.node_info.update(
        dict.fromkeys(("nodeId", "network", "version", "region"), evil),
        addresses=[evil],
        httpPort=evil,
        wsPort=evil,
    )
    node.sync["transfers"] = [{"blockId": evil, "received": 1, "size": 2}]
    node.records.regions = {evil: 3}
    node.reachability["externalAddress"] = evil
    document, source, _ = await page_of(local)
    assert document.tags.count("script") == 1  # the page's own
    assert document.text.count(evil) >= 11
    assert "<script>" not in source


async def test_the_host_on_the_page_is_escaped(local: Served) -> None:
    answer = await local.exchange(
        b"GET / HTTP/1.1\r\nHost: [::1%<b>x</b>]\r\nConnection: close\r\n\r\n"
    )
    assert b"<b>x" not in answer


async def test_the_page_without_peers_and_addresses(local: Served, node: Node) -> None:
    node.node_info["addresses"] = []
    node.history["samples"] = [dict.fromkeys(node.history["samples"][0], 0)]
    node.sync |= {"origins": 0}
    document, source, _ = await page_of(local)
    assert "0 peers · 0 blocks" in document.text
    assert "No peer is known yet." in document.text
    assert "No peer is linked." in document.text
    assert "none known yet" in document.text
    assert '<h1 class="warn">' in source


async def test_a_lonely_node_says_how_to_join(local: Served, node: Node) -> None:
    node.alone = 59
    document, _, _ = await page_of(local)
    assert "edgenode join" not in document.text
    node.alone = 720
    document, _, _ = await page_of(local)
    assert "For 12 min now." in document.text
    assert "'edgenode invite'" in document.text
    assert "'edgenode join'" in document.text


async def test_many_peers_are_not_all_shown(local: Served, node: Node) -> None:
    node.peer_list = [PEER | {"nodeId": f"{number:064x}"} for number in range(70)]
    document, _, _ = await page_of(local)
    assert document.text.count("12.5 ms") == 64
    assert "and 6 more" in document.text


async def test_a_peer_that_has_not_been_seen(local: Served, node: Node) -> None:
    node.peer_list = [UNLINKED]
    document, source, _ = await page_of(local)
    for text in ("not known yet", "never seen", "connecting", "refused"):
        assert text in document.text
    assert "data-peer" not in source


@pytest.mark.parametrize(
    ("verdict", "verified", "words", "level"),
    [
        ("mapped", True, "Reachable from the internet", "good"),
        ("public", True, "Reachable from the internet", "good"),
        ("public", False, "Probably reachable from the internet", "good"),
        ("ipv6-only", True, "Reachable from the internet by IPv6", "good"),
        ("cgnat", False, "Not reachable from the internet", "warn"),
        ("firewalled", False, "Not reachable from the internet", "warn"),
        ("unknown", False, "Finding out whether it can be reached", "warn"),
    ],
)
async def test_the_page_begins_with_whether_it_can_be_reached(
    local: Served, node: Node, verdict: str, verified: bool, words: str, level: str
) -> None:
    node.peer_list = [PEER]
    node.reachability |= {"verdict": verdict, "verified": verified, "advice": "Do <this>."}
    document, source, _ = await page_of(local)
    assert f'<h1 class="{level}"><span class="reach">{words}</span>' in source
    assert ("Do <this>." in document.text) == (words.startswith("Not"))
    assert ('class="advice"' in source) == (words.startswith("Not"))


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("pcp", "The router opened the port (PCP); 2 nodes elsewhere confirmed it."),
        ("manual", "The port was opened by hand; 2 nodes elsewhere confirmed it."),
        (None, "No port had to be opened; 2 nodes elsewhere confirmed it."),
    ],
)
async def test_the_page_says_how_it_is_reached(
    local: Served, node: Node, method: str | None, words: str
) -> None:
    node.reachability |= {"method": method}
    assert words in (await page_of(local))[0].text


async def test_the_page_without_an_outer_address(local: Served, node: Node) -> None:
    node.reachability |= {"externalAddress": None, "externalPort": None}
    assert "From outsidenot known" in (await page_of(local))[0].text
    node.reachability |= {"externalAddress": "2a01:4f8::1", "externalPort": 4242}
    assert "[2a01:4f8::1]:4242" in (await page_of(local))[0].text
    node.reachability |= {"externalAddress": "100.64.0.7", "externalPort": None}
    assert "100.64.0.7" in (await page_of(local))[0].text


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"freeBytes": 10**9 + 1000}, "left (by the disk)"),
        ({"maxBytes": 10_000}, "9.0 kB left (by the limit in the settings)"),
        ({"maxBytes": 1010}, "Space for blocks is running out: 10 B are left."),
        ({"freeBytes": 500}, "Space for blocks is running out: 0 B are left."),
        ({"freeBytes": None}, "The disk does not answer."),
    ],
)
async def test_the_page_says_how_much_room_there_is(
    local: Served, node: Node, space: dict[str, Any], words: str
) -> None:
    node.space |= space
    assert words in (await page_of(local))[0].text


async def test_the_page_comes_though_the_database_fails(local: Served, node: Node) -> None:
    node.records.failure = StoreFailed("gone")
    document, source, _ = await page_of(local)
    assert "The database does not answer." in document.text
    assert '<h1 class="warn">' in source


async def test_what_is_under_way_has_bars(local: Served, node: Node) -> None:
    node.sync |= {
        "updatesWaiting": 1234,
        "batchesWaiting": 13,
        "originsBehind": 1,
        "batchesMissing": 7,
        "wanted": 3,
        "transfers": [{"blockId": "ab" * 64, "received": 250_000, "size": 1_000_000}],
    }
    document, source, _ = await page_of(local)
    for text in ("1 of 2 complete, 7 batches to come", "13, with 1,234 updates", "fetch: 3"):
        assert text in document.text
    assert "250.0 kB of 1.0 MB" in document.text
    assert '<progress max="1000000" value="250000" aria-label="Block abababababab">' in source


async def test_the_plots_have_the_newest_at_the_right(local: Served, node: Node) -> None:
    _, source, _ = await page_of(local)
    labels = re.findall(r'role="img" aria-label="([^"]+)"', source)
    assert labels[0].startswith("Traffic of the last 2 minutes: 10 B received, 2.0 kB sent")
    assert re.search(r'class="out" d="M591 50v48h8v-48z"', source)
    assert re.search(r'class="done" d="M591 50v-48h8v48z"', source)
    assert re.search(r'class="in" d="M591 50v-1.5h8v1.5z"', source)


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *[
            (text, ground)
            for text in ("text", "muted", "link", "good", "warn", "bad")
            for ground in ("ground", "card")
        ],
        ("good", "goodsoft"),
        ("warn", "warnsoft"),
        ("text", "warnsoft"),
        ("text", "soft"),
        ("card", "link"),
    ],
)
def test_the_colours_can_be_read(scheme: int, text: str, ground: str) -> None:
    parts = (FOLDER / "page.css").read_text().split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--(\w+): (#\w{6});", parts[scheme].split("* {")[0]))
    bright, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_durations_and_amounts() -> None:
    assert [duration(seconds) for seconds in (0, 59.9, 60, 3725, 90061, -5)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h 2 min",
        "1 d 1 h",
        "0 s",
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


async def test_who_was_dialled_by_name_is_shut_out_by_address(local: Served, node: Node) -> None:
    node.peer_list = [PEER | {"address": "pi.local", "remoteAddress": "192.0.2.99"}]
    async with local.client.get("/") as answer:
        assert 'data-address="192.0.2.99"' in await answer.text()
