"""Running the node as a process: threads, signals, start and end."""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from edgenode.core.errors import EdgenodeError
from edgenode.daemon.config_sections import Config
from edgenode.daemon.greeting import greeting
from edgenode.daemon.listen import PortBusy
from edgenode.daemon.logs import start_logging
from edgenode.daemon.node import run_node
from edgenode.daemon.notify import notify

# Threads for disk, hashing and name look-ups. A card serves one request at a time; four keep a
# long hash from holding up short reads, and each costs about 100 kB once it was used.
MAX_THREADS = 4

log = logging.getLogger(__name__)


def run(config: Config, *, any_port: bool) -> int:
    """Run the node until SIGTERM or SIGINT; return the exit status: 0, or 1 if it cannot start.

    `any_port` takes a free port where a configured one is busy. `lean.keep_openssl_out` comes
    before this module is imported.
    """
    start_logging()
    os.umask(0o077)
    try:
        asyncio.run(_run(config, any_port=any_port))
    except (EdgenodeError, PortBusy, OSError) as error:
        log.error("cannot start: %s", error)  # noqa: TRY400 - one line for a person
        return 1
    return 0


async def _run(config: Config, *, any_port: bool) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(MAX_THREADS, "worker"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop)

    def on_ready(node_id: str, http_port: int, ws_port: int) -> None:
        log.info("ready nodeId=%s httpPort=%d wsPort=%d", node_id, http_port, ws_port)
        notify("READY=1")
        if sys.stdout.isatty() or "JOURNAL_STREAM" not in os.environ:
            text = greeting(
                node_id=node_id, http_port=http_port, ws_port=ws_port, data_dir=config.data_dir
            )
            sys.stdout.write(text)
            sys.stdout.flush()

    await run_node(config, any_port=any_port, stop=stop, on_ready=on_ready)
    log.info("stopped")


def _stop(stop: asyncio.Event) -> None:
    notify("STOPPING=1")
    stop.set()
