"""A node from start to end: its parts started in order, and stopped in reverse."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from edgenode.api.app import build_local_app, build_public_app
from edgenode.daemon.background import background, close_sockets, serve
from edgenode.daemon.calling import call_announced
from edgenode.daemon.config.profile import PROFILES
from edgenode.daemon.config.sections import Config
from edgenode.daemon.datadir import open_data_folder
from edgenode.daemon.goodbye import end_links
from edgenode.daemon.guard.peerauth import PeerOwn
from edgenode.daemon.listen import listen
from edgenode.daemon.parts import Parts
from edgenode.daemon.running import remove_run_file, write_run_file
from edgenode.daemon.watch.logs import Logs
from edgenode.daemon.watch.watchdog import feed_watchdog, watchdog_period_s
from edgenode.link.accept import Acceptor
from edgenode.link.keep import keep_linked


async def run_node(
    config: Config,
    *,
    config_file: Path,
    any_port: bool,
    stop: asyncio.Event,
    on_ready: Callable[[str, int, int], None],
    logs: Logs,
) -> None:
    """Run a node until `stop` is set; `on_ready(node_id, http_port, ws_port)` once it serves.

    `config_file` is where the configuration was read, if it exists.

    Raises `EdgenodeError` (data folder in use, damaged key …), `PortBusy` or `OSError` where it
    cannot start; what was started by then is stopped.
    """
    server = config.server
    cache_kib = PROFILES[server.profile].database_cache_kib
    async with (
        open_data_folder(config.data_dir, database_cache_kib=cache_kib) as data,
        AsyncExitStack() as stack,
    ):
        http = listen(server.http_bind, server.http_port, any_port=any_port)
        stack.callback(close_sockets, http[0])
        peer = listen(server.ws_bind, server.ws_port, any_port=any_port)
        stack.callback(close_sockets, peer[0])
        parts = Parts(
            config, data, logs, config_file=config_file, http_port=http[1], ws_port=peer[1]
        )
        await _start(parts, stack, http[0], peer[0])
        if (period_s := watchdog_period_s()) is not None:
            background(stack, feed_watchdog(period_s, parts.alive))
        write_run_file(data.path, node_id=parts.node_id, http_port=http[1], ws_port=peer[1])
        stack.callback(remove_run_file, data.path)
        on_ready(parts.node_id, http[1], peer[1])
        await stop.wait()


async def _start(
    parts: Parts,
    stack: AsyncExitStack,
    http_sockets: list[socket.socket],
    peer_sockets: list[socket.socket],
) -> None:
    """Start the parts, the listeners first; `stack` stops them in reverse order."""
    gate = parts.guarding.gate
    acceptor = Acceptor(
        parts.identity,
        parts.live,
        counters=parts.counters,
        backlog=parts.backlog,
        ping=parts.outbound.ping,
        on_refused=gate.refused_link,
    )
    view = parts.records.view(
        region=parts.config.node.region,
        store=parts.store,
        fetcher=parts.fetcher,
        links=parts.links,
        peers=parts.peers,
        dial=partial(call_announced, parts.dialler, parts.live),
    )
    local_app = build_local_app(
        blocks=parts.store,
        fetch=parts.fetcher.fetch,
        pins=parts.pinning,
        records=view,
        feed=parts.feed,
        on_read=parts.records.touch,
        info=parts.info,
        peers=parts.peers.to_json,
        discovered=parts.discovering.discovered,
        inviting=parts.inviting,
        status=parts.metrics,
        monitoring=parts.watching.monitoring,
        display=parts.displaying.display,
        operator=parts.operator,
        host_names=[socket.gethostname()],
        gate=gate,
        shutting=parts.guarding.shutting,
        is_on_link=lambda address: parts.on_link.network_of(address) is not None,
        max_block_size=parts.config.storage.max_block_size,
        counters=parts.counters,
    )
    public_app = build_public_app(
        blocks=parts.store,
        records=view,
        on_read=parts.records.touch,
        info=parts.info,
        status=parts.metrics,
        links=acceptor.handle,
        arrived=parts.reaching.arrived,
        gate=gate,
        auth=parts.peer_auth,
        linked_at=parts.links.has_address if parts.belonging.closed else None,
        writes=PeerOwn(
            network=parts.config.network.id,
            records=parts.records,
            on_advertised=parts.discovering.advertised,
        ),
        counters=parts.counters,
    )
    await parts.guarding.shutting.open()
    await parts.records.open()
    await parts.retiring.open()
    stack.push_async_callback(parts.retiring.close)
    stack.push_async_callback(parts.records.close)
    await parts.discovering.open()
    _, public = await serve(
        stack, parts.seats, [(local_app, http_sockets), (public_app, peer_sockets)]
    )
    parts.meetings.listen(public)
    stack.callback(parts.store.close)
    background(stack, parts.store.open())
    stack.push_async_callback(parts.fetcher.stop)
    stack.callback(parts.passing.stop)
    background(stack, parts.repair.run())
    background(stack, parts.watching.run())
    background(stack, parts.displaying.run())
    stack.push_async_callback(parts.reaching.close)
    for work in parts.records.work() + parts.reaching.work():
        background(stack, work)
    stack.push_async_callback(parts.dialler.close)
    stack.push_async_callback(parts.meetings.stop)
    background(stack, parts.meetings.work())
    background(stack, parts.belonging.watch(parts.links))
    stack.callback(view.stop)
    for peer in parts.static:
        background(
            stack,
            keep_linked(
                peer,
                parts.dialler,
                parts.links,
                parts.live,
                parts.discovering.turn,
                retry_interval_ms=parts.config.bootstrap.retry_interval,
                max_retries=parts.config.bootstrap.max_retries,
            ),
        )
    stack.push_async_callback(parts.discovering.close)
    await parts.inviting.open()
    stack.push_async_callback(parts.inviting.close)
    for work in parts.discovering.work():
        background(stack, work)
    # Before those who keep the dialled links are cancelled, or these would end without it.
    stack.push_async_callback(end_links, parts.links, parts.outbound)
    # Last, to be stopped first: SIGTERM deletes the mappings within half a second.
    stack.push_async_callback(parts.mapping.close)
    await parts.mapping.start()
