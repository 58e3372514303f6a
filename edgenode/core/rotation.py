"""A node's change of its key: a statement that the old key and the new one have both signed."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.signed import check, decode_signed, sign
from edgenode.core.strictjson import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgenode.core.signed import Signed

CONTEXT = "rotation"
MAX_ROTATION_BYTES = 1024  # two ids take 160; the rest is room for fields of later versions

# Statements that a node tells at once: its own latest, and those that it has heard of.
MAX_TOLD = 8

# Keys that one node is followed through: a new one each month for more than two years.
MAX_CHAIN = 32

# Statements that are kept, about 1 kB each; the oldest goes first, and is heard of again when its
# node links again.
MAX_KEPT = 256

NEW = "new"
KNOWN = "known"
CONFLICT = "conflict"


class Rotation:
    """One statement: `old_id` is retired and its node goes on as `new_id`."""

    __slots__ = ("new", "new_id", "old", "old_id")

    def __init__(self, old: "Signed", new: "Signed") -> None:
        self.old = old
        self.new = new
        self.old_id = old.node_id
        self.new_id = new.node_id

    def to_data(self) -> "dict[str, object]":
        """Return the statement as it stands in an event."""
        return {"old": self.old.to_data(), "new": self.new.to_data()}


def rotate(
    network: str,
    old_key: bytes,
    new_key: bytes,
    timestamp_ms: int,
    sign_old: "Callable[[bytes], bytes]",
    sign_new: "Callable[[bytes], bytes]",
) -> Rotation:
    """Return the statement by which the public key `new_key` follows `old_key`."""
    payload = encode({"oldNodeId": old_key.hex(), "newNodeId": new_key.hex()}).decode()
    # One key makes one such statement, so there is nothing to put in order.
    old = sign(CONTEXT, network, old_key, 1, 0, timestamp_ms, payload, sign_old)
    new = sign(CONTEXT, network, new_key, 1, 0, timestamp_ms, payload, sign_new)
    return Rotation(old, new)


def decode_rotation(fields: Fields) -> Rotation:
    """Return the statement in `fields`, unchecked; raises `DecodeError`."""
    return Rotation(
        decode_signed(fields.section("old"), MAX_ROTATION_BYTES),
        decode_signed(fields.section("new"), MAX_ROTATION_BYTES),
    )


def check_rotation(
    rotation: Rotation, network: str, verify_fn: "Callable[[bytes, bytes, bytes], bool]"
) -> None:
    """Check that both keys have signed one and the same statement about one another.

    Raises `ProtocolError("bad-signature")`, and `DecodeError` where they have signed another.
    """
    check(rotation.old, CONTEXT, network, verify_fn)
    check(rotation.new, CONTEXT, network, verify_fn)
    if rotation.old.payload != rotation.new.payload:
        raise ProtocolError("bad-signature", "the two keys have signed different statements")
    payload = rotation.old.payload.encode()
    fields = Fields(decode(payload, max_bytes=MAX_ROTATION_BYTES), "rotation")
    for name, expected in (("oldNodeId", rotation.old_id), ("newNodeId", rotation.new_id)):
        if fields.hex_bytes(name, PUBLIC_KEY_BYTES).hex() != expected:
            raise DecodeError(f"rotation.{name}: not who has signed")
    if rotation.old_id == rotation.new_id:
        raise DecodeError("rotation.newNodeId: the old one")


class Retired:
    """The ids that are retired, each with the statement that says so; those in order of coming."""

    def __init__(self) -> None:
        self._by_old: dict[str, Rotation] = {}
        self._order: list[str] = []

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._by_old

    def keep(self, rotation: Rotation) -> None:
        """Take a statement of this node itself, which no other makes forget."""
        self._by_old[rotation.old_id] = rotation

    def take(self, rotation: Rotation) -> str:
        """Take a statement that was checked: NEW, KNOWN or CONFLICT.

        The first about an id stands: who has stolen a key that was retired cannot lead it
        elsewhere. One whose new id is retired itself, or that leads in a circle, is no other case.
        """
        earlier = self._by_old.get(rotation.old_id)
        if earlier is not None:
            return KNOWN if earlier.new_id == rotation.new_id else CONFLICT
        if rotation.new_id in self._by_old and self.successor(rotation.new_id) == rotation.old_id:
            return CONFLICT
        self._by_old[rotation.old_id] = rotation
        self._order.append(rotation.old_id)
        return NEW

    def oldest_over(self) -> "str | None":
        """Forget the oldest statement where there are more than MAX_KEPT; return its old id."""
        if len(self._order) <= MAX_KEPT:
            return None
        old_id = self._order.pop(0)
        del self._by_old[old_id]
        return old_id

    def successor(self, node_id: str) -> str:
        """Return the id under which a node goes on, its own where it is not retired."""
        for _ in range(MAX_CHAIN):
            rotation = self._by_old.get(node_id)
            if rotation is None:
                break
            node_id = rotation.new_id
        return node_id

    def told(self, own: "list[Rotation]") -> "list[Rotation]":
        """Return what is to be told: the latest of one's `own`, then the latest of others."""
        mine = [rotation.old_id for rotation in own]
        others = [old_id for old_id in self._order if old_id not in mine]
        chosen = list(reversed(own)) + [self._by_old[old_id] for old_id in reversed(others)]
        return chosen[:MAX_TOLD]


class Rotations:
    """`node:rotation`: statements that a peer tells, unchecked."""

    __slots__ = ("rotations",)

    def __init__(self, rotations: "list[Rotation]") -> None:
        self.rotations = rotations

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        return {"rotations": [rotation.to_data() for rotation in self.rotations]}


def decode_rotations(data: Fields) -> Rotations:
    """Return the statements in `data`; raises `DecodeError`."""
    return Rotations([decode_rotation(item) for item in data.items("rotations", MAX_TOLD)])
