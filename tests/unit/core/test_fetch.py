"""The fetch of one block: who is asked, and for what."""

from edgenode.core.errors import BlockTooLarge, BlockUnavailable
from edgenode.core.fetch import ASK_MS, GRACE_MS, STALL_MS, Ended
from tests.unit.core.fetch_steps import (
    CHUNK,
    MAX_SIZE,
    WANT,
    A,
    B,
    chunk,
    new_fetch,
    reading,
    show,
)


def test_happy_path() -> None:
    fetch = new_fetch()
    assert show(fetch.start([A, B], 0)) == ["ask a", "ask b"]
    assert show(fetch.on_have(B, 100, 1)) == ["open 100"]
    assert show(fetch.on_opened(0, 2)) == ["want b #2 0+100"]
    assert show(fetch.on_chunk(B, 2, 0, bytes(60), 3)) == ["write 60"]
    assert show(fetch.on_chunk(B, 2, 60, bytes(40), 4)) == ["write 40", "commit"]
    assert show(fetch.on_committed(True, 5)) == ["held"]


def test_the_window() -> None:
    size = 2 * WANT + 70_000
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, size, 0)
    assert show(fetch.on_opened(0, 0)) == [f"want a #2 0+{WANT}", f"want a #2 {WANT}+{WANT}"]
    for offset in range(0, 3 * CHUNK, CHUNK):
        assert chunk(fetch, A, offset, CHUNK) == [f"write {CHUNK}"]
    # The next want goes out when half the window has come.
    expected = [f"write {CHUNK}", f"want a #2 {2 * WANT}+70000"]
    assert chunk(fetch, A, 3 * CHUNK, CHUNK) == expected
    for offset in range(4 * CHUNK, 2 * WANT, CHUNK):
        assert chunk(fetch, A, offset, CHUNK) == [f"write {CHUNK}"]
    assert chunk(fetch, A, 2 * WANT, CHUNK) == [f"write {CHUNK}"]
    assert chunk(fetch, A, 2 * WANT + CHUNK, 70_000 - CHUNK)[-1] == "commit"


def test_the_next_want_waits_for_half_the_window() -> None:
    fetch = reading(3 * WANT)
    for offset in range(0, 3 * CHUNK, CHUNK):
        chunk(fetch, A, offset, CHUNK)
    assert chunk(fetch, A, 3 * CHUNK, CHUNK - 1) == [f"write {CHUNK - 1}"]
    assert chunk(fetch, A, WANT - 1, 1) == ["write 1", f"want a #2 {2 * WANT}+{WANT}"]


def test_nobody_to_ask() -> None:
    assert show(new_fetch().start([], 0)) == ["failed: no linked peer to ask"]


def test_nobody_holds_it() -> None:
    fetch = new_fetch()
    fetch.start([B, A], 0)
    assert show(fetch.on_lack(A, "not-held", 0)) == []
    assert show(fetch.on_lack(B, "unreadable", 0)) == [
        "failed: aaaaaaaa: not-held; bbbbbbbb: unreadable"
    ]


def test_every_reason_is_told() -> None:
    fetch = new_fetch()
    peers = [letter * 64 for letter in "abcde"]
    fetch.start(peers, 0)
    fetch.on_lack(peers[0], "not-held", 0)
    fetch.on_have(peers[1], MAX_SIZE + 1, 0)
    fetch.on_lost(peers[2], 0)
    fetch.on_have(peers[4], 100, 1)
    fetch.on_opened(0, 1)
    assert show(fetch.on_time(ASK_MS)) == []
    effects = fetch.on_time(GRACE_MS) + fetch.on_time(STALL_MS + 1)
    assert show(effects) == [
        "failed: aaaaaaaa: not-held; bbbbbbbb: too large; cccccccc: link lost; "
        "dddddddd: no answer; eeeeeeee: stalled"
    ]
    ended = effects[-1]
    assert isinstance(ended, Ended)
    assert isinstance(ended.error, BlockUnavailable)


def test_too_large_everywhere() -> None:
    fetch = new_fetch()
    fetch.start([A, B], 0)
    assert fetch.on_have(A, MAX_SIZE + 1, 0) == []
    (ended,) = fetch.on_have(B, 2**53 - 1, 0)
    assert isinstance(ended, Ended)
    assert isinstance(ended.error, BlockTooLarge)


def test_the_largest_block_is_taken() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    assert show(fetch.on_have(A, MAX_SIZE, 0)) == [f"open {MAX_SIZE}"]


def test_the_next_holder_goes_on_at_the_byte_reached() -> None:
    fetch = reading(100)
    chunk(fetch, A, 0, 30)
    assert show(fetch.on_lack(A, "unreadable", 0)) == ["want b #3 30+70"]
    assert chunk(fetch, B, 30, 70) == ["write 70", "commit"]


def test_a_holder_that_says_so_late_is_used() -> None:
    fetch = new_fetch()
    fetch.start([A, B], 0)
    fetch.on_have(A, 100, 0)
    fetch.on_opened(0, 0)
    assert show(fetch.on_lack(A, "busy", 0)) == []
    assert show(fetch.on_have(B, 100, 1)) == ["want b #3 0+100"]


def test_what_an_earlier_transfer_left_is_not_asked_for() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, 100, 0)
    assert show(fetch.on_opened(70, 0)) == ["want a #2 70+30"]


def test_all_was_left_by_an_earlier_transfer() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, 100, 0)
    assert show(fetch.on_opened(100, 0)) == ["commit"]
    assert show(fetch.on_committed(True, 0)) == ["held"]


def test_a_lost_holder_comes_back() -> None:
    fetch = reading(100, (A,))
    chunk(fetch, A, 0, 30)
    assert show(fetch.on_lost(A, 10)) == []
    assert fetch.deadline_ms() == 10 + GRACE_MS
    assert show(fetch.on_linked(A, 20)) == ["ask a"]
    assert show(fetch.on_have(A, 100, 30)) == ["want a #3 30+70"]
    assert chunk(fetch, A, 30, 70) == ["write 70", "commit"]


def test_a_lost_holder_does_not_come_back() -> None:
    fetch = reading(100, (A,))
    fetch.on_lost(A, 10)
    assert show(fetch.on_time(10 + GRACE_MS - 1)) == []
    assert show(fetch.on_time(10 + GRACE_MS)) == ["failed: aaaaaaaa: link lost"]


def test_another_holder_takes_over_from_a_lost_one() -> None:
    fetch = reading(100)
    chunk(fetch, A, 0, 30)
    assert show(fetch.on_lost(A, 10)) == ["want b #3 30+70"]
    assert show(fetch.on_linked(A, 20)) == ["ask a"]
    assert show(fetch.on_have(A, 100, 30)) == []  # in reserve
    assert show(fetch.on_lack(B, "busy", 40)) == ["want a #4 30+70"]


def test_a_peer_that_is_linked_later_is_asked() -> None:
    fetch = reading(100, (A,))
    assert show(fetch.on_linked(B, 10)) == ["ask b"]
    assert show(fetch.on_have(B, 100, 20)) == []
    assert show(fetch.on_lost(A, 30)) == ["want b #3 0+100"]


def test_a_peer_that_failed_is_not_asked_again() -> None:
    fetch = new_fetch()
    fetch.start([A, B], 0)
    fetch.on_lack(A, "not-held", 0)
    assert fetch.on_linked(A, 10) == []
    assert fetch.on_lost(A, 20) == []
    assert fetch.on_have(A, 100, 30) == []


def test_a_peer_is_asked_once_for_each_link() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    assert fetch.on_linked(A, 10) == []


def test_answers_of_strangers_are_ignored() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    assert fetch.on_have(B, 100, 0) == []
    assert fetch.on_lack(B, "not-held", 0) == []
    assert fetch.on_lost(B, 0) == []
    assert fetch.on_chunk(B, fetch.fetch_id, 0, b"x", 0) == []
