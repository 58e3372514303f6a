"""Addresses that break the rules, or ask for too much, are shut out; others notice nothing."""

import asyncio
import json
import socket
import sys
from contextlib import suppress
from typing import Any

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support.dials import Dials
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.node import PEER_PORT, LabNode, LabNodes

pytestmark = pytest.mark.ci

ANSWER_S = 5.0
WINDOW_MS = 300
MANY = 10_000
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
# A text frame of one byte, "{", under a mask of zeros.
MALFORMED = bytes([0x81, 0x81, 0, 0, 0, 0]) + b"{"
GET = b"GET /node/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def exchange(host: Host, to: str, *pieces: bytes) -> bytes:
    """Connect from a host, send the pieces, each when something has come; return all answers."""
    with host.namespace.inside():
        opened = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    heard = b""
    with opened, suppress(ConnectionError):
        opened.settimeout(ANSWER_S)
        opened.connect((to, PEER_PORT))
        for piece in pieces:
            opened.sendall(piece)
            heard += opened.recv(4096)
        while more := opened.recv(4096):
            heard += more
    return heard


def status(host: Host, to: str) -> int:
    """Return the status of a read from a host, 0 where the connection was refused."""
    answer = exchange(host, to, GET)
    return int(answer.split()[1]) if answer else 0


async def blacklist(node: LabNode, *arguments: str) -> Any:
    """Run `edgenode blacklist` on the node's computer; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *node.host.namespace.entering,
        *(sys.executable, "-m", "edgenode", "blacklist", *arguments, "--json"),
        *("--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert process.returncode == 0, said
    return json.loads(printed)


async def shut_out(node: LabNode) -> list[tuple[str, str, str]]:
    """Return address, reason and who said so of each that is shut out."""
    entries = (await blacklist(node))["blacklist"]
    return [(entry["address"], entry["reason"], entry["by"]) for entry in entries]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_a_malformed_frame_shuts_out_its_address(
    lab: Lab, nodes: LabNodes, family: str
) -> None:
    public, bad, good = lab.host("public"), lab.host("bad"), lab.host("good")
    node = await nodes.start("public", public)
    to = public.address if family == "ipv4" else public.address6
    assert status(bad, to) == 200
    assert b"malformed" in exchange(bad, to, UPGRADE, MALFORMED)
    assert status(bad, to) == 0
    assert status(good, to) == 200
    address = bad.address if family == "ipv4" else bad.address6.removesuffix("2") + "/64"
    assert await shut_out(node) == [(address, "malformed", "node")]
    await blacklist(node, "remove", address)
    assert status(bad, to) == 200


async def test_a_static_peer_is_never_shut_out(lab: Lab, nodes: LabNodes) -> None:
    public, friend = lab.host("public"), lab.host("friend")
    node = await nodes.start("public", public, knows=[friend.address])
    assert b"malformed" in exchange(friend, public.address, UPGRADE, MALFORMED)
    assert status(friend, public.address) == 200
    assert await shut_out(node) == []
    code, problem = await node.rest.write("/blacklist", {"address": friend.address})
    assert (code, problem["type"]) == (409, "urn:edgenode:problem:never-shut-out")


async def test_over_the_limit_in_too_many_windows_is_shut_out(lab: Lab, nodes: LabNodes) -> None:
    public, greedy = lab.host("public"), lab.host("greedy")
    limits = (
        f"[rate_limit]\nwindow = {WINDOW_MS}\nmax_requests = 3\n"
        "blacklist_threshold = 2\nblacklist_duration = 1500"
    )
    node = await nodes.start("public", public, more_config=limits)
    statuses: list[int] = []
    while (not statuses or statuses[-1]) and len(statuses) < MANY:
        statuses.append(status(greedy, public.address))
    assert statuses[:4] == [200, 200, 200, 429]
    assert statuses.count(200) <= 6
    assert await shut_out(node) == [(greedy.address, "over-rate", "node")]

    async def is_let_in() -> bool:
        return status(greedy, public.address) != 0

    await eventually(is_let_in, "let in again")
    assert await shut_out(node) == []


async def test_what_the_operator_says_ends_links_and_outlives_the_process(
    lab: Lab, nodes: LabNodes
) -> None:
    public, other = lab.host("public"), lab.host("other")
    node = await nodes.start("public", public)
    peer = await nodes.start("other", other, knows=[public.address])
    await node.linked_with(peer)
    seen = len(node.lines)
    entry = await blacklist(node, "add", other.address, "--for", "1h")
    assert (entry["address"], entry["by"]) == (other.address, "operator")
    await node.logged(f"link with {peer.node_id} .* ended", since=seen)
    assert status(other, public.address) == 0
    await node.close()
    await node.stop()
    await node.start()
    assert status(other, public.address) == 0
    assert await shut_out(node) == [(other.address, "operator", "operator")]
    await blacklist(node, "remove", other.address)
    await eventually(lambda: _linked(node, peer), "linked again")


async def _linked(node: LabNode, peer: LabNode) -> bool:
    peers = await node.rest.peers()
    return any(p["nodeId"] == peer.node_id and p["status"] == "connected" for p in peers)


async def test_nobody_is_dialled_whose_address_is_shut_out(lab: Lab, nodes: LabNodes) -> None:
    public, other = lab.host("public"), lab.host("other")
    await nodes.start("other", other)
    node = await nodes.start("public", public)
    await blacklist(node, "add", other.address, "--for", "1h")
    await node.stop()
    node.begins_with = [other.address]
    dials = Dials(public)
    await node.start()

    async def is_left_out() -> bool:
        found = await node.rest.discovered()
        return [entry.get("lastError") for entry in found] == ["shut-out"]

    await eventually(is_left_out, "it is not dialled", timeout_s=ANSWER_S)
    assert dials.count() == 0
