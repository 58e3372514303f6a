"""The rows of the records' tables, and how ids, types and data are written in them."""

import json
import sqlite3
from typing import NamedTuple

from edgenode.core.errors import DecodeError
from edgenode.core.records import LOCATION, MAX_UPDATE_BYTES, METADATA, TEMPERATURE
from edgenode.core.strictjson import decode

# What the database calls a type; never changed.
TYPE_CODES = {TEMPERATURE: 0, LOCATION: 1, METADATA: 2}
TYPE_NAMES = {code: name for name, code in TYPE_CODES.items()}
LOCATION_CODE = TYPE_CODES[LOCATION]

# (epoch, seq): orders the batches of one origin
Position = tuple[int, int]

_PREFIX_BYTES = 16

# What is kept has every character that is not ASCII as six.
_MAX_DATA_BYTES = 6 * MAX_UPDATE_BYTES

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class BatchRow(NamedTuple):
    """A signed batch; `origin` a nodeId, `digest` its 16 bytes, `payload` its exact JSON text."""

    origin: str
    epoch: int
    seq: int
    digest: bytes
    timestamp_ms: int
    payload: str
    signature: bytes


class RecordRow(NamedTuple):
    """A record as it stands, and where in its origin's batches; `data` None: withdrawn."""

    block_id: str
    type: str
    origin: str
    epoch: int
    seq: int
    place: int
    timestamp_ms: int
    data: dict[str, object] | None


class OriginRow(NamedTuple):
    """What is known of an origin, all marks 0 at first.

    `head`: its latest signed head, None when there is none or the origin was dropped. `head_*`
    and `batch_*`: the highest seen of either, also after it was dropped. `floor_*`: its batches
    below are dead. `refreshed_ms`: wall clock (ms since 1970) of its latest head, or of when it
    was first seen.
    """

    node_id: str
    head: bytes | None
    head_epoch: int
    head_seq: int
    batch_epoch: int
    batch_seq: int
    floor_epoch: int
    floor_seq: int
    refreshed_ms: int


def block_columns(block_id: str) -> tuple[bytes, bytes]:
    """Return a block id as it is kept: its prefix, which the index has, and the rest."""
    block = bytes.fromhex(block_id)
    return block[:_PREFIX_BYTES], block[_PREFIX_BYTES:]


def data_text(data: dict[str, object] | None) -> str | None:
    """Return a record's data as it is kept."""
    return None if data is None else _dumps(data)


def data_of(text: str | None) -> dict[str, object] | None:
    """Return the data that was kept as `text`; sqlite3.DatabaseError: it is damaged."""
    if text is None:
        return None
    try:
        data = decode(text.encode("utf-8", "replace"), max_bytes=_MAX_DATA_BYTES)
    except DecodeError as error:
        message = f"a record's data is altered: {error}"
        raise sqlite3.DatabaseError(message) from error
    if not isinstance(data, dict):
        message = "a record's data is altered"
        raise sqlite3.DatabaseError(message)
    return data


def type_of(code: int) -> str:
    """Return the type that was kept as `code`; sqlite3.DatabaseError: it is damaged."""
    name = TYPE_NAMES.get(code)
    if name is None:
        message = "a record's type is altered"
        raise sqlite3.DatabaseError(message)
    return name
