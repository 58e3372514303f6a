"""Records: what an origin says of a block, one for each (blockId, type, origin).

Only its origin writes a record; of two of the same key the newer one stands, by the order that
the origin's own numbers give. No clock takes part.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_SIZE
from edgenode.core.fields import Fields
from edgenode.core.message import MAX_TIMESTAMP_MS
from edgenode.core.strictjson import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


TEMPERATURE = "TEMPERATURE"
LOCATION = "LOCATION"
METADATA = "METADATA"
TYPES = (TEMPERATURE, LOCATION, METADATA)
MAX_TYPE_CHARS = 32

# How hot a block is, coldest to hottest.
TEMPERATURES = ("FROZEN", "COLD", "COOL", "WARM", "HOT", "VIRAL")

# The canonical JSON of one update. Eight of this size fit into a batch; one that holds a class or
# a size has less than 200 bytes.
MAX_UPDATE_BYTES = 4096

MAX_DURABILITY_CHARS = 32
MAX_USER_KEYS = 16
MAX_USER_KEY_CHARS = 32
MAX_USER_VALUE_CHARS = 256


class Update:
    """One change of a record; `data` None is a tombstone: the origin withdraws the record.

    `data` is as `decode_update` gives it: TEMPERATURE {"class"}; LOCATION {"size"}; METADATA any
    of {"size", "createdAt", "expiresAt", "durabilityLevel", "user"}, times in ms since 1970.
    """

    __slots__ = ("block_id", "data", "type")

    def __init__(self, type_: str, block_id: str, data: "dict[str, object] | None") -> None:
        self.type = type_
        self.block_id = block_id
        self.data = data

    def to_data(self) -> "dict[str, object]":
        """Return the update as it stands in a batch."""
        return {"type": self.type, "blockId": self.block_id, "data": self.data}


def decode_update(fields: Fields) -> "Update | None":
    """Return the update in `fields`, None where its type is one of a later version.

    Raises `DecodeError`, also for more than MAX_UPDATE_BYTES, written as `strictjson.encode` does.
    """
    type_ = fields.text("type", MAX_TYPE_CHARS)
    if type_ not in TYPES:
        return None
    block_id = fields.block_id("blockId")
    data = fields.optional_section("data")
    if data is None:
        return Update(type_, block_id, None)
    update = Update(type_, block_id, decode_data(type_, data))
    # The other types have nothing in them that could be long.
    if type_ == METADATA and len(encode(update.to_data())) > MAX_UPDATE_BYTES:
        raise DecodeError(f"an update of more than {MAX_UPDATE_BYTES} bytes for " + block_id)
    return update


def decode_data(type_: str, data: Fields) -> "dict[str, object]":
    """Return the known fields of a record's data, checked; raises `DecodeError`.

    `type_` is one of TYPES. A field that is absent or null is not in what is returned.
    """
    if type_ == TEMPERATURE:
        return {"class": data.one_of("class", TEMPERATURES)}
    if type_ == LOCATION:
        return {"size": data.integer("size", 1, MAX_SIZE)}
    known: dict[str, object] = {}
    for name, low, high in (
        ("size", 1, MAX_SIZE),
        ("createdAt", 0, MAX_TIMESTAMP_MS),
        ("expiresAt", 0, MAX_TIMESTAMP_MS),
    ):
        number = data.integer(name, low, high, default=None)
        if number is not None:
            known[name] = number
    level = data.text("durabilityLevel", MAX_DURABILITY_CHARS, default=None)
    if level is not None:
        known["durabilityLevel"] = level
    user = data.text_map("user", MAX_USER_KEYS, MAX_USER_KEY_CHARS, MAX_USER_VALUE_CHARS)
    if user:
        known["user"] = user
    return known


def hottest(classes: "Iterable[str]") -> "str | None":
    """Return the hottest of the temperatures that origins tell of a block, None for none."""
    return max(classes, key=TEMPERATURES.index, default=None)


def merged(metadata: "Iterable[dict[str, object]]") -> "dict[str, object]":
    """Return one view of what several origins say of a block: the data of their METADATA.

    Of each field, and of each of the user's keys, the first that is given counts: the caller puts
    first whom it trusts most. No origin can take away what one before it says.
    """
    view: dict[str, object] = {}
    user: dict[str, object] = {}
    for data in metadata:
        for name in data:
            value = data[name]
            if isinstance(value, dict):
                for key in value:
                    user.setdefault(key, value[key])
            else:
                view.setdefault(name, value)
    if user:
        view["user"] = user
    return view
