"""Questions to one peer, no more at a time than its answers find room for."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from edgenode.core.triesync import AskNode, WantBatches

# Answers under way: a message each at the worst, and together less than an inbox takes.
MAX_OPEN_ASKS = 8
MAX_OPEN_WANTS = 32

# Questions that wait, 200 bytes each. Deepest first, so a walk alone never has a tenth of it; what
# is left out is found by the next round.
MAX_WAITING = 4096

# Without any answer for so long, what was asked, or the answer, was dropped: the walk begins anew,
# a few times, for a peer may not have any more what it has named.
PATIENCE_S = 5.0
MAX_RESTARTS = 3

Want = tuple[str, int, int]  # origin, epoch, seq


class Asking:
    """What one peer is to be asked, and what it was asked and has not answered."""

    def __init__(self, post: Callable[[AskNode | WantBatches], None]) -> None:
        """`post` sends a question."""
        self._post = post
        self._asks: dict[tuple[str, str], None] = {}
        self._wants: dict[Want, None] = {}
        self._open_asks: set[tuple[str, str]] = set()
        self._open_wants: set[Want] = set()
        self._restarts = 0
        self._patience: asyncio.TimerHandle | None = None

    def ask(self, origin: str, prefixes: Iterable[str]) -> None:
        """Ask what is below these prefixes of an origin's trie, in time."""
        for prefix in prefixes:
            if len(self._asks) < MAX_WAITING:
                self._asks[origin, prefix] = None
        self._go_on()

    def want(self, origin: str, items: Iterable[tuple[int, int]]) -> None:
        """Ask for batches of an origin, (epoch, seq) each, in time."""
        for epoch, seq in items:
            key = (origin, epoch, seq)
            if key not in self._open_wants and len(self._wants) < MAX_WAITING:
                self._wants[key] = None
        self._go_on()

    def awaits(self, batches: Iterable[Want]) -> bool:
        """Whether any of these batches was asked for."""
        return not self._open_wants.isdisjoint(batches)

    def on_node(self, origin: str, prefix: str) -> None:
        """The peer has told what is below a prefix; to be called once that is worked on."""
        if (origin, prefix) in self._open_asks:
            self._open_asks.discard((origin, prefix))
            self._answered()

    def on_batches(self, batches: Sequence[Want]) -> None:
        """The peer has sent batches, asked for or not; to be called once they are worked on."""
        for want in batches:
            self._wants.pop(want, None)
        if self.awaits(batches):
            self._open_wants.difference_update(batches)
            self._restarts = 0
            self._answered()

    def stop(self) -> None:
        """Ask nothing any more."""
        self._asks.clear()
        self._wants.clear()
        if self._patience is not None:
            self._patience.cancel()

    def _answered(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._go_on()

    def _go_on(self) -> None:
        while self._wants and len(self._open_wants) < MAX_OPEN_WANTS:
            self._post_want()
        # Then only, so that what is found does not pile up.
        while not self._wants and self._asks and len(self._open_asks) < MAX_OPEN_ASKS:
            key, _ = self._asks.popitem()
            self._open_asks.add(key)
            self._post(AskNode(*key))
        if self._patience is None and (self._open_asks or self._open_wants):
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._give_up)

    def _post_want(self) -> None:
        """Ask for as many batches of one origin as may be open."""
        origin = next(reversed(self._wants))[0]
        items: list[tuple[int, int]] = []
        while self._wants and len(self._open_wants) < MAX_OPEN_WANTS:
            key = next(reversed(self._wants))
            if key[0] != origin:
                break
            del self._wants[key]
            self._open_wants.add(key)
            items.append(key[1:])
        self._post(WantBatches(origin, items))

    def _give_up(self) -> None:
        self._patience = None
        origins = {key[0] for key in self._open_asks | self._open_wants}
        self._open_asks.clear()
        self._open_wants.clear()
        self._restarts += 1
        if self._restarts <= MAX_RESTARTS:
            self._asks |= dict.fromkeys((origin, "") for origin in origins)
        self._go_on()
