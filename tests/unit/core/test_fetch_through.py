"""A fetch that takes what a peer passes on of another."""

from edgenode.core.events import BlockSync, decode_block_sync
from edgenode.core.fetch import Fetch, Send
from edgenode.core.fields import Fields
from tests.unit.core.fetch_steps import BLOCK_ID, MAX_SIZE, WANT, A, B, Ids, chunk, new_fetch, show


def through() -> Fetch:
    return Fetch(BLOCK_ID, max_size=MAX_SIZE, new_id=Ids(), through=True)


def marks(effects: "list[object]") -> "list[bool]":
    return [effect.sync.through for effect in effects if isinstance(effect, Send)]


def test_the_mark_travels() -> None:
    for op in ("want", "have"):
        sync = BlockSync(op, BLOCK_ID, 1, size=5, through=True)
        came = decode_block_sync(Fields(sync.to_data(), "data"))
        assert came is not None
        assert came.through is True
        sync.through = False
        assert "through" not in sync.to_data()
        came = decode_block_sync(Fields(sync.to_data(), "data"))
        assert came is not None
        assert came.through is False


def test_only_such_a_fetch_asks_for_it() -> None:
    assert marks(list(through().start([A, B], 0))) == [True, True]
    assert marks(list(new_fetch().start([A, B], 0))) == [False, False]


def test_who_passes_it_on_is_asked_for_the_bytes_with_the_mark() -> None:
    fetch = through()
    fetch.start([A], 0)
    assert show(fetch.on_have(A, 5, 0, through=True)) == ["open 5"]
    assert marks(list(fetch.on_opened(0, 0))) == [True]
    assert chunk(fetch, A, 0, 5) == ["write 5", "commit"]


def test_who_holds_it_is_asked_for_the_bytes_without() -> None:
    fetch = through()
    fetch.start([A], 0)
    fetch.on_have(A, 5, 0)
    assert marks(list(fetch.on_opened(0, 0))) == [False]


def test_who_holds_it_comes_before_who_passes_it_on() -> None:
    fetch = through()
    fetch.start([A, B], 0)
    fetch.on_have(A, WANT, 0, through=True)
    fetch.on_opened(0, 0)
    fetch.on_have(B, WANT, 0)
    fetch.start(["c" * 64], 0)
    fetch.on_have("c" * 64, WANT, 0, through=True)
    assert show(fetch.on_lack(A, "unreadable", 0)) == ["want b #3 0+262144"]
    assert show(fetch.on_lack(B, "unreadable", 0)) == ["want c #4 0+262144"]


def test_unasked_for_it_is_no_holder() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    assert show(fetch.on_have(A, 5, 0, through=True)) == ["failed: aaaaaaaa: would only pass it on"]
