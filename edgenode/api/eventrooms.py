"""Rooms of live events: a viewer is in some, an event is in some; where they meet, it is sent.

A room is a text: `all`, `type:` and an event type, `block:` and a block id, `peer:` and the nodeId
that an event came from, `region:` and the region of that node.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_REGION_CHARS
from edgenode.core.ids import BLOCK_ID_LENGTH, NODE_ID_LENGTH, is_block_id
from edgenode.core.message import MAX_TYPE_CHARS

ALL = "all"
"""The room that every event is in, and every viewer who has not said which he wants."""

MAX_ROOMS = 64
"""Of one viewer: some blocks that somebody waits for; each event is looked up in at most five."""

MAX_ROOM_CHARS = len("block:") + BLOCK_ID_LENGTH

_HEX = "0123456789abcdef"


def check_room(room: str) -> str:
    """Return `room`; raises DecodeError for what names none."""
    kind, _, name = room.partition(":")
    if room == ALL:
        return room
    fits = {
        "type": 0 < len(name) <= MAX_TYPE_CHARS,
        "block": is_block_id(name),
        "peer": len(name) == NODE_ID_LENGTH and not name.strip(_HEX),
        "region": 0 < len(name) <= MAX_REGION_CHARS,
    }
    if not fits.get(kind, False):
        raise DecodeError("room: all, type:EVENT, block:BLOCKID, peer:NODEID or region:NAME")
    return room


def checked_rooms(rooms: Iterable[str]) -> frozenset[str]:
    """Return the rooms; raises DecodeError for one that is none, and for too many."""
    checked = frozenset(check_room(room) for room in rooms)
    if len(checked) > MAX_ROOMS:
        raise DecodeError(f"rooms: at most {MAX_ROOMS} at once")
    return checked


def rooms_of(type_: str, data: Mapping[str, Any], sender: str, region: str) -> frozenset[str]:
    """Return the rooms that an event is in; `region` is that of the sender, "" if not known."""
    rooms = {ALL, f"type:{type_}", f"peer:{sender}"}
    block_id = data.get("blockId")
    if isinstance(block_id, str):
        rooms.add(f"block:{block_id}")
    if region:
        rooms.add(f"region:{region}")
    return frozenset(rooms)
