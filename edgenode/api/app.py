"""Composition of the two listeners: the HTTP port for the local network, the peer port for all."""

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from edgenode.api.access import OperatorToken, for_operator, local_access
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
from edgenode.api.metrics import Measure, metrics_answer
from edgenode.api.network import network_routes
from edgenode.api.node import description_answer, state_answer
from edgenode.api.observed import observed
from edgenode.api.page.answer import page_routes
from edgenode.api.ports import Arrived, BlockStore, Fetch, Records, Snapshot
from edgenode.api.problems import problems
from edgenode.api.reach import knock_answer
from edgenode.api.records import public_record_routes, record_routes
from edgenode.api.routes import add_routes, read
from edgenode.api.session import session_routes
from edgenode.api.traffic import EVERYWHERE, ON_HTTP_PORT, answers_counted, headers_set
from edgenode.core.counters import Counters

MAX_HEADER_BYTES = 8190
KEEPALIVE_SECONDS = 75.0
"""How long an idle connection is kept: longer than by proxies (60 s), so that they close first."""
LINGER_SECONDS = 5.0
"""How long the rest of a refused body is read and dropped, so that the refusal arrives."""
SHUTDOWN_SECONDS = 1.0
"""How long requests under way get at shutdown, twice: to end, then to end once they are told to.

The whole node has 5 s to stop."""

_http_log = logging.getLogger("edgenode.api.http")


class Monitoring(NamedTuple):
    """What those need who watch over the node."""

    measure: Measure
    alive: Check
    ready: Check


def build_local_app(
    *,
    blocks: BlockStore,
    fetch: Fetch,
    records: Records,
    feed: EventFeed,
    info: Snapshot,
    peers: Snapshot,
    status: Snapshot,
    monitoring: Monitoring,
    display: Display,
    operator: OperatorToken,
    host_names: Iterable[str],
    max_block_size: int,
    counters: Counters,
    on_read: Callable[[str], None],
) -> web.Application:
    """Return the application of the HTTP port: status page, live events, the whole REST interface.

    `info`, `peers` and `status` give NodeInfo, `{"peers": [PeerInfo]}` and NodeMetrics;
    `host_names` are names of this host, each taken with the suffixes of home networks too. `feed`
    is ended when the application stops; `on_read` is told the id of each block that is sent.
    """
    operator.also(display.sessions.matches)
    find = fetched_for_operator(blocks, fetch, operator)
    reads = BlockReads(find=find, counters=counters, on_read=on_read)
    writes = BlockWrites(blocks=blocks, max_block_size=max_block_size, counters=counters)
    app = web.Application(
        # From the outside in: what is counted includes the problems, and a refusal is one.
        middlewares=[answers_counted(counters), problems, local_access(host_names)]
    )
    app.on_response_prepare.append(headers_set(EVERYWHERE | ON_HTTP_PORT))
    add_routes(
        app,
        {
            **page_routes(
                info=info, peers=peers, status=status, display=display, health=records.health
            ),
            "/node/info": read(state_answer(info)),
            "/node/peers": read(state_answer(peers)),
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
    counters: Counters,
    on_read: Callable[[str], None],
) -> web.Application:
    """Return the application of the peer port: reads of what is held, for anyone.

    `links` handles `/ws`, where other nodes link with this one. `arrived` is told of each knock at
    `/reach/{nonce}`, by which a peer shows that it gets in.
    """
    reads = BlockReads(find=held_only(blocks), counters=counters, on_read=on_read)
    app = web.Application(middlewares=[answers_counted(counters), problems])
    app.on_response_prepare.append(headers_set(EVERYWHERE))
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
        },
    )
    return app


def build_runner(app: web.Application) -> web.AppRunner:
    """Return the runner for either application, with the settings that the handlers rely on.

    A body is taken as it was sent (an unpacked one could be a bomb), and a request whose caller is
    gone is cancelled.
    """
    _http_log.addFilter(_is_our_fault)
    return web.AppRunner(
        app,
        access_log=None,
        logger=_http_log,
        auto_decompress=False,
        handler_cancellation=True,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Drop what aiohttp logs, with a traceback, of callers who speak no HTTP or are gone."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, web.RequestPayloadError, ConnectionError))
