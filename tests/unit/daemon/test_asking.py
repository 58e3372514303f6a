"""Questions to a peer: few at a time, none forgotten, none for ever."""

import pytest

from edgenode.core.triesync import AskNode, WantBatches
from edgenode.daemon import asking
from edgenode.daemon.asking import MAX_OPEN_ASKS, MAX_OPEN_WANTS, MAX_RESTARTS, Asking
from tests.integration.support.wait import eventually

ORIGIN = "aa" * 32
OTHER = "bb" * 32


class Peer:
    """What was posted."""

    def __init__(self) -> None:
        self.asks: list[AskNode] = []
        self.wants: list[WantBatches] = []
        self.asking = Asking(self.post)

    def post(self, step: AskNode | WantBatches) -> None:
        if isinstance(step, AskNode):
            self.asks.append(step)
        else:
            self.wants.append(step)

    @property
    def wanted(self) -> list[tuple[int, int]]:
        return [item for want in self.wants for item in want.items]


async def test_all_is_asked_a_few_at_a_time() -> None:
    peer = Peer()
    prefixes = [f"{number:02x}" for number in range(256)]
    peer.asking.ask(ORIGIN, prefixes)
    answered = 0
    while answered < len(peer.asks):
        assert len(peer.asks) - answered <= MAX_OPEN_ASKS
        peer.asking.on_node(ORIGIN, peer.asks[answered].prefix)
        answered += 1
    assert sorted(ask.prefix for ask in peer.asks) == prefixes
    peer.asking.stop()


async def test_batches_are_asked_for_once_and_by_origin() -> None:
    peer = Peer()
    items = [(1, number) for number in range(100)]
    peer.asking.want(ORIGIN, items)
    peer.asking.want(ORIGIN, items)
    peer.asking.want(OTHER, [(1, 0)])
    assert len(peer.wanted) == MAX_OPEN_WANTS
    done: list[tuple[str, int, int]] = []
    while len(done) < 101:
        origin, batch = next(
            (want.origin, item)
            for want in peer.wants
            for item in want.items
            if (want.origin, *item) not in done
        )
        done.append((origin, *batch))
        peer.asking.on_batches([(origin, *batch)])
    assert len(peer.wanted) == len(set(done)) == 101
    peer.asking.stop()


async def test_what_came_as_gossip_is_not_asked_for() -> None:
    peer = Peer()
    peer.asking.want(ORIGIN, [(1, number) for number in range(MAX_OPEN_WANTS + 2)])
    unasked = {(1, number) for number in range(MAX_OPEN_WANTS + 2)} - set(peer.wanted)
    peer.asking.on_batches([(ORIGIN, *item) for item in unasked])
    assert not peer.asking.awaits([(ORIGIN, *item) for item in unasked])
    peer.asking.on_batches([(ORIGIN, *item) for item in peer.wanted])
    assert len(peer.wanted) == MAX_OPEN_WANTS
    peer.asking.stop()


async def test_walk_begins_anew_where_nothing_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.01)
    peer = Peer()
    peer.asking.want(ORIGIN, [(1, 1)])

    async def restarted() -> bool:
        return len(peer.asks) == MAX_RESTARTS

    await eventually(restarted, "the root is asked for a few times")
    assert {(ask.origin, ask.prefix) for ask in peer.asks} == {(ORIGIN, "")}
    peer.asking.on_node(ORIGIN, "")
    peer.asking.stop()
