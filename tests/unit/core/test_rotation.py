"""Statements that retire a key: signed by both, about one another, the first one stands."""

from edgenode.core import rotation
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.rotation import (
    CONFLICT,
    CONTEXT,
    KNOWN,
    MAX_TOLD,
    NEW,
    Retired,
    Rotation,
    check_rotation,
    decode_rotation,
    rotate,
)
from edgenode.core.signed import Signed, sign
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import NETWORK, signer, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def made(old: int, new: int) -> Rotation:
    return rotate(NETWORK, key(old), key(new), 7, signer(key(old)), signer(key(new)))


def statement(number: int, payload: str, context: str = CONTEXT, network: str = NETWORK) -> Signed:
    return sign(context, network, key(number), 1, 0, 7, payload, signer(key(number)))


def test_a_statement() -> None:
    text = encode(made(1, 2).to_data())
    assert len(text) < 1200
    again = decode_rotation(Fields(decode(text, max_bytes=2000), "r"))
    check_rotation(again, NETWORK, verify)
    assert (again.old_id, again.new_id) == (key(1).hex(), key(2).hex())
    assert again.to_data() == made(1, 2).to_data()


def test_both_must_sign_the_same() -> None:
    good = made(1, 2)
    other = made(1, 3)
    text = good.old.payload
    forged = Signed(key(1).hex(), 1, 0, 7, text, bytes(64))
    for old, new in (
        (forged, good.new),
        (good.old, Signed(key(2).hex(), 1, 0, 7, text, good.old.signature)),
        (good.old, other.new),
        (good.old, made(2, 3).old),
        (good.old, made(4, 2).new),
        (statement(1, text, "head"), good.new),
        (good.old, statement(2, text, "batch")),
        (statement(1, text, network="other"), good.new),
    ):
        error = raises(ProtocolError, check_rotation, Rotation(old, new), NETWORK, verify)
        assert error.code == "bad-signature"


def test_they_speak_of_one_another() -> None:
    for payload in (made(1, 3).old.payload, made(3, 2).old.payload, "{}", "[]", "x"):
        both = Rotation(statement(1, payload), statement(2, payload))
        raises(DecodeError, check_rotation, both, NETWORK, verify)
    # The two sides changed: the new key retires nobody.
    swapped = Rotation(made(1, 2).new, made(1, 2).old)
    raises(DecodeError, check_rotation, swapped, NETWORK, verify)
    same = encode({"oldNodeId": key(1).hex(), "newNodeId": key(1).hex()}).decode()
    raises(
        DecodeError,
        check_rotation,
        Rotation(statement(1, same), statement(1, same)),
        NETWORK,
        verify,
    )


def test_every_byte_counts() -> None:
    good = made(1, 2)
    for part in ("old", "new"):
        for field in ("timestamp", "epoch", "seq", "payload", "nodeId", "signature"):
            data: Any = good.to_data()
            value = data[part][field]
            if field == "payload":
                data[part][field] = value + " "
            elif isinstance(value, str):
                data[part][field] = ("0" if value[0] != "0" else "1") + value[1:]
            else:
                data[part][field] = value + 1
            changed = decode_rotation(Fields(data, "r"))
            raises(ProtocolError, check_rotation, changed, NETWORK, verify)


def test_malformed() -> None:
    data: Any = made(1, 2).to_data()
    for name in ("old", "new"):
        less = dict(data)
        del less[name]
        raises(DecodeError, decode_rotation, Fields(less, "r"))
    data["old"]["payload"] = "x" * 1025
    raises(DecodeError, decode_rotation, Fields(data, "r"))


def test_the_first_stands() -> None:
    retired = Retired()
    assert retired.take(made(1, 2)) == NEW
    assert retired.take(made(1, 2)) == KNOWN
    assert retired.take(made(1, 3)) == CONFLICT
    assert key(1).hex() in retired
    assert key(2).hex() not in retired
    assert retired.successor(key(1).hex()) == key(2).hex()
    assert retired.successor(key(9).hex()) == key(9).hex()


def test_chains_are_followed_and_circles_refused() -> None:
    retired = Retired()
    for number in range(1, 6):
        assert retired.take(made(number, number + 1)) == NEW
    assert retired.successor(key(1).hex()) == key(6).hex()
    assert retired.take(made(6, 1)) == CONFLICT
    assert retired.take(made(6, 3)) == CONFLICT
    assert retired.successor(key(1).hex()) == key(6).hex()


def test_it_is_bounded_and_the_oldest_goes() -> None:
    retired = Retired()
    most, rotation.MAX_KEPT = rotation.MAX_KEPT, 4  # or it is too much for a small heap
    try:
        for number in range(1, 5):
            retired.take(made(number, number + 10_000))
            assert retired.oldest_over() is None
        retired.take(made(9_999, 1_000_000))
        assert retired.oldest_over() == key(1).hex()
        assert retired.oldest_over() is None
    finally:
        rotation.MAX_KEPT = most
    assert len(retired) == 4
    assert key(1).hex() not in retired


def test_what_is_told() -> None:
    retired = Retired()
    own = [made(1, 2), made(2, 3)]
    for statement_ in own:
        retired.take(statement_)
    for number in range(10, 20):
        retired.take(made(number, number + 100))
    told = [item.old_id for item in retired.told(own)]
    assert told == [key(number).hex() for number in (2, 1, 19, 18, 17, 16, 15, 14)]
    assert len(told) == MAX_TOLD
