"""Listeners that a node dials and must not link with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from edgenode.core.handshake import INITIATOR, RESPONDER
from edgenode.core.hello import decode_hello
from edgenode.core.pae import handshake_bytes
from edgenode.link.channel import Channel
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import closing, new_identity, refusal
from tests.integration.support.wait import eventually

Script = Callable[[web.WebSocketResponse], Awaitable[None]]
Alter = Callable[[str], str]


def answer(
    *,
    identity: LocalIdentity | None = None,
    expected: str | None = None,
    alter: Alter = lambda raw: raw,
    role: str = RESPONDER,
) -> Script:
    """Return a handshake that is right but for what is given; `alter` comes after signing."""

    async def run(socket: web.WebSocketResponse) -> None:
        own = identity or new_identity()
        raw = (await socket.receive_str()).encode()
        peer = decode_hello(raw)
        channel = Channel(initiator=False)
        hello = own.hello(peer.node_id if expected is None else expected, channel)
        public_key = bytes.fromhex(own.node_id)
        signature = own.sign(handshake_bytes(role, own.network, public_key, raw, hello.raw))
        await socket.send_str(alter(hello.raw.decode()))
        await socket.send_bytes(signature + channel.agree(peer.ephemeral_key))

    return run


async def mirror(socket: web.WebSocketResponse) -> None:
    """Show the node its own hello."""
    await socket.send_str(await socket.receive_str())


async def stall(socket: web.WebSocketResponse) -> None:
    await socket.receive_str()


async def garbage(socket: web.WebSocketResponse) -> None:
    await socket.send_str("[" * 1000)


async def proof_first(socket: web.WebSocketResponse) -> None:
    await socket.send_bytes(bytes(88))


def thief() -> LocalIdentity:
    victim = new_identity()
    victim.sign = new_identity().sign
    return victim


def flip(field: str) -> Alter:
    def alter(raw: str) -> str:
        at = raw.index(f'"{field}":"') + len(field) + 4
        return raw[:at] + ("1" if raw[at] == "0" else "0") + raw[at + 1 :]

    return alter


CASES: dict[str, tuple[Script, str]] = {
    "another network": (answer(identity=new_identity("another-net")), "wrong-network"),
    "for nobody": (answer(expected=""), "wrong-node"),
    "for another node": (answer(expected=new_identity().node_id), "wrong-node"),
    "stolen name": (answer(identity=thief()), "bad-proof"),
    "our role": (answer(role=INITIATOR), "bad-proof"),
    "altered nonce": (answer(alter=flip("nonce")), "bad-proof"),
    "altered key": (answer(alter=flip("ephemeralKey")), "bad-proof"),
    "altered instance": (answer(alter=flip("instance")), "bad-proof"),
    "later version": (answer(alter=lambda r: r.replace('n":1', 'n":2')), "wrong-version"),
    "mirror": (mirror, "self"),
    "garbage": (garbage, "malformed"),
    "proof before hello": (proof_first, "protocol-violation"),
    "stalled": (stall, "too-slow"),
}


async def test_listeners_that_a_node_must_not_link_with(nodes: Nodes) -> None:
    """All are dialled at once, and a good one among them, which is linked all the same."""
    results: dict[str, asyncio.Future[tuple[str, int]]] = {}
    async with AsyncExitStack() as stack:
        ports = {}
        for name, (script, _) in CASES.items():
            results[name] = asyncio.get_running_loop().create_future()
            ports[name] = await stack.enter_async_context(listening(script, results[name]))
        good = await nodes.start("good")
        node = await nodes.start("node", dials=[*ports.values(), good.ws_port])
        await node.linked_with(good)

        for name, (_, reason) in CASES.items():
            assert await asyncio.wait_for(results[name], 7) == refusal(reason), name

        async def all_told() -> bool:
            infos = {info["wsPort"]: info for info in await node.rest.peers()}
            return all(
                infos[ports[name]].get("lastError", "").startswith(reason)
                for name, (_, reason) in CASES.items()
            )

        await eventually(all_told, "each refusal is shown with its reason")
        assert (await node.rest.status())["peers"] == 1


async def test_port_that_is_not_a_peer_s(nodes: Nodes) -> None:
    other = await nodes.start("other")
    node = await nodes.start("node", dials=[other.http_port])
    await node.logged(r"not an edgenode peer port \(HTTP 404\)")


@asynccontextmanager
async def listening(
    script: Script, result: "asyncio.Future[tuple[str, int]]"
) -> AsyncIterator[int]:
    """Run `script` for who dials; `result` is how the first of them closes after it."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await script(socket)
        closed = await closing(socket)
        if not result.done():
            result.set_result(closed)
        return socket

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
