"""Changed bytes of the events that carry records."""

from edgenode.core.batch import encode_batch
from edgenode.core.errors import EdgenodeError, ProtocolError
from edgenode.core.inbound import decode_frame
from edgenode.core.syncevents import Batches, NodeStatus, OriginStatus
from edgenode.core.triesync import NodeList
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import ORIGIN, OTHER, PEER, event, signed, temperature

SOUND = (
    event(
        "block:temperature", Batches("", [signed(encode_batch("b", 0, [temperature()]))]).to_data()
    ),
    event("node:status", NodeStatus([OriginStatus(OTHER, None, bytes(16), 0)], True).to_data()),
    event("metadata:sync", NodeList(ORIGIN, "", [(1, 2, bytes(16))]).to_data()),
)


def outcome(plaintext: bytes) -> str:
    """Give what comes of a frame; anything but a record or an error of ours passes through."""
    try:
        return type(decode_frame(plaintext, PEER)).__name__
    except EdgenodeError as error:
        return error.code


def test_records_of_another_sender() -> None:
    for plaintext in SOUND:
        error = raises(ProtocolError, decode_frame, plaintext, OTHER)
        assert error.code == "protocol-violation"


def test_changed_bytes_never_raise_anything_else() -> None:
    outcomes = set()
    for plaintext in SOUND:
        for place in range(len(plaintext)):
            for change in (1, 0x20, 0x80):
                changed = bytearray(plaintext)
                changed[place] ^= change
                outcomes.add(outcome(bytes(changed)))
            outcomes.add(outcome(plaintext[:place]))
    assert {"malformed", "protocol-violation", "NoneType", "Batches"} <= outcomes
    assert {"NodeStatus", "NodeList"} <= outcomes
