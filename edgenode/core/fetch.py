"""Fetching one block from linked peers: which holder, which bytes, when to give up.

Sans-IO: each `on_…` method takes what happened and returns the effects to carry out, in order.
Peers are named by nodeId. All holders are asked at once; the first that has the block hands it
over; a holder that fails is replaced by the next, which goes on at the byte that was reached.
A fetch `through` others asks each peer for what it would pass on, too.
"""

from edgenode.core.errors import BlockTooLarge, BlockUnavailable
from edgenode.core.events import MAX_WANT_BYTES, WANT, BlockSync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# How long a peer may take to say whether it holds the block: a look at its disk.
ASK_MS = 10_000
# How long a holder may send nothing: it checks the hash of a block at the first read after a
# start, which takes 5 s for 64 MiB on a slow Pi.
STALL_MS = 30_000
# The least rate of a holder after the first minute, in bytes a millisecond: 16 kbit/s, below any
# line in use. One that drips bytes must not keep a place among the fetches under way.
LEAST_RATE = 2
# How long a holder whose link was cut is waited for; links come back within seconds.
GRACE_MS = 30_000
# Two wants under way, so that the holder always has the next one in hand.
WINDOW_BYTES = 2 * MAX_WANT_BYTES
# As many as there are links at most (48), and some that come and go meanwhile.
MAX_CANDIDATES = 64
# How often one fetch is resumed after a cut, so that a link that flaps cannot keep it for ever.
MAX_CUTS = 100

_NEVER = 2**62
_ASKED, _HOLDS, _LOST, _FAILED = "asked", "holds", "lost", "failed"


class Effect:
    """Something to carry out, in order."""

    __slots__ = ()


class Send(Effect):
    """Effect: send `sync` to `peer`."""

    __slots__ = ("peer", "sync")

    def __init__(self, peer: str, sync: BlockSync) -> None:
        self.peer = peer
        self.sync = sync


class Open(Effect):
    """Effect: open what is there of the block of `size` bytes, then call `on_opened`."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


class Write(Effect):
    """Effect: append `data`."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Commit(Effect):
    """Effect: check the hash and keep the block, then call `on_committed`."""

    __slots__ = ()


class Discard(Effect):
    """Effect: throw away the bytes written so far."""

    __slots__ = ()


class Ended(Effect):
    """Effect: the fetch is over; `error` is None when the block is held."""

    __slots__ = ("error",)

    def __init__(self, error: "BlockTooLarge | BlockUnavailable | None") -> None:
        self.error = error


class _Candidate:
    __slots__ = ("reason", "since_ms", "size", "state", "through")

    def __init__(self, now_ms: int) -> None:
        self.state = _ASKED
        self.since_ms = now_ms
        self.size = 0
        self.reason = ""
        self.through = False  # it would pass on the bytes of another


class Fetch:
    """The fetch of one block; over when an effect is `Ended`."""

    __slots__ = (
        "_active",
        "_candidates",
        "_cuts",
        "_leg_ms",
        "_leg_offset",
        "_max_size",
        "_new_id",
        "_offset",
        "_opened_size",
        "_progress_ms",
        "_sources",
        "_strict",
        "_through",
        "_wanted_to",
        "_writing",
        "block_id",
        "fetch_id",
    )

    def __init__(
        self,
        block_id: str,
        *,
        max_size: int,
        new_id: "Callable[[], int]",
        through: bool = False,
    ) -> None:
        """`new_id()` gives a fetch id that no other fetch of this node uses now.

        `through` takes what a peer passes on of another where nobody hands over his own.
        """
        self.block_id = block_id
        self._through = through
        self._max_size = max_size
        self._new_id = new_id
        self.fetch_id = new_id()  # changes with the holder: chunks of an earlier one fall away
        self._candidates: dict[str, _Candidate] = {}
        self._active = ""  # the holder in use
        self._opened_size = 0  # size of the block whose bytes are being written, 0: none yet
        self._writing = False  # between `on_opened` and `Commit`
        self._offset = 0
        self._wanted_to = 0
        self._progress_ms = 0
        self._leg_ms = 0  # when and where the holder in use began
        self._leg_offset = 0
        self._sources: set[str] = set()  # who gave the bytes written so far; "" is the disk
        self._strict = False  # after a mismatch: one holder for the whole block
        self._cuts = 0

    def start(self, peers: "list[str]", now_ms: int) -> "list[Effect]":
        """Ask `peers` for the block."""
        effects: list[Effect] = []
        for peer in peers:
            effects += self.on_linked(peer, now_ms)
        return effects or self._go_on(now_ms)

    def on_linked(self, peer: str, now_ms: int) -> "list[Effect]":
        """A link to `peer` is there: ask it, unless it has failed us in this fetch."""
        candidate = self._candidates.get(peer)
        if candidate is None:
            if len(self._candidates) >= MAX_CANDIDATES:
                return []
            self._candidates[peer] = candidate = _Candidate(now_ms)
        elif candidate.state != _LOST:
            return []
        candidate.state = _ASKED
        candidate.since_ms = now_ms
        want = BlockSync(WANT, self.block_id, self.fetch_id, through=self._through)
        return [Send(peer, want)]

    def on_lost(self, peer: str, now_ms: int) -> "list[Effect]":
        """The link to `peer` ended."""
        candidate = self._candidates.get(peer)
        if candidate is None or candidate.state == _FAILED:
            return []
        self._cuts += 1
        if self._cuts > MAX_CUTS or (self._strict and peer == self._active):
            return self._fail(peer, "link lost", now_ms)
        candidate.state = _LOST
        candidate.since_ms = now_ms
        if peer == self._active:
            self._active = ""
        return self._go_on(now_ms)

    def on_have(self, peer: str, size: int, now_ms: int, through: bool = False) -> "list[Effect]":
        """`peer` says that it holds the block, of `size` bytes, or would pass it on `through`."""
        candidate = self._candidates.get(peer)
        if candidate is None or candidate.state != _ASKED:
            return []
        if through and not self._through:
            return self._fail(peer, "would only pass it on", now_ms)
        candidate.size = size
        candidate.through = through
        if size > self._max_size:
            return self._fail(peer, "too large", now_ms)
        candidate.state = _HOLDS
        return self._go_on(now_ms)

    def on_lack(self, peer: str, reason: str, now_ms: int) -> "list[Effect]":
        """`peer` does not hold the block, or cannot hand it over."""
        if peer not in self._candidates:
            return []
        return self._fail(peer, reason, now_ms)

    def on_opened(self, offset: int, now_ms: int) -> "list[Effect]":
        """The bytes written so far are open: `offset` of them, from an earlier transfer."""
        self._offset = self._wanted_to = offset
        self._sources = {""} if offset else set()
        self._writing = True
        if not self._active:
            return self._go_on(now_ms)
        self._begin_leg(now_ms)
        return self._want(now_ms)

    def hands_over(self, peer: str, fetch_id: int) -> bool:
        """Tell whether chunks of `fetch_id` from `peer` are due; any others have no effect."""
        return peer == self._active and fetch_id == self.fetch_id and self._writing

    def on_chunk(
        self, peer: str, fetch_id: int, offset: int, data: bytes, now_ms: int
    ) -> "list[Effect]":
        """`peer` sent `data`, the block's bytes at `offset`."""
        if not self.hands_over(peer, fetch_id):
            return []  # of a holder that was given up meanwhile
        if offset != self._offset or offset + len(data) > self._wanted_to:
            return self._fail(peer, "bytes that were not asked for", now_ms)
        self._offset += len(data)
        self._sources.add(peer)
        effects: list[Effect] = [Write(data)]
        return effects + self._want(now_ms)

    def on_committed(self, sound: bool, now_ms: int) -> "list[Effect]":
        """The hash was checked; where it is wrong, nothing of the bytes is left."""
        if sound:
            return [Ended(None)]
        self._opened_size = 0
        # With bytes of several sources nobody can be blamed: fetch it again from one alone.
        if self._active and self._sources == {self._active}:
            return self._fail(self._active, "bytes that do not hash to the id", now_ms)
        self._strict = True
        self._active = ""
        return self._go_on(now_ms)

    def on_time(self, now_ms: int) -> "list[Effect]":
        """Give up whoever has passed his deadline."""
        effects: list[Effect] = []
        for peer in list(self._candidates):
            candidate = self._candidates[peer]
            if now_ms >= self._deadline(peer, candidate):
                reason = {_ASKED: "no answer", _LOST: "link lost"}.get(candidate.state, "stalled")
                effects += self._fail(peer, reason, now_ms)
        return effects

    def deadline_ms(self) -> "int | None":
        """Return when `on_time` is due next, None while only the disk is waited for."""
        deadlines = [self._deadline(peer, self._candidates[peer]) for peer in self._candidates]
        earliest = min(deadlines, default=_NEVER)
        return earliest if earliest < _NEVER else None

    def _deadline(self, peer: str, candidate: _Candidate) -> int:
        if candidate.state == _ASKED:
            return candidate.since_ms + ASK_MS
        if candidate.state == _LOST:
            return candidate.since_ms + GRACE_MS
        if candidate.state == _HOLDS and peer == self._active and self._writing:
            earned_ms = (self._offset - self._leg_offset) // LEAST_RATE
            return min(self._progress_ms, self._leg_ms + STALL_MS + earned_ms) + STALL_MS
        return _NEVER

    def _fail(self, peer: str, reason: str, now_ms: int) -> "list[Effect]":
        candidate = self._candidates[peer]
        candidate.state = _FAILED
        candidate.reason = reason
        if peer == self._active:
            self._active = ""
        return self._go_on(now_ms)

    def _go_on(self, now_ms: int) -> "list[Effect]":
        """Take the next holder where none is in use; end where none can come any more."""
        if self._active or (self._opened_size and not self._writing):
            return []  # busy with a holder, or with the disk
        waiting = False
        passing = ""
        for peer in self._candidates:
            candidate = self._candidates[peer]
            if candidate.state == _HOLDS and not candidate.through:
                return self._use(peer, candidate.size, now_ms)
            if candidate.state == _HOLDS:
                passing = passing or peer
            waiting = waiting or candidate.state in (_ASKED, _LOST)
        if passing:
            return self._use(passing, self._candidates[passing].size, now_ms)
        return [] if waiting else [Ended(self._error())]

    def _use(self, peer: str, size: int, now_ms: int) -> "list[Effect]":
        self._active = peer
        self.fetch_id = self._new_id()
        effects: list[Effect] = []
        if self._opened_size and (size != self._opened_size or self._strict):
            effects.append(Discard())
            self._opened_size = 0
        if self._opened_size:
            self._wanted_to = self._offset
            self._begin_leg(now_ms)
            return effects + self._want(now_ms)
        self._opened_size = size
        self._writing = False
        effects.append(Open(size))
        return effects

    def _begin_leg(self, now_ms: int) -> None:
        self._leg_ms = now_ms
        self._leg_offset = self._offset

    def _want(self, now_ms: int) -> "list[Effect]":
        self._progress_ms = now_ms
        if self._offset == self._opened_size:
            self._writing = False
            return [Commit()]
        effects: list[Effect] = []
        while (
            self._wanted_to < self._opened_size
            and self._wanted_to + MAX_WANT_BYTES - self._offset <= WINDOW_BYTES
        ):
            length = min(MAX_WANT_BYTES, self._opened_size - self._wanted_to)
            want = BlockSync(
                WANT,
                self.block_id,
                self.fetch_id,
                offset=self._wanted_to,
                length=length,
                through=self._candidates[self._active].through,
            )
            effects.append(Send(self._active, want))
            self._wanted_to += length
        return effects

    def _error(self) -> "BlockTooLarge | BlockUnavailable":
        if not self._candidates:
            return BlockUnavailable("no linked peer to ask")
        reasons = [f"{peer[:8]}: {self._candidates[peer].reason}" for peer in self._candidates]
        if all(c.reason == "too large" for c in self._candidates.values()):
            return BlockTooLarge(f"a block of over {self._max_size} bytes")
        return BlockUnavailable("; ".join(sorted(reasons)))
