"""Composition of the two listeners: the HTTP port for the local network, the peer port for all."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.access import OperatorToken, for_operator, local_access, pages_refused
from edgenode.api.auth import PeerAuth
from edgenode.api.blacklist import Shutting, blacklist_routes
from edgenode.api.blocks import (
    BlockReads,
    BlockWrites,
    counted,
    fetched_for_operator,
    held_only,
)
from edgenode.api.display import Display, storage_answer
from edgenode.api.events import EventFeed
from edgenode.api.health import Check, health_answer
from edgenode.api.invite import Inviting, invite_routes
from edgenode.api.limits import Gate, bodies_charged, rate_limited
from edgenode.api.members import for_members
from edgenode.api.metrics import Measure, metrics_answer
from edgenode.api.network import network_routes
from edgenode.api.node import description_answer, state_answer
from edgenode.api.observed import observed
from edgenode.api.page.answer import page_routes
from edgenode.api.peerwrites import PeerWrites, peer_routes
from edgenode.api.pins import pin_routes
from edgenode.api.ports import Arrived, BlockStore, Fetch, Pins, Records, Snapshot
from edgenode.api.problems import problems
from edgenode.api.reach import knock_answer
from edgenode.api.records import public_record_routes, record_routes
from edgenode.api.routes import add_routes, read
from edgenode.api.session import session_routes
from edgenode.api.traffic import EVERYWHERE, ON_HTTP_PORT, answers_counted, headers_set
from edgenode.core.counters import Counters


class Monitoring(NamedTuple):
    """What those need who watch over the node."""

    measure: Measure
    alive: Check
    ready: Check


def build_local_app(
    *,
    blocks: BlockStore,
    fetch: Fetch,
    pins: Pins,
    records: Records,
    feed: EventFeed,
    info: Snapshot,
    peers: Snapshot,
    discovered: Snapshot,
    inviting: Inviting,
    status: Snapshot,
    monitoring: Monitoring,
    display: Display,
    operator: OperatorToken,
    host_names: Iterable[str],
    gate: Gate,
    shutting: Shutting,
    is_on_link: Callable[[bytes], bool],
    max_block_size: int,
    counters: Counters,
    on_read: Callable[[str], None],
) -> web.Application:
    """Return the application of the HTTP port: status page, live events, the whole REST interface.

    `info`, `peers`, `discovered` and `status` give NodeInfo, `{"peers": [PeerInfo]}`,
    `{"discovered": […]}` and NodeMetrics; `host_names` are names of this host, each taken with the
    suffixes of home networks too; `is_on_link(address)` tells of a global address that it is of
    this home. `feed` is ended when the application stops; `on_read` is told the id of each block
    that is sent.
    """
    operator.also(display.sessions.matches)
    find = fetched_for_operator(blocks, fetch, operator)
    reads = BlockReads(find=find, counters=counters, on_read=on_read)
    writes = BlockWrites(blocks=blocks, pins=pins, max_block_size=max_block_size, counters=counters)
    app = web.Application(
        # From the outside in: what is counted includes the problems, and a refusal is one.
        middlewares=[
            answers_counted(counters),
            problems,
            rate_limited(gate, is_exempt=operator.is_shown),
            local_access(host_names, is_on_link),
        ]
    )
    app.on_response_prepare.append(headers_set(EVERYWHERE | ON_HTTP_PORT))
    app.on_response_prepare.append(bodies_charged(gate, is_exempt=operator.is_shown))
    add_routes(
        app,
        {
            **page_routes(
                info=info, peers=peers, status=status, display=display, health=records.health
            ),
            "/node/info": read(state_answer(info)),
            "/node/peers": read(state_answer(peers)),
            "/node/discovered": read(state_answer(discovered)),
            "/node/status": read(state_answer(status)),
            "/node/storage": read(storage_answer(display.storage)),
            "/node/sync": read(state_answer(display.sync)),
            "/node/history": read(state_answer(display.history)),
            "/metrics": read(metrics_answer(info=info, status=status, measure=monitoring.measure)),
            "/healthz": read(health_answer(monitoring.alive, "not-alive")),
            "/readyz": read(health_answer(monitoring.ready, "not-ready")),
            "/openapi.json": read(description_answer()),
            "/blocks": {
                **read(for_operator(operator, counted(counters, writes.list_page))),
                "POST": for_operator(operator, counted(counters, writes.post)),
            },
            "/blocks/{block_id}": {
                **read(counted(counters, reads.get)),
                "PUT": for_operator(operator, counted(counters, writes.put)),
                "DELETE": for_operator(operator, counted(counters, writes.delete)),
            },
            "/events": {"GET": feed.handle},
            **session_routes(sessions=display.sessions, operator=operator, counters=counters),
            **blacklist_routes(shutting=shutting, operator=operator, counters=counters),
            **invite_routes(inviting=inviting, operator=operator, counters=counters),
            **pin_routes(pins=pins, operator=operator),
            **record_routes(records=records, operator=operator, counters=counters),
            **network_routes(records=records, operator=operator, counters=counters),
        },
    )

    async def end_feed(_app: web.Application) -> None:
        await feed.close()

    # Or the viewers' connections would keep the listener from stopping in time.
    app.on_shutdown.append(end_feed)
    return app


def build_public_app(
    *,
    blocks: BlockStore,
    records: Records,
    info: Snapshot,
    status: Snapshot,
    links: Handler,
    arrived: Arrived,
    gate: Gate,
    auth: PeerAuth,
    linked_at: Callable[[str], bool] | None,
    writes: PeerWrites,
    counters: Counters,
    on_read: Callable[[str], None],
) -> web.Application:
    """Return the application of the peer port: reads for anyone, and what peers say as themselves.

    `links` handles `/ws`, where other nodes link with this one. `arrived` is told of each knock at
    `/reach/{nonce}`, by which a peer shows that it gets in. In a closed network only who has a
    session of `auth` reads: `linked_at` tells there whether a member has that address, and is None
    for an open one.
    """
    reads = BlockReads(find=held_only(blocks), counters=counters, on_read=on_read)
    middlewares = [
        answers_counted(counters),
        problems,
        rate_limited(gate, peer_of=auth.session_of),
        pages_refused(),
    ]
    if linked_at is not None:
        middlewares.append(for_members(auth.session_of, linked_at))

    def owe(request: web.Request, node_id: str, cost: float) -> None:
        gate.owe(request.remote or "", cost, peer=node_id)

    app = web.Application(middlewares=middlewares)
    app.on_response_prepare.append(headers_set(EVERYWHERE))
    app.on_response_prepare.append(bodies_charged(gate, peer_of=auth.session_of))
    add_routes(
        app,
        {
            "/ws": {"GET": links},
            "/reach/{nonce}": read(knock_answer(arrived)),
            "/observed": read(observed),
            "/node/info": read(state_answer(info)),
            "/node/status": read(state_answer(status)),
            "/openapi.json": read(description_answer()),
            "/blocks/{block_id}": read(counted(counters, reads.get)),
            **public_record_routes(records=records, counters=counters),
            **auth.routes(counters),
            **peer_routes(auth=auth, writes=writes, records=records, counters=counters, owe=owe),
        },
    )
    return app
