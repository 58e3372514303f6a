"""The fetch of one block, step by step."""

from edgenode.core.errors import BlockTooLarge, BlockUnavailable
from edgenode.core.fetch import (
    ASK_MS,
    GRACE_MS,
    MAX_CANDIDATES,
    MAX_CUTS,
    STALL_MS,
    Commit,
    Discard,
    Effect,
    Ended,
    Fetch,
    Open,
    Send,
    Write,
)

BLOCK_ID = "0f" * 64
A, B, C = "a" * 64, "b" * 64, "c" * 64
WANT = 256 * 1024
CHUNK = 64 * 1024
MAX_SIZE = 10 * WANT
PIECE = bytes(CHUNK)


class Ids:
    """Gives 1, 2, 3 …"""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


def new_fetch() -> Fetch:
    return Fetch(BLOCK_ID, max_size=MAX_SIZE, new_id=Ids())


def show(effects: "list[Effect]") -> "list[str]":
    """Give each effect as a few words."""
    return [_show(effect) for effect in effects]


def _show(effect: Effect) -> str:
    if isinstance(effect, Send):
        sync = effect.sync
        assert (sync.op, sync.block_id) == ("want", BLOCK_ID)
        if not sync.length:
            return "ask " + effect.peer[0]
        return f"want {effect.peer[0]} #{sync.fetch_id} {sync.offset}+{sync.length}"
    if isinstance(effect, Open):
        return f"open {effect.size}"
    if isinstance(effect, Write):
        return f"write {len(effect.data)}"
    if isinstance(effect, (Commit, Discard)):
        return type(effect).__name__.lower()
    assert isinstance(effect, Ended)
    return "held" if effect.error is None else "failed: " + str(effect.error)


def reading(size: int, peers: "tuple[str, ...]" = (A, B), offset: int = 0) -> Fetch:
    """Give a fetch in which all peers hold the block and the first hands it over."""
    fetch = new_fetch()
    fetch.start(list(peers), 0)
    for peer in peers:
        fetch.on_have(peer, size, 0)
    fetch.on_opened(offset, 0)
    return fetch


def chunk(fetch: Fetch, peer: str, offset: int, size: int, now_ms: int = 0) -> "list[str]":
    return show(fetch.on_chunk(peer, fetch.fetch_id, offset, bytes(size), now_ms))


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
