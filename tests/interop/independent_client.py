"""A small node written from docs/protocol.md alone; it imports nothing of edgenode.

    independent_client.py get URL NETWORK BLOCK_ID     dial, try everything, get a block
    independent_client.py serve URL NETWORK FILE       dial, hand over a block until stdin ends
    independent_client.py listen PORT NETWORK FILE     the same, but wait to be dialled

Prints one JSON object a line; the document's section names stand at each part.
"""

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from nacl import bindings as sodium

DEADLINE_S = 15.0
MAX_MESSAGE = 262_144
WANT_BYTES = 262_144
CHUNK_BYTES = 65_536

Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Json = dict[str, Any]


def say(**members: object) -> None:
    print(json.dumps(members), flush=True)  # noqa: T201 - what the test reads


# What is signed


def le64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def pae(pieces: list[bytes]) -> bytes:
    return le64(len(pieces)) + b"".join(le64(len(piece)) + piece for piece in pieces)


def to_sign(role: str, network: str, node_id: str, hellos: tuple[bytes, bytes]) -> bytes:
    context = f"edgenode/1/handshake-{role}".encode()
    return pae([context, network.encode(), bytes.fromhex(node_id), *hellos])


# Identity


class Me:
    """A key of our own, and this process."""

    def __init__(self, network: str) -> None:
        public, self.secret = sodium.crypto_sign_seed_keypair(os.urandom(32))
        self.node_id = public.hex()
        self.network = network

    def sign(self, message: bytes) -> bytes:
        return sodium.crypto_sign(message, self.secret)[:64]


# Handshake


class Link:
    """A link over a WebSocket; `open` is the handshake."""

    def __init__(self, socket: Socket, me: Me, instance: bytes, *, initiator: bool) -> None:
        self.socket = socket
        self.me = me
        self.instance = instance
        self.initiator = initiator
        self.peer: Json = {}
        self.seen: list[Json] = []
        self._keys = sodium.crypto_kx_keypair()
        self._push = sodium.crypto_secretstream_xchacha20poly1305_state()
        self._pull = sodium.crypto_secretstream_xchacha20poly1305_state()

    async def open(self, expected: str = "") -> None:
        if self.initiator:
            own = self._hello(expected)
            await self.socket.send_str(own)
            peer = await self._receive(aiohttp.WSMsgType.TEXT)
            hellos = (own.encode(), peer)
        else:
            peer = await self._receive(aiohttp.WSMsgType.TEXT)
            own = self._hello(json.loads(peer)["nodeId"])
            hellos = (peer, own.encode())
        self.peer = json.loads(peer)
        assert self.peer["version"] == 1
        assert self.peer["network"] == self.me.network
        assert self.peer["expectedNodeId"] in (self.me.node_id, "" if not self.initiator else None)
        if self.initiator:
            self._check(await self._receive(aiohttp.WSMsgType.BINARY), "responder", hellos)
            await self.socket.send_bytes(self._proof("initiator", hellos))
        else:
            await self.socket.send_str(own)
            await self.socket.send_bytes(self._proof("responder", hellos))
            self._check(await self._receive(aiohttp.WSMsgType.BINARY), "initiator", hellos)

    def _hello(self, expected: str) -> str:
        hello = {
            "version": 1,
            "network": self.me.network,
            "nodeId": self.me.node_id,
            "expectedNodeId": expected,
            "nonce": os.urandom(32).hex(),
            "ephemeralKey": self._keys[0].hex(),
            "instance": self.instance.hex(),
            "limits": {"frame": 69_632, "a later limit": 1},
            "aLaterField": [{}],
        }
        return json.dumps(hello, indent=2)

    def _session_keys(self) -> tuple[bytes, bytes]:
        """Keys: return (receiving, sending)."""
        public, secret = self._keys
        theirs = bytes.fromhex(self.peer["ephemeralKey"])
        shared = sodium.crypto_scalarmult(secret, theirs)
        both = (public, theirs) if self.initiator else (theirs, public)
        made = hashlib.blake2b(shared + b"".join(both), digest_size=64).digest()
        responder_sends, initiator_sends = made[:32], made[32:]
        if self.initiator:
            return responder_sends, initiator_sends
        return initiator_sends, responder_sends

    def _proof(self, role: str, hellos: tuple[bytes, bytes]) -> bytes:
        signed = to_sign(role, self.me.network, self.me.node_id, hellos)
        header = sodium.crypto_secretstream_xchacha20poly1305_init_push(
            self._push, self._session_keys()[1]
        )
        return self.me.sign(signed) + header

    def _check(self, proof: bytes, role: str, hellos: tuple[bytes, bytes]) -> None:
        assert len(proof) == 88
        signed = to_sign(role, self.me.network, self.peer["nodeId"], hellos)
        sodium.crypto_sign_open(proof[:64] + signed, bytes.fromhex(self.peer["nodeId"]))
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(
            self._pull, proof[64:], self._session_keys()[0]
        )

    async def _receive(self, kind: aiohttp.WSMsgType) -> bytes:
        message = await self.socket.receive(DEADLINE_S)
        assert message.type is kind, (message.type, message.data, message.extra)
        return message.data.encode() if isinstance(message.data, str) else message.data

    # Seal and frames

    async def send(self, plaintext: bytes, tag: int = 0) -> None:
        sealed = sodium.crypto_secretstream_xchacha20poly1305_push(self._push, plaintext, None, tag)
        await self.socket.send_bytes(sealed)

    async def receive(self) -> tuple[bytes, int]:
        """Return (plaintext, tag) of the next frame."""
        sealed = await self._receive(aiohttp.WSMsgType.BINARY)
        return sodium.crypto_secretstream_xchacha20poly1305_pull(self._pull, sealed, None)

    async def tell(self, event: str, **data: object) -> None:
        message = {
            "type": event,
            "data": data,
            "timestamp": int(time.time() * 1000),
            "sender": self.me.node_id,
        }
        await self.send(b"\x01" + json.dumps(message).encode())

    async def next(self) -> Json | tuple[int, int, bytes] | str:
        """Return the next message, a chunk as (fetchId, offset, bytes), or the reason of an end.

        Answers pings.
        """
        while True:
            plaintext, tag = await self.receive()
            if tag == 3:
                assert plaintext[0] == 0
                return plaintext[1:].decode()
            if plaintext[0] == 2:
                fetch_id = int.from_bytes(plaintext[1:5], "big")
                return fetch_id, int.from_bytes(plaintext[5:13], "big"), plaintext[13:]
            assert plaintext[0] == 1
            message: Json = json.loads(plaintext[1:])
            assert message["sender"] == self.peer["nodeId"]
            self.seen.append(message)
            if message["type"] != "system:ping":
                return message
            await self.tell("system:pong", nonce=message["data"]["nonce"])

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        """Return the data of the first message that is `wanted`."""
        while True:
            message = await self.next()
            if isinstance(message, dict) and wanted(message):
                data: Json = message["data"]
                return data

    # The life of a link

    async def leave(self) -> None:
        """End in good order and see the peer do so, too."""
        await self.tell("node:leave", reason="stopping")
        await self.send(b"\x00bye", tag=3)
        while not isinstance(reason := await self.next(), str):
            pass
        closed = await self.socket.receive(DEADLINE_S)
        say(end=reason, code=closed.data)
        await self.socket.close()


# Block transfer


def answer_to(op: str, block_id: str) -> Callable[[Json], bool]:
    def fits(message: Json) -> bool:
        data = message["data"]
        return (
            message["type"] == "block:sync"
            and data.get("blockId") == block_id
            and data["op"] in (op, "lack")
        )

    return fits


async def ask(link: Link, block_id: str, **want: int) -> Json:
    step = {"op": "want", "blockId": block_id, "fetchId": 1, "offset": 0, "length": 0, **want}
    await link.tell("block:sync", **step)
    return await link.until(answer_to("have", block_id))


async def get(link: Link, block_id: str) -> None:
    size = (await ask(link, block_id))["size"]
    data = bytearray()
    wanted = 0
    while len(data) < size:
        while wanted < size and wanted - len(data) <= WANT_BYTES:
            length = min(WANT_BYTES, size - wanted)
            await link.tell(
                "block:sync", op="want", blockId=block_id, fetchId=2, offset=wanted, length=length
            )
            wanted += length
        chunk = await link.next()
        if isinstance(chunk, tuple):
            fetch_id, offset, piece = chunk
            assert (fetch_id, offset) == (2, len(data))
            end = min(len(data) // WANT_BYTES * WANT_BYTES + WANT_BYTES, size)
            assert len(piece) == min(CHUNK_BYTES, end - len(data))
            data += piece
    assert hashlib.sha3_512(data).hexdigest() == block_id
    say(got=len(data))


async def serve(link: Link, block: bytes) -> None:
    """Hand over `block` until stdin ends or the peer does."""
    block_id = hashlib.sha3_512(block).hexdigest()
    say(linked=link.peer["nodeId"], blockId=block_id)
    stdin = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while True:
        event = asyncio.create_task(link.next())
        await asyncio.wait([event, stdin], return_when=asyncio.FIRST_COMPLETED)
        if not event.done():
            event.cancel()
            await asyncio.wait([event])
            return await link.leave()
        message = event.result()
        if isinstance(message, str):
            return say(end=message)
        if isinstance(message, dict) and message["data"].get("op") == "want":
            await hand_over(link, block_id, block, message["data"])


async def hand_over(link: Link, block_id: str, block: bytes, want: Json) -> None:
    step: Json = {"blockId": want["blockId"], "fetchId": want["fetchId"]}
    if want["blockId"] != block_id:
        await link.tell("block:sync", op="lack", reason="not-held", **step)
    elif not want["length"]:
        await link.tell("block:sync", op="have", size=len(block), **step)
    else:
        end = want["offset"] + want["length"]
        for offset in range(want["offset"], end, CHUNK_BYTES):
            head = b"\x02" + want["fetchId"].to_bytes(4, "big") + offset.to_bytes(8, "big")
            await link.send(head + block[offset : min(offset + CHUNK_BYTES, end)])


async def dial(session: aiohttp.ClientSession, url: str, me: Me, instance: bytes) -> Link:
    socket = await session.ws_connect(url, max_msg_size=MAX_MESSAGE + 1, compress=0)
    link = Link(socket, me, instance, initiator=True)
    await link.open()
    return link


async def clone_is_refused(session: aiohttp.ClientSession, url: str, first: Link) -> None:
    """A second process with our key: the node asks the first, which answers, and stays."""
    answering = asyncio.create_task(first.until(lambda message: message["type"] == "later"))
    second = await dial(session, url, first.me, os.urandom(16))
    while not isinstance(reason := await second.next(), str):
        pass
    closed = await second.socket.receive(DEADLINE_S)
    say(second=reason, code=closed.data)
    await second.socket.close()
    answering.cancel()
    await asyncio.wait([answering])


async def try_everything(session: aiohttp.ClientSession, url: str, me: Me, block_id: str) -> None:
    link = await dial(session, url, me, os.urandom(16))
    say(linked=link.peer["nodeId"])
    announce = await link.until(lambda message: message["type"] == "node:announce")
    say(announce=announce)
    await link.tell(
        "node:announce", version="0", wsPort=1, capabilities=[], region="", aLaterField=None
    )
    await link.tell("system:ping", nonce=4_294_967_295)
    say(pong=await link.until(lambda message: message["type"] == "system:pong"))
    await link.send(b"\x07 a kind of a later version")
    await link.tell("later:event", anything=[None])
    await link.tell("block:sync", op="later")
    await clone_is_refused(session, url, link)
    say(pinged=[message["type"] for message in link.seen].count("system:ping"))
    say(unknown=await ask(link, "00" * 64))
    say(outside=await ask(link, block_id, offset=2**40, length=1))
    await get(link, block_id)
    await link.leave()


async def listen(port: int, me: Me, block: bytes) -> None:
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE + 1)
        await socket.prepare(request)
        link = Link(socket, me, os.urandom(16), initiator=False)
        await link.open()
        await serve(link, block)
        done.set()
        return socket

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, chosen = runner.addresses[0][:2]
    say(host=host, port=chosen)
    await done.wait()
    await runner.cleanup()


async def main(mode: str, where: str, network: str, what: str) -> None:
    me = Me(network)
    if mode == "listen":
        await listen(int(where), me, Path(what).read_bytes())  # noqa: ASYNC240
    else:
        async with aiohttp.ClientSession() as session:
            if mode == "serve":
                link = await dial(session, where, me, os.urandom(16))
                await serve(link, Path(what).read_bytes())  # noqa: ASYNC240
            else:
                await try_everything(session, where, me, what)
    say(modulesOfEdgenode=[name for name in sys.modules if name.startswith("edgenode")])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
