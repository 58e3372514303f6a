"""A link, from the connection to its end, written from docs/protocol.md alone."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web
from nacl import bindings as sodium

DEADLINE_S = 15.0

Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Json = dict[str, Any]


def say(**members: object) -> None:
    """Tell the test."""
    print(json.dumps(members), flush=True)  # noqa: T201 - what the test reads


# What is signed


def le64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def pae(pieces: list[bytes]) -> bytes:
    return le64(len(pieces)) + b"".join(le64(len(piece)) + piece for piece in pieces)


def to_sign(role: str, network: str, node_id: str, hellos: tuple[bytes, bytes]) -> bytes:
    context = f"edgenode/1/handshake-{role}".encode()
    return pae([context, network.encode(), bytes.fromhex(node_id), *hellos])


# Closed networks


def blake2b(key: bytes, person: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32, key=key, person=person).digest()


# Identity


class Me:
    """A key of our own, and this process."""

    def __init__(self, network: str) -> None:
        """`network` is its name, or NAME#SECRET where it is closed by a secret."""
        network, _, secret = network.partition("#")
        self.network_key = blake2b(b"", b"edgenode network", secret.encode()) if secret else b""
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

    def _sealing(self, key: bytes) -> bytes:
        """Closed networks: the session key that frames are sealed under."""
        closed = self.me.network_key
        return blake2b(closed, b"edgenode session", key) if closed else key

    def _proof(self, role: str, hellos: tuple[bytes, bytes]) -> bytes:
        signed = to_sign(role, self.me.network, self.me.node_id, hellos)
        key = self._session_keys()[1]
        header = sodium.crypto_secretstream_xchacha20poly1305_init_push(
            self._push, self._sealing(key)
        )
        proof = self.me.sign(signed) + header
        if not self.me.network_key:
            return proof
        return proof + blake2b(self.me.network_key, b"edgenode confirm", key + signed + proof)

    def _check(self, proof: bytes, role: str, hellos: tuple[bytes, bytes]) -> None:
        signed = to_sign(role, self.me.network, self.peer["nodeId"], hellos)
        key = self._session_keys()[0]
        if self.me.network_key:
            bound = key + signed + proof[:88]
            assert proof[88:] == blake2b(self.me.network_key, b"edgenode confirm", bound)
            proof = proof[:88]
        assert len(proof) == 88
        sodium.crypto_sign_open(proof[:64] + signed, bytes.fromhex(self.peer["nodeId"]))
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(
            self._pull, proof[64:], self._sealing(key)
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
