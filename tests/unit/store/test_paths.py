"""Whatever an id from outside looks like, no path outside of the store is touched."""

import os
import random
import string
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgenode.core.errors import HashMismatch
from edgenode.core.ids import is_block_id
from edgenode.store.layout import Layout
from tests.unit.store.helpers import files_below, open_store, pieces

HEX = "0123456789abcdef"
TRICKS = ["..", "../", "/", "//", "\\", "\0", ".", "%2e%2e%2f", "~", "\u2025", "etc/passwd", "\n"]

crafted = st.lists(
    st.sampled_from(TRICKS) | st.text(HEX, max_size=130) | st.text(string.printable, max_size=9),
    max_size=12,
).map("".join)
padded = crafted.map(lambda text: text[:128].ljust(128, "a"))
ids = st.text(max_size=140) | crafted | padded | st.text(HEX, min_size=126, max_size=130)


@given(text=ids)
@settings(max_examples=2_000, deadline=None)
def test_a_path_is_below_the_root_or_there_is_none(text: str) -> None:
    layout = Layout(Path("/store/blocks"))
    for build in (layout.block, layout.partial, layout.quarantined):
        try:
            path = build(text)
        except ValueError:
            assert not is_block_id(text)
            continue
        assert is_block_id(text)
        assert path.parent.parent == layout.root
        assert ".." not in path.parts
        assert os.path.normpath(path) == str(path)


def test_100_000_ids_made_of_tricks() -> None:
    layout = Layout(Path("/store/blocks"))
    chance = random.Random(7)
    parts = [*TRICKS, *HEX, "a" * 128, "0" * 126]
    paths = 0
    for _ in range(100_000):
        text = "".join(chance.choices(parts, k=chance.randrange(6)))
        text = text[:128].ljust(128, "a") if chance.random() < 0.5 else text
        try:
            path = layout.block(text)
        except ValueError:
            assert not is_block_id(text)
            continue
        paths += 1
        assert str(path) == f"/store/blocks/{text[:2]}/{text}"
        assert not set(text) - set(HEX)
    assert 1_000 < paths < 99_000


OPENED: list[str] = []
WATCHING: list[bool] = []


def watch(event: str, args: tuple[object, ...]) -> None:
    if WATCHING and event in {"open", "os.listdir", "os.scandir", "os.rename", "os.remove"}:
        OPENED.extend(os.fsdecode(arg) for arg in args[:2] if isinstance(arg, (str, bytes)))


def absolute(paths: list[str]) -> list[Path]:
    return [Path(os.path.normpath(path)) for path in paths if path.startswith("/")]


sys.addaudithook(watch)  # cannot be taken off again; quiet unless WATCHING


@given(text=ids)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_no_call_opens_anything_outside(tmp_path: Path, text: str) -> None:
    root = tmp_path / "blocks"
    store = await open_store(root)
    OPENED.clear()
    WATCHING.append(True)
    try:
        assert await store.get(text) is None
        assert not await store.delete(text)
        with pytest.raises(HashMismatch):
            await store.put(pieces(b"x"), expected_id=text)
        try:
            await (await store.partial(text, 5)).discard()
            await store.list_blocks(text, 5)
        except ValueError:
            assert not is_block_id(text)
    finally:
        WATCHING.clear()
    seen = absolute(OPENED)
    assert seen, "the put at least was seen"
    assert all(path.is_relative_to(root) for path in seen), seen
    assert files_below(tmp_path) == {}
