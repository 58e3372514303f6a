"""Through a node's life its secrets stay in, and no program is started."""

import re
import sys
from pathlib import Path

import aiohttp

from edgenode.crypto import network_key
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

SECRET = "c4f1d2a09b8e7765c4f1d2a09b8e7764"

# Logs everything there is, and tells of each program that is started.
_PROLOGUE = """
import logging, os, sys

SPAWNING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.system",
            "os.spawn", "pty.spawn"}

def watch(event, arguments):
    if event in SPAWNING:
        os.write(2, ("STARTED " + event + " " + repr(arguments) + chr(10)).encode())

sys.addaudithook(watch)
from edgenode.daemon.lean import keep_openssl_out
keep_openssl_out()
from edgenode.daemon.watch import logs
begin = logs.start_logging
def at_debug():
    made = begin()
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("edgenode").debug("logging everything")
    return made
logs.start_logging = at_debug
from edgenode.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


class Watched(Node):
    """A node that logs at the level DEBUG, and tells of each program that it starts."""

    def _command(self) -> list[str]:
        return [sys.executable, "-c", _PROLOGUE, *super()._command()[3:]]


async def shown(node: Node, operator: str) -> str:
    """Everything that a node tells by REST, errors too, to whoever asks."""
    texts = []
    async with aiohttp.ClientSession() as session:
        for path in (
            *("/", "/metrics", "/node/info", "/node/status", "/node/peers", "/node/sync"),
            *("/node/storage", "/node/history", "/healthz", "/openapi.json", "/nothing", "/blocks"),
        ):
            for token in ("", operator, operator[:-1], SECRET):
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                for port in (node.http_port, node.ws_port):
                    async with session.get(
                        f"http://127.0.0.1:{port}{path}", headers=headers
                    ) as response:
                        texts.append(str(response.headers) + await response.text())
    return "\n".join(texts)


async def test_secrets_stay_in_and_nothing_is_started(nodes: Nodes, tmp_path: Path) -> None:
    a = Watched(nodes.session, tmp_path / "a")
    b = nodes.make("b")
    a.belongs = b.belongs = f'secret = "{SECRET}"'
    await a.start()
    try:
        b.dials = [a.ws_port]
        await b.start()
        await b.linked_with(a)
        stranger = nodes.make("stranger", dials=[a.ws_port])
        await stranger.start()
        await a.logged("a handshake from .* ended: wrong-network")
        block_id = await a.rest.post(b"anything")
        assert (await b.rest.get(block_id)).body == b"anything"
        token = (a.data_dir / "operator.token").read_text().strip()
        key = (a.data_dir / "node.key").read_text().strip()
        told = await shown(a, token)
        process = Path(f"/proc/{a.pid}")
        told += (process / "cmdline").read_bytes().decode()
        told += (process / "environ").read_bytes().decode()
        limit = re.search(r"Max core file size +(\S+) +(\S+)", (process / "limits").read_text())
        assert limit is not None
        assert limit.groups() == ("0", "0")
        for name in ("node.key", "operator.token"):
            assert (a.data_dir / name).stat().st_mode & 0o777 == 0o600
    finally:
        await a.stop()
    log = "\n".join(a.lines)
    assert "logging everything" in log
    for secret in (SECRET, network_key(SECRET).hex(), token, key):
        assert secret not in told
        assert secret not in log
    assert "STARTED" not in log
    run_file = (a.data_dir.parent / "config.toml").read_text()
    assert SECRET in run_file
