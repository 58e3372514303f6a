"""What a peer asks and names by the thousand fills no table beyond its bound."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from edgenode.core.inbound import decode_frame
from edgenode.core.signed import DIGEST_BYTES
from edgenode.core.syncevents import NodeStatus, OriginStatus
from edgenode.core.trie import LEAF_DIGESTS
from edgenode.core.triesync import (
    MAX_NAMED,
    AckBatches,
    AskNode,
    HaveBatches,
    NodeChildren,
    NodeList,
    WantBatches,
)
from edgenode.daemon import asking
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.records.exchange import MAX_INBOX, Event, Exchange
from edgenode.daemon.records.replicas import Replicas
from edgenode.link.link import Link
from edgenode.store.records import Records
from edgenode.store.state import State

OWN, PEER, ORIGIN = "11" * 32, "22" * 32, "33" * 32
FLOOD = 20_000


class FakeLink:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.node_id = PEER
        self.has_room = True
        self.posted: list[object] = []

    def post(self, frame: bytes) -> None:
        self.posted.append(decode_frame(frame, OWN))

    async def send(self, frame: bytes) -> None:
        self.post(frame)


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    state = await State.open(tmp_path / "state.db")
    records = Records(state.database)
    made = Exchange(
        cast(Link, FakeLink()),
        own_id=OWN,
        replicas=Replicas(records, "test", lambda: 0),
        records=records,
        outbound=Outbound(OWN, lambda: 0),
        retry_attempts=1,
        retry_delay_ms=1000,
        on_taken=lambda _taken, _peer: None,
        on_heads=lambda _origins, _peer: None,
        on_known_epoch=lambda _: None,
    )
    yield made
    made.stop()
    await state.close()


def digest(number: int) -> bytes:
    return number.to_bytes(DIGEST_BYTES)


def origin(number: int) -> str:
    return f"{number:064x}"


def entries(exchange: Exchange) -> dict[str, int]:
    """Return how many entries each table of the exchange and its questions has."""
    found = {}
    for part in (exchange, exchange._asking, exchange.telling):
        for name, value in vars(part).items():
            if name != "_link" and hasattr(value, "__len__") and not isinstance(value, str):
                found[name] = len(value)
    return found


BOUNDS = {
    "_inbox": MAX_INBOX,
    "_unacknowledged": 0,
    "_untold": 0,
    "_asks": asking.MAX_WAITING,
    "_wants": asking.MAX_WAITING,
    "_open_asks": asking.MAX_OPEN_ASKS,
    "_open_wants": asking.MAX_OPEN_WANTS,
}

QUESTIONS: list[Event] = [
    AskNode(ORIGIN, ""),
    WantBatches(ORIGIN, [(1, number) for number in range(64)]),
    HaveBatches([(ORIGIN, 1, number, digest(number)) for number in range(MAX_NAMED)]),
    NodeChildren(ORIGIN, "", [digest(number) for number in range(16)]),
    NodeList(ORIGIN, "", [(1, number, digest(number)) for number in range(LEAF_DIGESTS)]),
    AckBatches([digest(number) for number in range(MAX_NAMED)]),
]


@pytest.mark.parametrize("event", QUESTIONS, ids=lambda event: type(event).__name__)
async def test_questions_that_nobody_works_on(exchange: Exchange, event: Event) -> None:
    for _ in range(FLOOD):
        exchange.receive(event)
    assert entries(exchange) == {**dict.fromkeys(BOUNDS, 0), "_inbox": MAX_INBOX}


async def test_what_is_named_and_does_not_exist(exchange: Exchange) -> None:
    """Worked on as fast as it comes: what is asked for in turn waits, up to a bound."""
    for start in range(0, FLOOD, MAX_NAMED):
        numbers = range(start, start + MAX_NAMED)
        await exchange._work_on(HaveBatches([(ORIGIN, 1, it, digest(it)) for it in numbers]))
    for start in range(0, FLOOD, 100):
        statuses = [
            OriginStatus(origin(number), None, digest(number + 1), 1)
            for number in range(start, start + 100)
        ]
        await exchange._work_on(NodeStatus(statuses, last=False))
    found = entries(exchange)
    assert set(found) == set(BOUNDS), "a table without a bound in this test"
    assert all(count <= BOUNDS[name] for name, count in found.items()), found
    assert found["_wants"] == found["_asks"] == asking.MAX_WAITING  # the flood was one


async def test_tries_without_end(exchange: Exchange) -> None:
    """Each answer brings sixteen questions more."""
    for number in range(FLOOD // 16):
        children = NodeChildren(
            ORIGIN, f"{number:08x}", [digest(number * 16 + it + 1) for it in range(16)]
        )
        await exchange._work_on(children)
    found = entries(exchange)
    assert all(count <= BOUNDS[name] for name, count in found.items()), found
    assert found["_asks"] == asking.MAX_WAITING
