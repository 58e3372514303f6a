"""What is said of neighbours, bounded: anyone on the local network can say anything."""

from collections import Counter, deque
from collections.abc import Callable, Iterator

from edgenode.discover.crowd import one_too_many
from edgenode.discover.sighting import LAN
from edgenode.discover.target import Target

# Ten times the largest network that is a full mesh of neighbours, at 400 bytes each.
MAX_HINTS = 256

# Dials to neighbours that come to nothing: enough for a lost packet, too few to be anyone's weapon.
MAX_FRUITLESS = 8
FRUITLESS_S = 60.0

# One that failed so often in a row is forgotten until it is seen again.
MAX_FAILURES = 8


class DialBudget:
    """At most `MAX_FRUITLESS` dials in any minute, those not counted that led to a link."""

    def __init__(self) -> None:
        self._began: deque[float] = deque()

    def has(self, now: float) -> bool:
        """Tell whether one more may begin."""
        while self._began and self._began[0] <= now - FRUITLESS_S:
            self._began.popleft()
        return len(self._began) < MAX_FRUITLESS

    def take(self, now: float) -> None:
        """One begins."""
        self._began.append(now)

    def give_back(self, began: float) -> None:
        """The one that began then has led to a link."""
        if began in self._began:
            self._began.remove(began)


class Hints:
    """Neighbours that are said to be there: at most `MAX_HINTS`.

    `in_use(target)`: it stands for a living link, or is being dialled, and is not given up.
    """

    def __init__(self, in_use: Callable[[Target], bool]) -> None:
        self._in_use = in_use
        self._targets: dict[tuple[str, int], Target] = {}
        self._failures: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def __len__(self) -> int:
        return len(self._targets)

    def get(self, place: tuple[str, int]) -> Target | None:
        """Return the hint of a place."""
        return self._targets.get(place)

    def add(self, target: Target) -> bool:
        """Take a new hint; tell whether there was a place for it.

        Of whoever says most the youngest goes, so that one who floods displaces his own.
        """
        if len(self._targets) >= MAX_HINTS:
            free = {
                place: held.source
                for place, held in self._targets.items()
                if not self._in_use(held)
            }
            least = one_too_many({**free, target.place: target.source})
            if least == target.place:
                return False
            self.remove(self._targets[least])
        self._targets[target.place] = target
        return True

    def remove(self, target: Target) -> None:
        """Forget a hint."""
        if self._targets.get(target.place) is target:
            del self._targets[target.place]
            if not any(held.source == target.source for held in self._targets.values()):
                self._failures.pop(target.source, None)

    def failed(self, target: Target) -> None:
        """Note that a dial came to nothing; one that failed too often is forgotten."""
        self._failures[target.source] += 1
        if target.failures >= MAX_FAILURES:
            self.remove(target)

    def rank(self, target: Target) -> tuple[int, int, float]:
        """Return what orders dials: whoever was wrong least first, the signed word before mDNS."""
        return self._failures[target.source], LAN not in target.how, target.began
