"""Updates, signed messages and stand-ins for cryptography; runs under MicroPython."""

from hashlib import sha256

from edgenode.core.inbound import decode_frame
from edgenode.core.message import encode_message
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.signed import Signed, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK = "main"
KEY = bytes(range(32))
ORIGIN = KEY.hex()
OTHER = "0b" * 32
PEER = "0a" * 32
BLOCK_ID = "0f" * 64


def hash16(data: bytes) -> bytes:
    """Stand in for BLAKE2b, which MicroPython lacks."""
    return sha256(data).digest()[:16]


def numbered(number: int) -> bytes:
    """Give a digest of its own for each number."""
    return hash16(str(number).encode())


def fake_signature(public_key: bytes, message: bytes) -> bytes:
    """Give 64 bytes that depend on all of both."""
    half = sha256(public_key + message).digest()
    return half + sha256(half).digest()


def signer(public_key: bytes = KEY) -> "Callable[[bytes], bytes]":
    """Give the function that signs for a key."""
    return lambda message: fake_signature(public_key, message)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `fake_signature` made this."""
    return signature == fake_signature(public_key, message)


def signed(payload: str, context: str = "batch", epoch: int = 3, seq: int = 7) -> Signed:
    """Give a message that KEY signed."""
    return sign(context, NETWORK, KEY, epoch, seq, 1700000000123, payload, signer())


def temperature(number: int = 0, class_: str = "HOT") -> Update:
    """Give an update of a block of its own for each number."""
    return Update(TEMPERATURE, f"{number:0128x}", {"class": class_})


def event(type_: str, data: "dict[str, object]") -> bytes:
    """Give the plaintext of a frame of PEER with this event."""
    return b"\x01" + encode_message(type_, data, 0, PEER)


def received(type_: str, data: "dict[str, object]") -> object:
    """Give what this event of PEER is read as."""
    return decode_frame(event(type_, data), PEER)
