"""Membership of a closed network: by a list of nodeIds, or by what a fleet's key has signed."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.message import MAX_TIMESTAMP_MS
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.signed import Signed, check, decode_signed, sign
from edgenode.core.strictjson import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTEXT = "membership"
NOT_A_MEMBER = "not-a-member"

# A membership has about 400 bytes; in a hello, with everything else there, 4,096 are the bound.
MAX_MEMBERSHIP_BYTES = 2048
MAX_PAYLOAD_BYTES = 512

# A fleet's key is used offline, on whatever machine: it counts no starts, and two memberships of
# one node are both good until they end.
EPOCH = 1
SEQ = 0


class Membership:
    """What a fleet's key says: `node_id` belongs, until `not_after_ms` (None: without an end)."""

    __slots__ = ("node_id", "not_after_ms")

    def __init__(self, node_id: str, not_after_ms: "int | None") -> None:
        self.node_id = node_id
        self.not_after_ms = not_after_ms


def sign_membership(
    membership: Membership,
    network: str,
    operator_key: bytes,
    timestamp_ms: int,
    sign_fn: "Callable[[bytes], bytes]",
) -> Signed:
    """Return the membership as the fleet's key (public: `operator_key`, 32 bytes) signs it.

    `timestamp_ms` and `not_after_ms` are Unix time.
    """
    payload = {"nodeId": membership.node_id}  # type: dict[str, object]
    if membership.not_after_ms is not None:
        payload["notAfter"] = membership.not_after_ms
    text = encode(payload).decode()
    return sign(CONTEXT, network, operator_key, EPOCH, SEQ, timestamp_ms, text, sign_fn)


def decode_membership(signed: Signed) -> Membership:
    """Return what the payload says, to be read once its signature has been checked.

    Raises `DecodeError`.
    """
    payload = signed.payload.encode()
    fields = Fields(decode(payload, max_bytes=MAX_PAYLOAD_BYTES), "membership")
    return Membership(
        fields.hex_bytes("nodeId", PUBLIC_KEY_BYTES).hex(),
        fields.integer("notAfter", 0, MAX_TIMESTAMP_MS, None),
    )


def encode_text(signed: Signed) -> bytes:
    """Return the text of a membership, as it is kept in a file."""
    return encode(signed.to_data())


def decode_text(data: bytes) -> Signed:
    """Return the membership in the text of a file, unchecked; raises `DecodeError`."""
    return decode_signed(Fields(decode(data, max_bytes=MAX_MEMBERSHIP_BYTES), "membership"))


class Members:
    """Who belongs to a closed network.

    A membership ends by the clock only where there is a clock to trust: a machine that has none
    after a start takes it for good, or it would be alone in the network until its clock is set.
    """

    __slots__ = ("_ids", "_network", "_now_ms", "_operators", "_verify")

    def __init__(
        self,
        network: str,
        ids: "Sequence[str]",
        operators: "Sequence[str]",
        verify: "Callable[[bytes, bytes, bytes], bool]",
        trusted_now_ms: "Callable[[], int | None]",
    ) -> None:
        """Take the nodeIds that belong, and the public keys (hex) whose memberships count.

        `verify(public key, message, signature)`; `trusted_now_ms()` gives Unix time, None while
        the clock is not known to be right.
        """
        self._network = network
        self._ids = frozenset(ids)
        self._operators = frozenset(operators)
        self._verify = verify
        self._now_ms = trusted_now_ms

    def lists(self, node_id: str) -> bool:
        """Tell whether the node belongs by its id alone."""
        return node_id in self._ids

    def check(self, node_id: str, membership: "Signed | None") -> None:
        """Return if the node belongs; raises `ProtocolError("not-a-member")` saying why not.

        That `node_id` is who speaks is proved elsewhere: by the proof of the handshake.
        """
        if node_id in self._ids:
            return
        if membership is None or not self._operators:
            raise ProtocolError(NOT_A_MEMBER, "the node is not a member of this network")
        if membership.node_id not in self._operators:
            raise ProtocolError(NOT_A_MEMBER, "its membership is signed by a key unknown here")
        try:
            check(membership, CONTEXT, self._network, self._verify)
            granted = decode_membership(membership)
        except (DecodeError, ProtocolError):
            raise ProtocolError(NOT_A_MEMBER, "its membership is not genuine") from None
        if granted.node_id != node_id:
            raise ProtocolError(NOT_A_MEMBER, "its membership is that of another node")
        if granted.not_after_ms is not None:
            now_ms = self._now_ms()
            if now_ms is not None and now_ms > granted.not_after_ms:
                raise ProtocolError(NOT_A_MEMBER, "its membership has ended")
