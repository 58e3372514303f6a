"""The sealed channel of one link: key agreement for the handshake, then sealing and opening."""

from edgenode.core.errors import ProtocolError
from edgenode.crypto import EphemeralKey, Opener, SealBroken, Sealer, derive

# What a network's key is used for, as BLAKE2b's personalisation.
SESSION = b"edgenode session"
CONFIRM = b"edgenode confirm"


class Channel:
    """One side of a channel; `agree` and `confirm` are the handshake's, the rest comes after."""

    __slots__ = (
        "_agreed",
        "_ephemeral",
        "_initiator",
        "_network_key",
        "_opener",
        "_receive_key",
        "_sealer",
    )

    def __init__(self, *, initiator: bool, network_key: bytes = b"") -> None:
        """Take the key of the network's secret, b"" where it has none."""
        self._initiator = initiator
        self._network_key = network_key
        self._agreed = (b"", b"")
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
            receive_key, send_key = self._ephemeral.session_keys(
                peer_public_key, initiator=self._initiator
            )
        except SealBroken as error:
            raise ProtocolError("bad-proof", str(error)) from error
        self._ephemeral = None  # forward secrecy: nothing is left to derive the keys from
        if self._network_key:
            self._agreed = (receive_key, send_key)
            receive_key = derive(self._network_key, receive_key, SESSION)
            send_key = derive(self._network_key, send_key, SESSION)
        self._receive_key = receive_key
        self._sealer = Sealer(send_key)
        return self._sealer.header

    def confirm(self, message: bytes, own: bool) -> bytes:
        """Return the MAC by which we (`own`), or the peer, show to know the network's secret."""
        agreed_key = self._agreed[1 if own else 0]
        assert agreed_key
        return derive(self._network_key, agreed_key + message, CONFIRM)

    def begin(self, peer_header: bytes) -> None:
        """Take the header of the peer's stream: from here on frames are sealed."""
        self._agreed = (b"", b"")
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
