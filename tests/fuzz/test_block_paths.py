"""Whatever stands in a path where a block's id belongs, nothing outside of the store is opened."""

import asyncio
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgenode.core.errors import HashMismatch
from edgenode.core.ids import is_block_id
from tests.fuzz.served import both_ports, exchange, nothing_logged
from tests.unit.api.conftest import TOKEN
from tests.unit.store.helpers import open_store, pieces

CALLS, CI_CALLS = 500, 100_000
REQUESTS, CI_REQUESTS = 200, 10_000
FULL_REQUESTS = int(os.environ.get("EDGENODE_FUZZ_PATHS", "100_000"))
CONNECTIONS = 8

CANARY = b"what nobody may read"
HEX = "0123456789abcdef"
TRICKS = (
    "..", "../", "/", "//", "\\", "..\\", "\0", ".", "~", "./", "..;/", "\u2025",
    "\u2215", "etc/passwd", "canary", "incoming", "quarantine", "\n", " ", "?", "#", "*", "%",
    "%2e%2e%2f", "\ud800", "/proc/self/environ",
)  # fmt: skip
QUOTED = ("%2e", "%2E%2e/", "%2f", "%5c", "%00", "%252e%252e%252f", "%c0%ae", "%e2%80%a5", "%0d%0a")
FORMS = (
    "/blocks/{}",
    "/blocks/{}/metadata",
    "/blocks/{}/pin",
    "/blocks/../{}",
    "{}",
    "/page.css/{}",
)
METHODS = ("GET", "GET", "GET", "HEAD", "DELETE", "PUT")


def some_id(chance: random.Random) -> str:
    """Return what may stand where an id belongs; now and then one that is."""
    kind = chance.randrange(4)
    if kind == 0:
        return "".join(chance.choices(TRICKS, k=chance.randrange(1, 12)))
    text = "".join(chance.choices(HEX, k=128))
    if kind == 1:
        trick = chance.choice(TRICKS)
        at = chance.randrange(128)
        text = text[:at] + trick + text[at + len(trick) :]
    elif kind == 2:
        text = ("../" * chance.randrange(1, 43) + "canary").rjust(128, "a")
    return text


def quoted(text: str, chance: random.Random) -> str:
    """Return it as it may stand in a request line, some of it quoted once or twice."""
    found = ""
    for character in text.encode("utf-8", "surrogatepass"):
        plain = 0x21 <= character < 0x7F and character not in b"%?#"
        if plain and chance.random() < 0.9:
            found += chr(character)
        elif chance.random() < 0.1:
            found += f"%25{character:02x}"
        else:
            found += f"%{character:02x}"
    return found if chance.random() < 0.8 else found[:50] + chance.choice(QUOTED) + found[50:]


OPENED: set[str] = set()
WATCHING: list[bool] = []
EVENTS = {"open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir", "os.link"}


def _watch(event: str, args: tuple[object, ...]) -> None:
    if WATCHING and event in EVENTS:
        OPENED.update(os.fsdecode(arg) for arg in args[:2] if isinstance(arg, (str, bytes)))


sys.addaudithook(_watch)  # cannot be taken off again; quiet unless WATCHING


@contextmanager
def nothing_opened_but_below(root: Path) -> Iterator[None]:
    OPENED.clear()
    WATCHING.append(True)
    try:
        yield
    finally:
        WATCHING.clear()
    # A name without a folder is one below an open descriptor; of code, what is loaded when needed.
    paths = {Path(os.path.normpath(each)) for each in OPENED if "/" in each}
    outside = [
        str(path)
        for path in paths
        if not path.is_relative_to(root) and path.suffix not in (".py", ".pyc")
    ]
    assert any(path.is_relative_to(root) for path in paths), "what is opened was seen"
    assert outside == []


@pytest.mark.parametrize("count", [CALLS, pytest.param(CI_CALLS, marks=pytest.mark.ci)])
@pytest.mark.timeout(600)
async def test_calls_of_the_store(tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    (tmp_path / "canary").write_bytes(CANARY)
    root = tmp_path / "store" / "blocks"
    root.parent.mkdir()
    store = await open_store(root)
    with nothing_opened_but_below(root):
        for number in range(count):
            text = some_id(chance)
            assert await store.get(text) is None
            if number % 10 == 0:
                assert not await store.delete(text)
            if number % 100 == 0:
                with pytest.raises(HashMismatch):
                    await store.put(pieces(b"x"), expected_id=text)
                try:
                    await (await store.partial(text, 5)).discard()
                    await store.list_blocks(text, 5)
                except ValueError:
                    assert not is_block_id(text)


@pytest.mark.parametrize(
    "count",
    [
        REQUESTS,
        pytest.param(CI_REQUESTS, marks=pytest.mark.ci),
        pytest.param(FULL_REQUESTS, marks=pytest.mark.full),
    ],
)
@pytest.mark.timeout(1800)
async def test_requests_at_both_ports(tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    (tmp_path / "canary").write_bytes(CANARY)
    folder = tmp_path / "node"
    folder.mkdir()

    async def ask(port: int) -> int:
        asked = 0
        writer = None
        while asked < count // (2 * CONNECTIONS):
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            path = chance.choice(FORMS).format(quoted(some_id(chance), chance))
            method = chance.choice(METHODS)
            body = "Content-Length: 1\r\n" if method == "PUT" else ""
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {TOKEN}\r\n{body}\r\n{'x' if body else ''}".encode()
            )
            asked += 1
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                answer = b"" if method == "HEAD" else await reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                writer = None
                continue
            status = int(head.split(b" ")[1])
            assert status < 500, (status, path)
            assert CANARY not in answer and b"root:" not in answer
            if b"connection: close" in head:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()
        return asked

    async with both_ports(folder) as ports:
        post = f"POST /blocks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        with nothing_logged(), nothing_opened_but_below(folder / "blocks"):
            assert b" 201 " in await exchange(
                ports.local, f"{post}Content-Length: 1\r\n\r\nx".encode()
            )
            each = [ask(port) for port in ports[:2] for _ in range(CONNECTIONS)]
            assert sum(await asyncio.gather(*each)) >= count - 2 * CONNECTIONS
