"""Running the node as a process: threads, signals, start and end."""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgenode.core.errors import EdgenodeError
from edgenode.daemon.config.profile import PROFILES
from edgenode.daemon.config.sections import Config
from edgenode.daemon.greeting import greeting
from edgenode.daemon.guard.belonging import warn_if_exposed
from edgenode.daemon.listen import PortBusy
from edgenode.daemon.node import run_node
from edgenode.daemon.notify import notify
from edgenode.daemon.reach.reachparts import asked_of_routers
from edgenode.daemon.watch.logs import Logs, reaches_journal, start_logging
from edgenode.daemon.watch.process import keep_secrets_in

log = logging.getLogger(__name__)


def run(config: Config, *, any_port: bool, config_file: Path) -> int:
    """Run the node until SIGTERM or SIGINT; return the exit status: 0, or 1 if it cannot start.

    `config_file` is where the configuration was read, if there is one.
    `any_port` takes a free port where a configured one is busy. `lean.keep_openssl_out` comes
    before this module is imported.
    """
    logs = start_logging()
    os.umask(0o077)
    keep_secrets_in()
    warn_if_exposed(config_file, config.network)
    try:
        asyncio.run(_run(config, logs, any_port=any_port, config_file=config_file))
    except (EdgenodeError, PortBusy, OSError) as error:
        failed = {"event": "start-failed"}
        log.error("cannot start: %s", error, extra=failed)  # noqa: TRY400 - one line for a person
        return 1
    return 0


async def _run(config: Config, logs: Logs, *, any_port: bool, config_file: Path) -> None:
    loop = asyncio.get_running_loop()
    profile = PROFILES[config.server.profile]
    loop.set_default_executor(ThreadPoolExecutor(profile.max_threads, "worker"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop)

    def on_ready(node_id: str, http_port: int, ws_port: int) -> None:
        logs.identify(node_id)
        log.info("ready nodeId=%s httpPort=%d wsPort=%d", node_id, http_port, ws_port)
        notify("READY=1")
        if sys.stdout.isatty() or not reaches_journal():
            text = greeting(
                node_id=node_id,
                http_port=http_port,
                ws_port=ws_port,
                data_dir=config.data_dir,
                asked=asked_of_routers(config.nat, config.server, ws_port),
            )
            sys.stdout.write(text)
            sys.stdout.flush()

    await run_node(
        config,
        config_file=config_file,
        any_port=any_port,
        stop=stop,
        on_ready=on_ready,
        logs=logs,
    )
    log.info("stopped")


def _stop(stop: asyncio.Event) -> None:
    notify("STOPPING=1")
    stop.set()
