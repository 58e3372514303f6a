"""The data of the events about being reached."""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.frame import encode_message
from edgenode.core.inbound import decode_frame
from edgenode.core.message import encode_message as encode_text
from edgenode.core.reachevents import (
    ASK,
    DIAL_BACK,
    REACHED,
    RESULT,
    DialBack,
    decode_dial_back,
)
from tests.unit.core.helpers import raises

NONCE = b"\x0f" * 16
PEER = "0a" * 32


def asking() -> "dict[str, object]":
    return DialBack(ASK, NONCE, port=4243).to_data()


def telling() -> "dict[str, object]":
    return DialBack(RESULT, NONCE, result=REACHED, address="5.6.7.8").to_data()


def changed(data: "dict[str, object]", name: str, value: object) -> Fields:
    copy = dict(data)
    copy[name] = value
    return Fields(copy, "message.data")


def refused(data: "dict[str, object]", name: str, values: "tuple[object, ...]") -> None:
    for value in values:
        error = raises(DecodeError, decode_dial_back, changed(data, name, value))
        assert str(error).startswith("message.data." + name), (name, value)


def test_asking() -> None:
    assert sorted(asking()) == ["nonce", "op", "port"]
    step = decode_dial_back(Fields(asking(), "message.data"))
    assert step is not None
    assert (step.op, step.nonce, step.port) == (ASK, NONCE, 4243)
    for port in (1, 65535):
        read = decode_dial_back(changed(asking(), "port", port))
        assert read is not None
        assert read.port == port
    refused(asking(), "port", (None, 0, 65536, -1, "4243", True, 1.0))
    refused(asking(), "nonce", (None, "", "0f" * 15, "0f" * 17, "0F" * 16, "0g" * 16, 7))
    refused(asking(), "op", (None, 7, "o" * 33))


def test_telling() -> None:
    assert sorted(telling()) == ["address", "nonce", "op", "result"]
    step = decode_dial_back(Fields(telling(), "message.data"))
    assert step is not None
    assert (step.op, step.nonce) == (RESULT, NONCE)
    assert (step.result, step.address) == (REACHED, "5.6.7.8")
    for address in ("2a01:4f8::1", "10.0.0.1", "255.255.255.255"):
        read = decode_dial_back(changed(telling(), "address", address))
        assert read is not None
        assert read.address == address
    later = decode_dial_back(changed(telling(), "result", "a later word"))
    assert later is not None
    assert later.result == "a later word"
    refused(telling(), "result", (None, 7, "r" * 33))
    refused(telling(), "address", (None, 7, "", "node.example", "5.6.7", "fe80::1%eth0", "1" * 46))


def test_what_a_later_version_says_is_ignored() -> None:
    assert decode_dial_back(changed(asking(), "op", "later")) is None
    assert decode_dial_back(Fields({"op": "later", "nonce": 7}, "message.data")) is None
    assert decode_dial_back(changed(asking(), "later", 1)) is not None


def test_as_a_frame() -> None:
    frame = encode_message(encode_text(DIAL_BACK, asking(), 0, PEER))
    step = decode_frame(frame, PEER)
    assert isinstance(step, DialBack)
    assert step.port == 4243
