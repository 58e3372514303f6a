"""Handshakes that must fail, each with its reason, while others go on being served."""

import asyncio
import time

import aiohttp
import pytest

from edgenode.core.handshake import INITIATOR, RESPONDER
from edgenode.core.hello import MAX_FRAME_BYTES, MAX_HELLO_BYTES, Hello, decode_hello
from edgenode.core.pae import handshake_bytes
from edgenode.crypto import random_bytes
from edgenode.link.anteroom import MAX_HANDSHAKES
from edgenode.link.channel import Channel
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.peer import closing, connect, new_identity, refusal
from tests.integration.support.target import Target

pytestmark = pytest.mark.asyncio(loop_scope="module")

HANDSHAKE_S = 6.0


class Attempt:
    """A handshake of which each piece can be replaced before it is sent."""

    def __init__(self, target: Target, identity: LocalIdentity | None = None) -> None:
        self.target = target
        self.identity = identity or new_identity()
        self.channel = Channel(initiator=True)
        self.socket: aiohttp.ClientWebSocketResponse
        self.hello = self.identity.hello("", self.channel)

    async def send_hello(self, raw: bytes | None = None) -> Hello:
        """Send our hello, or `raw`; return the node's."""
        self.socket = await connect(self.target.session, self.target.url)
        await self.socket.send_str((raw or self.hello.raw).decode())
        answer = decode_hello((await self.socket.receive_str()).encode())
        await self.socket.receive_bytes()  # its proof
        return answer

    def proof(self, node: Hello, role: str = INITIATOR) -> bytes:
        public_key = bytes.fromhex(self.identity.node_id)
        signed = handshake_bytes(role, node.network, public_key, self.hello.raw, node.raw)
        return self.identity.sign(signed) + self.channel.agree(node.ephemeral_key)

    async def accepted(self, proof: bytes) -> None:
        """Send the proof, which must do; then leave."""
        await self.socket.send_bytes(proof)
        await self.target.node.logged(f"linked with {self.identity.node_id}")
        await self.socket.close()
        await self.target.node.logged(f"link with {self.identity.node_id} .* ended")

    async def refused(self, proof: bytes) -> tuple[str, int]:
        await self.socket.send_bytes(proof)
        return await closing(self.socket)


async def hello_refused(target: Target, hello: str | bytes) -> tuple[str, int]:
    """Send one message as the hello; return how it is refused."""
    socket = await connect(target.session, target.url)
    if isinstance(hello, str):
        await socket.send_str(hello)
    else:
        await socket.send_bytes(hello)
    return await closing(socket)


def good_hello(identity: LocalIdentity | None = None, expected: str = "") -> str:
    identity = identity or new_identity()
    return identity.hello(expected, Channel(initiator=True)).raw.decode()


async def test_the_attempt_itself_is_sound(target: Target) -> None:
    """What fails below would succeed but for the one thing that is changed."""
    attempt = Attempt(target)
    await attempt.accepted(attempt.proof(await attempt.send_hello()))


async def test_wrong_network(target: Target) -> None:
    hello = good_hello(new_identity("another-net"))
    assert await hello_refused(target, hello) == refusal("wrong-network")


async def test_another_node_is_meant(target: Target) -> None:
    hello = good_hello(expected=new_identity().node_id)
    assert await hello_refused(target, hello) == refusal("wrong-node")


async def test_later_version(target: Target) -> None:
    hello = good_hello().replace('"version":1', '"version":2')
    assert await hello_refused(target, hello) == refusal("wrong-version")


async def test_key_that_is_not_the_node_ids(target: Target) -> None:
    victim, thief = new_identity(), new_identity()
    attempt = Attempt(target, victim)
    node = await attempt.send_hello()
    attempt.identity.sign = thief.sign
    assert await attempt.refused(attempt.proof(node)) == refusal("bad-proof")


async def test_proof_of_the_other_role(target: Target) -> None:
    attempt = Attempt(target)
    node = await attempt.send_hello()
    proof = attempt.proof(node, RESPONDER)
    assert await attempt.refused(proof) == refusal("bad-proof")


async def test_node_s_own_proof_sent_back(target: Target) -> None:
    attempt = Attempt(target)
    attempt.socket = await connect(target.session, target.url)
    await attempt.socket.send_str(attempt.hello.raw.decode())
    await attempt.socket.receive_str()
    assert await attempt.refused(await attempt.socket.receive_bytes()) == refusal("bad-proof")


async def test_replayed_proof(target: Target) -> None:
    """Hello and proof of a handshake that went well are worth nothing in the next one."""
    first = Attempt(target)
    proof = first.proof(await first.send_hello())
    await first.accepted(proof)
    again = Attempt(target, first.identity)
    await again.send_hello(first.hello.raw)
    assert await again.refused(proof) == refusal("bad-proof")


async def test_altered_hello(target: Target) -> None:
    """Every field that is not checked by itself is covered by the signature."""
    for field in ("nonce", "ephemeralKey", "instance"):
        attempt = Attempt(target)
        raw = attempt.hello.raw.decode()
        at = raw.index(f'"{field}":"') + len(field) + 4
        flipped = raw[:at] + ("1" if raw[at] == "0" else "0") + raw[at + 1 :]
        node = await attempt.send_hello(flipped.encode())
        assert await attempt.refused(attempt.proof(node)) == refusal("bad-proof"), field


async def test_altered_node_id(target: Target) -> None:
    """Its own signature under another's name."""
    attempt, victim = Attempt(target), new_identity()
    raw = attempt.hello.raw.decode().replace(attempt.identity.node_id, victim.node_id)
    node = await attempt.send_hello(raw.encode())
    assert await attempt.refused(attempt.proof(node)) == refusal("bad-proof")


@pytest.mark.parametrize("length", [0, 1, 87, 89, 4096])
async def test_proof_of_a_wrong_length(target: Target, length: int) -> None:
    attempt = Attempt(target)
    await attempt.send_hello()
    assert await attempt.refused(random_bytes(length)) == refusal("bad-proof")


async def test_ephemeral_key_of_small_order(target: Target) -> None:
    hello = Attempt(target).hello
    raw = hello.raw.decode().replace(hello.ephemeral_key.hex(), "00" * 32)
    assert await hello_refused(target, raw) == refusal("bad-proof")


async def test_node_s_own_identity(target: Target) -> None:
    """From its own process it is a loop, from any other a clone."""
    node = target.friend.node
    copied = new_identity()
    copied.node_id = node.node_id
    assert await hello_refused(target, good_hello(copied)) == refusal("clone")
    copied.instance = node.instance
    assert await hello_refused(target, good_hello(copied)) == refusal("self")


async def test_hello_of_exactly_the_limit_and_over(target: Target) -> None:
    """Room for fields to come, but bounded."""
    attempt = Attempt(target)
    raw = attempt.hello.raw
    room = MAX_HELLO_BYTES - len(raw) - len(',"more":""')
    most = raw[:-1] + b',"more":"' + b"x" * room + b'"}'
    assert len(most) == MAX_HELLO_BYTES
    attempt.hello = decode_hello(most)
    await attempt.accepted(attempt.proof(await attempt.send_hello()))

    over = most.replace(b"x", b"xx", 1)
    assert await hello_refused(target, over.decode()) == refusal("malformed")


async def test_hello_over_the_frame_limit(target: Target) -> None:
    seen = len(target.node.lines)
    _, code = await hello_refused(target, "x" * (MAX_FRAME_BYTES + 1))
    assert code == refusal("frame-too-large")[1]
    await target.node.logged("refused a link .*frame-too-large", since=seen)


@pytest.mark.parametrize(
    "hello",
    [
        "[" * 1000 + "]" * 1000,
        '{"a":' * 700 + "1" + "}" * 700,
        good_hello()[:-1] + ',"more":' + "[" * 1000 + "]" * 1000 + "}",
        good_hello()[:-1] + ',"version":1}',
        good_hello()[:-1] + ',"nonce":"00"}',
        good_hello()[:-1],
        good_hello().replace('"version":1', '"version":1e0'),
        good_hello().replace('"version":1', '"version":true'),
        good_hello().replace('"limits":{', '"limits":{"frame":1,'),
        "null",
        "",
        "\0",
        "{}",
    ],
    ids=lambda text: f"{text[:12]}…{len(text)}",
)
async def test_hello_that_is_not_one(target: Target, hello: str) -> None:
    assert await hello_refused(target, hello) == refusal("malformed")


async def test_binary_garbage_for_a_hello(target: Target) -> None:
    assert await hello_refused(target, random_bytes(500)) == refusal("protocol-violation")


async def test_text_for_a_proof(target: Target) -> None:
    attempt = Attempt(target)
    await attempt.send_hello()
    await attempt.socket.send_str("proof")
    assert await closing(attempt.socket) == refusal("protocol-violation")


async def test_bytes_that_are_no_websocket(target: Target) -> None:
    """After the upgrade: a reserved bit, and a frame without a mask."""
    for frame in (b"\xf1\x80\0\0\0\0", b"\x81\x05hello"):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.node.ws_port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(frame)
        async with asyncio.timeout(HANDSHAKE_S):
            closed = await reader.read(4096)
        assert closed[:1] == b"\x88"
        writer.close()
        await writer.wait_closed()


async def test_no_upgrade(target: Target) -> None:
    async with target.session.get(target.url) as response:
        assert response.status == 426


async def test_stalled_handshakes_are_bounded_in_number_and_time(target: Target) -> None:
    """Some stall before their hello, some after; who comes meanwhile takes the oldest's place."""
    stalled = [await connect(target.session, target.url) for _ in range(MAX_HANDSHAKES)]
    began = time.monotonic()
    for socket in stalled[: MAX_HANDSHAKES // 2]:
        await socket.send_str(good_hello())
    attempt = Attempt(target)
    await attempt.accepted(attempt.proof(await attempt.send_hello()))
    await target.friend.pong()

    oldest, *others = await asyncio.gather(*(closing(socket) for socket in stalled))
    assert oldest == refusal("busy")
    assert set(others) == {refusal("too-slow")}
    assert time.monotonic() - began < HANDSHAKE_S
