"""The sealed channel of one link: key agreement for the handshake, then sealing and opening."""

from edgenode.core.errors import ProtocolError
from edgenode.crypto import EphemeralKey, Opener, SealBroken, Sealer


class Channel:
    """One side of a channel; `agree` is the handshake's, the rest comes after `begin`."""

    __slots__ = ("_ephemeral", "_initiator", "_opener", "_receive_key", "_sealer")

    def __init__(self, *, initiator: bool) -> None:
        self._initiator = initiator
        self._ephemeral: EphemeralKey | None = EphemeralKey()
        self._receive_key = b""
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None

    @property
    def public_key(self) -> bytes:
        """The ephemeral key for our hello."""
        assert self._ephemeral is not None
        return self._ephemeral.public_key

    def agree(self, peer_public_key: bytes) -> bytes:
        """Derive the session keys; return the header of our sending stream."""
        assert self._ephemeral is not None
        try:
            self._receive_key, send_key = self._ephemeral.session_keys(
                peer_public_key, initiator=self._initiator
            )
        except SealBroken as error:
            raise ProtocolError("bad-proof", str(error)) from error
        self._ephemeral = None  # forward secrecy: nothing is left to derive the keys from
        self._sealer = Sealer(send_key)
        return self._sealer.header

    def begin(self, peer_header: bytes) -> None:
        """Take the header of the peer's stream: from here on frames are sealed."""
        self._opener = Opener(self._receive_key, peer_header)
        self._receive_key = b""

    def seal(self, plaintext: bytes, *, final: bool = False) -> bytes:
        """Return the next frame to send."""
        assert self._sealer is not None
        return self._sealer.seal(plaintext, final=final)

    def open(self, frame: bytes) -> tuple[bytes, bool]:
        """Return (plaintext, whether the peer ends here); raises `ProtocolError`."""
        assert self._opener is not None
        try:
            return self._opener.open(frame)
        except SealBroken as error:
            raise ProtocolError("bad-seal", str(error)) from error
