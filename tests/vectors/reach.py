"""The vectors of how peers help one another: by dialling back, passing blocks on, introducing."""

from collections.abc import Iterable

from edgenode.core.events import HAVE, WANT, BlockSync
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.meetevents import CALL, CONNECT, DIAL, LACK, MEET, SYNC, Meet
from edgenode.core.message import BLOCK_SYNC, encode_message
from edgenode.core.reachevents import ASK, DIAL_BACK, REACHED, RESULT, DialBack
from edgenode.crypto import SigningKey

TIME_MS = 1_700_000_000_200

# A third node, linked with the responder, who is in the middle.
THIRD_SEED = bytes(range(224, 256))

NONCE = bytes(range(16))
MEET_ID = 7
ADDRESS = "192.0.2.7"
THIRD_ADDRESS = "198.51.100.9"


def reach_frames(ids: dict[str, str], held: str, size: int) -> Iterable[dict[str, str]]:
    """Give the frames in order; `ids`: nodeIds by side, `held`: a block and its `size`."""
    for count, (side, type_, data) in enumerate(_steps(held, size)):
        text = encode_message(type_, data, TIME_MS + count, ids[side])
        yield {"sender": side, "text": text.decode(), "plaintext": encode_frame(text).hex()}


def _steps(held: str, size: int) -> list[tuple[str, str, dict[str, object]]]:
    third = SigningKey(THIRD_SEED).public_key.hex()
    seen = DialBack(RESULT, NONCE, result=REACHED, address=ADDRESS)
    connect = Meet(CONNECT, third, MEET_ID, port=40002, waited_ms=83, address=THIRD_ADDRESS)
    return [
        ("initiator", DIAL_BACK, DialBack(ASK, NONCE, port=4242).to_data()),
        ("responder", DIAL_BACK, seen.to_data()),
        ("initiator", BLOCK_SYNC, BlockSync(WANT, held, 4, through=True).to_data()),
        ("responder", BLOCK_SYNC, BlockSync(HAVE, held, 4, size=size, through=True).to_data()),
        ("initiator", MEET, Meet(CALL, third, MEET_ID).to_data()),
        ("responder", MEET, connect.to_data()),
        ("initiator", MEET, Meet(SYNC, third, MEET_ID, port=40001).to_data()),
        ("responder", MEET, Meet(CALL, third, 8, address=THIRD_ADDRESS).to_data()),
        ("initiator", MEET, Meet(DIAL, third, 8, port=5000).to_data()),
        ("initiator", MEET, Meet(CALL, third, 9, port=5000).to_data()),
        ("responder", MEET, Meet(LACK, third, 9, reason="not-linked").to_data()),
    ]
