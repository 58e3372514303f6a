"""Whom to dial, and when: decided without a clock, a socket or a link of its own."""

from collections.abc import Callable, Iterator

from edgenode.core.dialback import network_of
from edgenode.discover.hints import DialBudget, Hints
from edgenode.discover.sighting import Sighting
from edgenode.discover.target import (
    KIND_OF,
    NEIGHBOUR,
    PRIORITY,
    REFUSALS,
    SEED,
    START,
    STATIC,
    TOLD,
    Target,
)
from edgenode.discover.world import World

# Outbound links up to which a node asks those that everybody asks: with four networks behind it,
# it learns of the rest from its peers.
ENOUGH_TO_START = 4

# Dials under way to one network, to places that a seed or a peer has named: a thousand dead ones
# there are not to keep the others waiting.
MAX_DIALS_TO_A_NETWORK = 2

# Places of each kind but neighbours; the one seen longest ago goes first. The settings name at most
# 256 nodes, a seed's answer is taken in part.
MAX_OTHERS = 320

# Of two neighbours that see one another at once, the one with the higher nodeId waits so long.
HIGHER_WAITS_S = 0.3
# A node's other address is tried, too, when the first has not answered for so long.
NEXT_ADDRESS_S = 1.0

# To places that have failed, all together: a cut that heals is noticed, and nobody is flooded.
PACE_S = 1.0

# A peer that was lost is dialled this often for a while, then ever more seldom, then as any other.
RELINK_FIRST_S = 0.5
RELINK_CEILING_S = 4.0
RECENT_S = 300.0
RELINK_TIMEOUT_S = 3.0
"""A dial to it: two repetitions of the SYN; sooner begun anew than waited for the third."""

# First wait after a failure, and the longest, doubling in between.
FIRST_WAIT_S = 5.0
LAST_WAIT_S = 600.0
# After so many in a row, what a seed or a peer has told is forgotten until it is told again.
MAX_FAILURES = 5
# A node that has no room, or another network, or is this one, will not be another one soon.
REFUSED_S = 600.0
# A link that lived so long was a good one: what failed before it counts no more.
GOOD_LINK_S = 10.0

ENDS = ("bye", "cut", "too-slow")
"""How a link ends that was a good one; any other reason is the peer's refusal, or ours."""


class Agenda:
    """All places that are known to be dialled, and what came of it."""

    def __init__(
        self,
        *,
        own_id: str,
        outbound_target: int,
        start_wait_s: float,
        start_retries: int,
        linked: Callable[[str], bool],
        random: Callable[[], float],
    ) -> None:
        """`start_*`: the time before a node to begin with is dialled again, and how often so soon.

        `linked(node_id)`: there is a link. `random` gives floats in [0, 1).
        """
        self._own_id = own_id
        self._outbound_target = outbound_target
        self._start_wait_s = start_wait_s
        self._start_retries = start_retries
        self._random = random
        self._is_linked = linked
        self._hints = Hints(lambda target: target.dialling or linked(target.node_id))
        self._others: dict[tuple[str, int], Target] = {}
        self._budget = DialBudget()
        self._paced_at = -PACE_S
        self._held_back = False
        self._cut = False  # somebody was lost, and nobody has answered since

    def __iter__(self) -> Iterator[Target]:
        yield from self._hints
        yield from self._others.values()

    @property
    def neighbours(self) -> int:
        """How many nodes are said to be near."""
        return len({target.node_id for target in self._hints})

    def sighted(self, sighting: Sighting, now: float, kind: str = "") -> bool:
        """Take a sighting; return whether it says something new."""
        if sighting.node_id == self._own_id:
            return False
        held = self._at((sighting.host, sighting.port))
        if held is not None:
            return self._seen_again(held, sighting, now)
        target = Target(
            kind or KIND_OF[sighting.how],
            sighting.how,
            sighting.host,
            sighting.port,
            node_id=sighting.node_id,
            source=sighting.source,
            now=now,
        )
        if target.kind == NEIGHBOUR:
            target.due += self._courtesy(target)
            return self._hints.add(target)
        self._others[target.place] = target
        if len(self._others) > MAX_OTHERS:
            self._forget_one()
        return target.place in self._others

    def gone(self, node_id: str) -> None:
        """A neighbour has said goodbye, or is not heard of any more."""
        for target in list(self._hints):
            if target.node_id == node_id and not target.dialling:
                self._hints.remove(target)

    def due(self, now: float, world: World) -> list[Target]:
        """Return whom to dial now, and count them as being dialled."""
        chosen: list[Target] = []
        self._held_back = False
        busy = {
            target.node_id
            for target in self
            if target.dialling and target.node_id and now - target.began < NEXT_ADDRESS_S
        }
        outbound = world.outbound + sum(
            target.dialling and target.kind != NEIGHBOUR for target in self
        )
        networks = [_network_of(target) for target in self if target.dialling]
        waiting = [target for target in self if target.due <= now and not target.dialling]
        waiting.sort(key=lambda target: self._order(target, world))
        for target in waiting:
            if target.node_id and (world.linked(target.node_id) or target.node_id in busy):
                continue
            network = _network_of(target)
            if network is not None and networks.count(network) >= MAX_DIALS_TO_A_NETWORK:
                continue
            if not self._wanted(target, now, world, outbound) or not self._may(target, now):
                continue
            networks.append(network)
            target.dialling = True
            target.began = now
            busy.add(target.node_id)
            outbound += target.kind != NEIGHBOUR
            chosen.append(target)
        return chosen

    def next_due(self, now: float) -> float | None:
        """Return the seconds until somebody may be due, None where nobody will be."""
        times = [target.due for target in self if target.due > now and not target.dialling]
        if self._held_back:
            times.append(self._paced_at + PACE_S)
        return max(0.0, min(times) - now) if times else None

    def may_dial_again(self, now: float) -> bool:
        """Take the place in the pace for a dial to a place that has failed, if it is free."""
        if now < self._paced_at + PACE_S:
            return False
        self._paced_at = now
        return True

    def answered(self, target: Target, node_id: str, now: float) -> None:
        """The dial has led to a link with `node_id`."""
        if not self._is_linked(node_id):  # or it has come to nothing new
            self._budget.give_back(target.began)
        target.dialling = False
        target.node_id = node_id
        target.proved = True
        target.refused = False
        target.error = ""
        target.seen = now
        target.lost = 0.0
        self._cut = False
        # The network is there: those that were lost with it are dialled at once.
        for other in self:
            if other.lost and other is not target:
                other.failures = 0
                other.due = min(other.due, now + self._random() * PACE_S)

    def failed(self, target: Target, error: str, now: float) -> None:
        """The dial came to nothing, or to a link that was refused."""
        target.dialling = False
        target.failures += 1
        target.error = error
        target.refused = error.partition(":")[0] in REFUSALS
        target.due = max(now, target.began) + self._wait(target, now)
        if self._is_recent(target, now):
            limit = min(RELINK_CEILING_S, RELINK_FIRST_S * 2 ** min(target.failures, 8))
            target.due = max(now + 0.1, target.began + limit * (1 + self._random()) / 2)
        elif target.kind == NEIGHBOUR:
            self._hints.failed(target)
        elif target.kind in (SEED, TOLD) and target.failures >= MAX_FAILURES:
            del self._others[target.place]

    def linked(self, node_id: str, place: tuple[str, int]) -> None:
        """Somebody else has dialled the place, and found a node there."""
        target = self._at(place)
        if target is not None and not target.dialling:
            target.node_id = node_id
            target.proved = True
            target.lost = 0.0
            target.failures = 0
            target.error = ""

    def lost(self, node_id: str, lived_s: float, reason: str, now: float) -> None:
        """The link with `node_id` has ended, and no other has taken its place."""
        for target in self:
            if target.node_id != node_id:
                continue
            if reason == "duplicate":  # the peer holds on to a link that is dead here
                target.failures += 1
                target.due = now + RELINK_CEILING_S * (1 + self._random()) / 2
                continue
            if reason not in ENDS:
                self.refused(target, reason, now)
                continue
            if lived_s >= GOOD_LINK_S:
                target.failures = 0
            self._cut = True
            target.lost = now
            target.due = now + self._random() * RELINK_FIRST_S + self._courtesy(target)

    def refused(self, target: Target, reason: str, now: float) -> None:
        """One of the two nodes does not want the link with the other."""
        target.due = now + REFUSED_S * (1 + self._random()) / 2
        target.error = reason
        target.refused = True

    def suspect(self, node_id: str, now: float) -> None:
        """The link with `node_id` may be dead: dial anew beside it."""
        for target in self:
            if target.node_id == node_id and not target.lost:
                self._cut = True
                target.lost = now
                target.due = min(target.due, now)

    def network_changed(self, now: float) -> None:
        """What could not be reached may be reached now: soon, though not all at once."""
        for target in self:
            if target.refused:
                continue
            spread = PACE_S if target.lost or target.kind == NEIGHBOUR else 2 * PACE_S
            target.due = min(target.due, now + self._random() * spread)

    def dial_timeout_s(self, target: Target, now: float) -> float | None:
        """Return how long the dial may take, None for the usual time."""
        return RELINK_TIMEOUT_S if self._is_recent(target, now) else None

    def _at(self, place: tuple[str, int]) -> Target | None:
        return self._hints.get(place) or self._others.get(place)

    def _seen_again(self, held: Target, sighting: Sighting, now: float) -> bool:
        held.seen = now
        if sighting.how not in held.how:
            held.how.append(sighting.how)
        claimed = sighting.node_id
        if held.kind != NEIGHBOUR or not claimed or claimed == held.node_id:
            return False
        if held.dialling or (held.proved and self._is_linked(held.node_id)):
            return False
        if self._is_linked(claimed):  # or anyone could say so of a place to keep it from us
            return False
        # Another node has the address now; or somebody lies, which the handshake would tell.
        held.node_id = claimed
        held.due = min(held.due, now + FIRST_WAIT_S)
        return True

    def _courtesy(self, target: Target) -> float:
        mutual = target.kind == NEIGHBOUR and target.node_id
        return HIGHER_WAITS_S if mutual and self._own_id > target.node_id else 0.0

    def _order(self, target: Target, world: World) -> tuple[object, ...]:
        known = network_of(target.host) in world.groups
        return (
            not target.lost,
            PRIORITY.index(target.kind),
            known,
            self._hints.rank(target) if target.kind == NEIGHBOUR else (0, False, target.began),
        )

    def _wanted(self, target: Target, now: float, world: World, outbound: int) -> bool:
        if target.kind == STATIC:  # the one who keeps it dials, too, but more seldom
            return self._is_recent(target, now)
        if target.kind == NEIGHBOUR:
            return world.room
        if target.kind == START:
            return outbound < ENOUGH_TO_START
        if target.kind == SEED:
            return outbound < self._outbound_target // 2
        return outbound < self._outbound_target

    def _may(self, target: Target, now: float) -> bool:
        hinted = target.kind == NEIGHBOUR and not target.lost
        if hinted and not self._budget.has(now):
            return False
        paced = target.failures or (target.lost and self._cut)
        if paced and not self.may_dial_again(now):
            self._held_back = True
            return False
        if hinted:
            self._budget.take(now)
        return True

    def _is_recent(self, target: Target, now: float) -> bool:
        return bool(target.lost) and now - target.lost < RECENT_S

    def _wait(self, target: Target, now: float) -> float:
        if target.refused:
            return REFUSED_S * (1 + self._random()) / 2
        if target.kind == START:
            if target.failures > self._start_retries:
                return LAST_WAIT_S * (1 + self._random()) / 2
            first, last = self._start_wait_s, max(60.0, self._start_wait_s)
        else:
            first, last = FIRST_WAIT_S, LAST_WAIT_S
        return float(
            min(last, first * 2 ** min(target.failures - 1, 10)) * (1 + self._random()) / 2
        )

    def _forget_one(self) -> None:
        """Forget who was seen longest ago; of those that nobody has configured."""
        free = [
            target
            for target in self._others.values()
            if target.kind in (SEED, TOLD)
            and not target.dialling
            and not self._is_linked(target.node_id)
        ]
        if free:
            del self._others[min(free, key=lambda target: target.seen).place]


def _network_of(target: Target) -> bytes | None:
    """Return the network of a place that was told or named by a seed, None for any other."""
    return network_of(target.host) if target.kind in (SEED, TOLD) else None
