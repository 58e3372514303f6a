"""Running the handshake of `core.handshake` over a WebSocket, with real keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import WSMsgType

from edgenode.core.errors import ProtocolError
from edgenode.core.handshake import Initiator, Responder, Secrets
from edgenode.core.hello import INSTANCE_BYTES, NONCE_BYTES, Hello
from edgenode.core.signed import Signed
from edgenode.crypto import random_bytes, verify
from edgenode.link.channel import Channel
from edgenode.link.socket import Socket, receive_frame

# Three messages over a slow line, and a Pi that is busy; attackers hold a place no longer.
HANDSHAKE_TIMEOUT_S = 5.0


class LocalIdentity:
    """Who this process is on every link: the node, its network, and the process itself."""

    __slots__ = ("_admit", "_membership", "_network_key", "instance", "network", "node_id", "sign")

    def __init__(
        self,
        network: str,
        public_key: bytes,
        sign: Callable[[bytes], bytes],
        *,
        network_key: bytes = b"",
        membership: Signed | None = None,
        admit: Callable[[Hello], None] | None = None,
    ) -> None:
        """Take what concerns a closed network last.

        `network_key` is that of its secret, `membership` our own; `admit(hello)` raises
        `ProtocolError` for who does not belong to it.
        """
        self.network = network
        self.node_id = public_key.hex()
        self.sign = sign
        self.instance = random_bytes(INSTANCE_BYTES)
        self._network_key = network_key
        self._membership = membership
        self._admit = admit

    def channel(self, *, initiator: bool) -> Channel:
        """Return a fresh channel for one handshake."""
        return Channel(initiator=initiator, network_key=self._network_key)

    def secrets(self, channel: Channel) -> Secrets:
        """Return what the handshake over `channel` needs."""
        confirm = channel.confirm if self._network_key else None
        return Secrets(self.sign, verify, channel.agree, confirm, self._admit)

    def hello(self, expected_node_id: str, channel: Channel) -> Hello:
        """Return a fresh hello for one handshake."""
        return Hello(
            network=self.network,
            node_id=self.node_id,
            expected_node_id=expected_node_id,
            nonce=random_bytes(NONCE_BYTES),
            ephemeral_key=channel.public_key,
            instance=self.instance,
            membership=self._membership,
        )


async def initiate(
    socket: Socket, identity: LocalIdentity, expected_node_id: str
) -> tuple[Hello, Channel]:
    """Handshake as the dialling side; return the peer's hello and the sealed channel.

    Raises `ProtocolError`, `DecodeError`, `SocketClosed`.
    """
    channel = identity.channel(initiator=True)
    own = identity.hello(expected_node_id, channel)
    initiator = Initiator(own, identity.secrets(channel))
    async with _deadline():
        await socket.send_str(own.raw.decode())
        initiator.on_hello(await receive_frame(socket, WSMsgType.TEXT))
        proof, header = initiator.on_proof(await receive_frame(socket, WSMsgType.BINARY))
        channel.begin(header)
        await socket.send_bytes(proof)
    assert initiator.peer is not None
    return initiator.peer, channel


async def respond(socket: Socket, identity: LocalIdentity) -> tuple[Hello, Channel]:
    """Handshake as the accepting side; as `initiate`."""
    channel = identity.channel(initiator=False)
    responder = Responder(
        lambda peer_id: identity.hello(peer_id, channel), identity.secrets(channel)
    )
    async with _deadline():
        hello, proof = responder.on_hello(await receive_frame(socket, WSMsgType.TEXT))
        await socket.send_str(hello.decode())
        await socket.send_bytes(proof)
        channel.begin(responder.on_proof(await receive_frame(socket, WSMsgType.BINARY)))
    assert responder.peer is not None
    return responder.peer, channel


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            yield
    except TimeoutError as error:
        raise ProtocolError("too-slow", "the handshake took too long") from error
