"""A real node in a real journal: its fields can be searched for, its warnings are explained."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from edgenode.daemon.watch.catalogue import EVENTS
from tests.integration.support.rest import Rest
from tests.integration.support.wait import eventually

pytestmark = pytest.mark.ci

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[server]
http_bind = "127.0.0.1"
ws_bind = "127.0.0.1"
upnp = false
[nat]
enabled = false
[discovery]
mdns = false
multicast = false
"""


async def test_fields_and_explanations_are_in_the_journal(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    data = tmp_path / "data"
    node = [sys.executable, "-m", "edgenode", "run", "--any-port"]
    node += ["--config", str(tmp_path / "config.toml"), "--data-dir", str(data)]
    process = await asyncio.create_subprocess_exec(
        *("unshare", "-m", sys.executable, "-m", "tests.integration.support.journald", *node),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async def runs() -> bool:
        return process.returncode is not None or (data / "run.json").exists()

    await eventually(runs, "the node runs", timeout_s=30)
    if process.returncode is not None:
        raise AssertionError((await process.communicate())[1].decode())
    run = json.loads((data / "run.json").read_text())
    async with aiohttp.ClientSession() as session:
        rest = Rest(session, run["httpPort"], (data / "operator.token").read_text().strip())
        block_id = await rest.post(b"block")
        path = data / "blocks" / block_id[:2] / block_id
        path.write_bytes(b"other bytes")
        assert (await rest.get(block_id, local=True)).status == 404
    os.kill(run["pid"], signal.SIGTERM)
    out, error = await process.communicate()
    assert "ended with 0" in error.decode()

    lines = out.decode().splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    told = "\n".join(line for line in lines if not line.startswith("{"))
    (damage,) = [entry for entry in entries if entry.get("EVENT") == "block-damaged"]
    event = EVENTS["block-damaged"]
    assert damage["NODE_ID"] == run["nodeId"]
    assert damage["BLOCK"] == block_id
    assert damage["PRIORITY"] == "4"
    assert damage["MESSAGE_ID"] == event.message_id
    assert damage["_TRANSPORT"] == "journal"
    messages = [entry["MESSAGE"] for entry in entries]
    assert any(message.startswith("ready nodeId=") for message in messages)
    assert messages[-1] == "stopped"
    assert [entry["MESSAGE"] for entry in entries if int(entry["PRIORITY"]) <= 4] == [
        damage["MESSAGE"]
    ]
    assert f"Subject: {event.subject}" in told
    assert "What to do: Nothing for a single one." in told
