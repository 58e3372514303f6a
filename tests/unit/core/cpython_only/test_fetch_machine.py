"""A fetch under any order of events that hypothesis finds, the disk's answers among them."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgenode.core.errors import BlockTooLarge, BlockUnavailable
from edgenode.core.fetch import (
    ASK_MS,
    GRACE_MS,
    MAX_CUTS,
    STALL_MS,
    WINDOW_BYTES,
    Commit,
    Discard,
    Effect,
    Ended,
    Fetch,
    Open,
    Send,
    Write,
)

SIZE = 600_000
MAX_SIZE = 1_000_000
CHUNK = 64 * 1024
RIGHT, WRONG = bytes(CHUNK), b"\1" * CHUNK

peers = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])


class FetchMachine(RuleBasedStateMachine):
    """One fetch; the rules are what may happen to it, the model is its file."""

    def __init__(self) -> None:
        super().__init__()
        self.last_id = 0
        self.now_ms = 0
        self.fetch = Fetch("0f" * 64, max_size=MAX_SIZE, new_id=self.new_id)
        self.linked = {"a" * 64, "b" * 64}
        self.opening = self.committing = 0  # the size, while the disk works
        self.file = 0  # the size for which the file is open
        self.written = 0
        self.sound = True
        self.wanted: list[tuple[str, int, int, int]] = []  # of the holder in use
        self.ended: Ended | None = None
        self.carry_out(self.fetch.start(sorted(self.linked), 0))

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert self.ended is None, "something after the end"
            if isinstance(effect, Send):
                self.sent(effect)
            elif isinstance(effect, Open):
                assert not (self.file or self.opening or self.committing)
                assert 0 < effect.size <= MAX_SIZE
                self.opening = effect.size
            elif isinstance(effect, Write):
                assert self.file
                self.written += len(effect.data)
                assert self.written <= self.file
                self.sound = self.sound and effect.data[0] == 0
            elif isinstance(effect, Discard):
                assert self.file
                self.file, self.written, self.sound = 0, 0, True
            elif isinstance(effect, Commit):
                assert self.written == self.file > 0
                self.committing, self.file = self.file, 0
            else:
                assert isinstance(effect, Ended)
                self.ended = effect

    def sent(self, effect: Send) -> None:
        assert effect.peer in self.linked
        sync = effect.sync
        if not sync.length:
            assert sync.offset == 0
            return
        assert self.file
        assert sync.fetch_id == self.fetch.fetch_id
        self.wanted = [want for want in self.wanted if want[1] == sync.fetch_id]
        expected = self.wanted[-1][3] if self.wanted else self.written
        assert sync.offset == expected, "a gap or an overlap"
        end = sync.offset + sync.length
        assert end <= self.file
        assert end - self.written <= WINDOW_BYTES
        self.wanted.append((effect.peer, sync.fetch_id, sync.offset, end))

    def running(self) -> bool:
        return self.ended is None

    def receiving(self) -> bool:
        return self.ended is None and bool(self.file and self.wanted)

    def disk_works(self) -> bool:
        return self.ended is None and bool(self.opening or self.committing)

    @precondition(running)
    @rule(peer=peers)
    def link_comes(self, peer: str) -> None:
        if peer not in self.linked:
            self.linked.add(peer)
            self.carry_out(self.fetch.on_linked(peer, self.now_ms))

    @precondition(running)
    @rule(peer=peers)
    def link_goes(self, peer: str) -> None:
        if peer in self.linked:
            self.linked.discard(peer)
            self.carry_out(self.fetch.on_lost(peer, self.now_ms))

    @precondition(running)
    @rule(peer=peers, size=st.sampled_from([SIZE, SIZE, SIZE, SIZE - 1, 1, MAX_SIZE + 1]))
    def have(self, peer: str, size: int) -> None:
        if peer in self.linked:
            self.carry_out(self.fetch.on_have(peer, size, self.now_ms))

    @precondition(running)
    @rule(peer=peers)
    def lack(self, peer: str) -> None:
        if peer in self.linked:
            self.carry_out(self.fetch.on_lack(peer, "not-held", self.now_ms))

    @precondition(receiving)
    @rule(count=st.integers(1, 12), right=st.sampled_from([True, True, True, False]))
    def chunks(self, count: int, right: bool) -> None:
        for _ in range(count):
            peer, fetch_id, _, end = self.wanted[-1]
            size = min(CHUNK, end - self.written)
            if peer not in self.linked or not self.receiving() or size <= 0:
                return
            data = (RIGHT if right else WRONG)[:size]
            at = self.written
            self.carry_out(self.fetch.on_chunk(peer, fetch_id, at, data, self.now_ms))

    @precondition(running)
    @rule(
        peer=peers,
        back=st.integers(0, 3),
        shift=st.sampled_from([-1, 0, 1, CHUNK]),
        size=st.integers(1, CHUNK),
    )
    def stray_chunk(self, peer: str, back: int, shift: int, size: int) -> None:
        if peer in self.linked:
            offset = max(0, self.written + shift)
            number = self.fetch.fetch_id - back
            self.carry_out(self.fetch.on_chunk(peer, number, offset, WRONG[:size], self.now_ms))

    @precondition(disk_works)
    @rule(left=st.integers(0, SIZE), sound=st.booleans())
    def disk_done(self, left: int, sound: bool) -> None:
        if self.opening:
            self.file, self.opening = self.opening, 0
            if not self.written and left <= self.file:
                self.written, self.sound = left, sound or not left
            self.carry_out(self.fetch.on_opened(self.written, self.now_ms))
        else:
            held = self.sound and self.committing == SIZE
            self.committing = 0
            if not held:
                self.written, self.sound = 0, True
            self.carry_out(self.fetch.on_committed(held, self.now_ms))
            if held:
                assert self.ended is not None
                assert self.ended.error is None

    @precondition(running)
    @rule(passed=st.sampled_from([1, ASK_MS, STALL_MS, GRACE_MS]))
    def time_passes(self, passed: int) -> None:
        self.now_ms += passed
        self.carry_out(self.fetch.on_time(self.now_ms))

    @precondition(lambda self: self.ended is not None)
    @rule()
    def it_is_over(self) -> None:
        """Hypothesis wants a step to take in every state."""

    @invariant()
    def it_waits_for_something(self) -> None:
        if self.ended is None and not self.opening and not self.committing:
            assert self.fetch.deadline_ms() is not None

    @invariant()
    def an_end_without_the_block_has_a_reason(self) -> None:
        if self.ended is not None and self.ended.error is not None:
            assert isinstance(self.ended.error, BlockUnavailable | BlockTooLarge)
            assert str(self.ended.error)

    def teardown(self) -> None:
        """Left to itself, with peers that say nothing more, it ends."""
        for _ in range(MAX_CUTS):
            if self.ended is not None:
                return
            if self.opening or self.committing:
                self.disk_done(0, True)
                continue
            due = self.fetch.deadline_ms()
            assert due is not None
            self.now_ms = max(self.now_ms, due)
            self.carry_out(self.fetch.on_time(self.now_ms))
        raise AssertionError("no end")


TestFetch = FetchMachine.TestCase
TestFetch.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
