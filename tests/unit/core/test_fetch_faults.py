"""The fetch of one block: what holders, links and clocks do to it."""

from edgenode.core.fetch import ASK_MS, MAX_CANDIDATES, MAX_CUTS, STALL_MS, Fetch, Send
from tests.unit.core.fetch_steps import (
    WANT,
    A,
    B,
    C,
    chunk,
    new_fetch,
    reading,
    show,
)


def test_chunks_of_others_and_of_earlier_holders_fall_away() -> None:
    fetch = reading(100)
    first_id = fetch.fetch_id
    assert fetch.on_chunk(B, first_id, 0, bytes(10), 0) == []
    assert fetch.on_chunk(A, first_id + 7, 0, bytes(10), 0) == []
    fetch.on_lost(A, 0)
    fetch.on_linked(A, 0)
    assert fetch.fetch_id != first_id
    assert fetch.on_chunk(A, first_id, 0, bytes(10), 0) == []
    assert fetch.on_chunk(B, first_id, 0, bytes(10), 0) == []
    assert chunk(fetch, B, 0, 10) == ["write 10"]


def test_a_chunk_before_the_file_is_open_falls_away() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, 100, 0)
    assert fetch.on_chunk(A, fetch.fetch_id, 0, bytes(10), 0) == []
    assert show(fetch.on_opened(0, 0)) == ["want a #2 0+100"]


def test_chunks_that_were_not_asked_for() -> None:
    for offset, size in ((1, 10), (40, 10), (29, 10), (30, 71)):
        fetch = reading(100)
        chunk(fetch, A, 0, 30)
        assert chunk(fetch, A, offset, size) == ["want b #3 30+70"], (offset, size)


def test_a_chunk_beyond_the_window() -> None:
    fetch = reading(4 * WANT)
    assert chunk(fetch, A, 0, 2 * WANT + 1) == [f"want b #3 0+{WANT}", f"want b #3 {WANT}+{WANT}"]


def test_wrong_bytes_of_one_holder_are_its_fault() -> None:
    fetch = reading(100)
    assert chunk(fetch, A, 0, 100) == ["write 100", "commit"]
    assert show(fetch.on_committed(False, 0)) == ["open 100"]
    assert show(fetch.on_opened(0, 0)) == ["want b #3 0+100"]
    chunk(fetch, B, 0, 100)
    assert show(fetch.on_committed(False, 0)) == [
        "failed: aaaaaaaa: bytes that do not hash to the id; "
        "bbbbbbbb: bytes that do not hash to the id"
    ]


def mixed() -> Fetch:
    """Give a fetch whose bytes are wrong and came from A, whose link was lost, and from B."""
    fetch = reading(100)
    chunk(fetch, A, 0, 30)
    fetch.on_lost(A, 0)
    fetch.on_linked(A, 0)
    fetch.on_have(A, 100, 0)
    assert chunk(fetch, B, 30, 70) == ["write 70", "commit"]
    return fetch


def alone(fetch: Fetch) -> "tuple[str, str]":
    """Let the mixed bytes be found wrong; give who has to hand over the block now, and who waits.

    Which of the two comes first is left open: MicroPython's dicts have no order.
    """
    assert show(fetch.on_committed(False, 0)) == ["open 100"]
    (sent,) = fetch.on_opened(0, 0)
    assert isinstance(sent, Send)
    assert (sent.sync.offset, sent.sync.length) == (0, 100)
    return (A, B) if sent.peer == A else (B, A)


def test_wrong_bytes_of_several_holders_are_nobodys_fault() -> None:
    fetch = mixed()
    # Either from the first byte on, each alone.
    first, second = alone(fetch)
    chunk(fetch, first, 0, 30)
    assert show(fetch.on_lack(first, "busy", 0)) == ["discard", "open 100"]
    assert show(fetch.on_opened(0, 0)) == [f"want {second[0]} #5 0+100"]
    chunk(fetch, second, 0, 100)
    assert show(fetch.on_committed(True, 0)) == ["held"]


def test_after_a_mixed_mismatch_a_lost_holder_has_failed() -> None:
    fetch = mixed()
    first, _ = alone(fetch)
    chunk(fetch, first, 0, 30)
    assert show(fetch.on_lost(first, 0)) == ["discard", "open 100"]
    assert fetch.on_linked(first, 0) == []


def test_after_a_mixed_mismatch_one_holder_can_be_blamed() -> None:
    fetch = mixed()
    first, second = alone(fetch)
    chunk(fetch, first, 0, 100)
    assert show(fetch.on_committed(False, 0)) == ["open 100"]
    assert show(fetch.on_opened(0, 0)) == [f"want {second[0]} #5 0+100"]


def test_wrong_bytes_left_by_an_earlier_transfer_blame_nobody() -> None:
    fetch = reading(100, (A,), offset=50)
    chunk(fetch, A, 50, 50)
    assert show(fetch.on_committed(False, 0)) == ["open 100"]
    assert show(fetch.on_opened(0, 0)) == ["want a #3 0+100"]
    chunk(fetch, A, 0, 100)
    assert show(fetch.on_committed(True, 0)) == ["held"]


def test_another_size_begins_anew() -> None:
    fetch = new_fetch()
    fetch.start([A, B], 0)
    fetch.on_have(A, 200, 0)
    fetch.on_have(B, 100, 0)
    fetch.on_opened(0, 0)
    chunk(fetch, A, 0, 30)
    assert show(fetch.on_lack(A, "unreadable", 0)) == ["discard", "open 100"]
    assert show(fetch.on_opened(0, 0)) == ["want b #3 0+100"]


def test_a_holder_lost_while_the_file_is_opened() -> None:
    fetch = new_fetch()
    fetch.start([A, B], 0)
    fetch.on_have(A, 100, 0)
    fetch.on_have(B, 100, 0)
    assert fetch.on_lost(A, 0) == []  # the disk is busy
    assert show(fetch.on_opened(40, 0)) == ["want b #3 40+60"]


def test_all_holders_lost_while_the_file_is_opened() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, 100, 0)
    assert fetch.on_lack(A, "busy", 0) == []
    assert show(fetch.on_opened(40, 0)) == ["failed: aaaaaaaa: busy"]


def test_a_holder_lost_while_the_hash_is_checked() -> None:
    for sound, expected in ((True, ["held"]), (False, [])):
        fetch = reading(100, (A,))
        chunk(fetch, A, 0, 100)
        assert fetch.on_lost(A, 0) == []
        assert show(fetch.on_committed(sound, 0)) == expected


def test_no_answer() -> None:
    fetch = new_fetch()
    fetch.start([A], 5)
    assert fetch.deadline_ms() == 5 + ASK_MS
    assert fetch.on_time(5 + ASK_MS - 1) == []
    assert show(fetch.on_time(5 + ASK_MS)) == ["failed: aaaaaaaa: no answer"]


def test_who_is_asked_again_has_the_time_again() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_lost(A, 7_000)
    fetch.on_linked(A, 20_000)
    assert fetch.deadline_ms() == 20_000 + ASK_MS


def test_a_stall() -> None:
    fetch = reading(100)
    chunk(fetch, A, 0, 30, now_ms=1000)
    assert fetch.deadline_ms() == 1000 + STALL_MS
    assert fetch.on_time(1000 + STALL_MS - 1) == []
    assert show(fetch.on_time(1000 + STALL_MS)) == ["want b #3 30+70"]
    # Its own time begins when it is asked.
    assert fetch.deadline_ms() == 1000 + 2 * STALL_MS


def test_a_holder_in_reserve_has_no_deadline() -> None:
    fetch = reading(100)
    chunk(fetch, A, 0, 30, now_ms=STALL_MS - 1)
    assert fetch.on_time(STALL_MS) == []


def test_the_disk_has_no_deadline() -> None:
    fetch = new_fetch()
    fetch.start([A], 0)
    fetch.on_have(A, 100, 0)
    assert fetch.deadline_ms() is None
    fetch.on_opened(0, 0)
    assert fetch.deadline_ms() == STALL_MS
    chunk(fetch, A, 0, 100)
    assert fetch.deadline_ms() is None
    assert fetch.on_time(10 * STALL_MS) == []


def test_cuts_are_bounded() -> None:
    fetch = reading(100, (A,))
    for _ in range(MAX_CUTS):
        assert fetch.on_lost(A, 0) == []
        assert show(fetch.on_linked(A, 0)) == ["ask a"]
        fetch.on_have(A, 100, 0)
    assert show(fetch.on_lost(A, 0)) == ["failed: aaaaaaaa: link lost"]


def test_candidates_are_bounded() -> None:
    fetch = new_fetch()
    peers = [f"{number:064x}" for number in range(MAX_CANDIDATES + 1)]
    assert len(fetch.start(peers, 0)) == MAX_CANDIDATES
    assert fetch.on_linked(peers[-1], 0) == []
    for peer in peers[: MAX_CANDIDATES - 1]:
        assert fetch.on_lack(peer, "not-held", 0) == []
    assert show(fetch.on_lack(peers[MAX_CANDIDATES - 1], "not-held", 0))[0].startswith("failed")


def test_all_deadlines_at_once_end_once() -> None:
    fetch = new_fetch()
    fetch.start([A, B, C], 0)
    effects = show(fetch.on_time(ASK_MS))
    assert len(effects) == 1
    assert effects[0].count("no answer") == 3


def test_a_holder_that_drips_bytes_is_replaced() -> None:
    fetch = reading(100_000)
    for offset in range(2):
        now_ms = (offset + 1) * (STALL_MS - 1)
        assert fetch.on_time(now_ms) == []
        chunk(fetch, A, offset, 1, now_ms=now_ms)
    assert fetch.deadline_ms() == 2 * STALL_MS + 1
    assert "want b" in show(fetch.on_time(2 * STALL_MS + 1))[0]
