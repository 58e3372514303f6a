"""The test vectors of the protocol, with libsodium: the code gives and takes every one."""

import json
from typing import Any

import pytest

from edgenode.core.errors import EdgenodeError
from edgenode.core.handshake import Initiator, Responder, Secrets
from edgenode.core.hello import Hello, decode_hello
from edgenode.core.ids import is_block_id, is_node_id
from edgenode.crypto import EphemeralKey, Opener, SealBroken, SigningKey, new_block_hasher, verify
from tests.vectors import make

VECTORS: Any = json.loads(make.PATH.read_text())
OTHER = {"initiator": "responder", "responder": "initiator"}


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def test_the_file_is_what_the_script_makes() -> None:
    assert make.build() == VECTORS


def test_blocks() -> None:
    for block in VECTORS["blocks"]:
        data = unhex(block["bytes"]) if "bytes" in block else bytes(range(256)) * block["times"]
        hasher = new_block_hasher()
        hasher.update(data)
        assert hasher.hexdigest() == block["blockId"]
        assert is_block_id(block["blockId"])


@pytest.mark.parametrize("side", make.SIDES)
def test_keys_and_signatures(side: str) -> None:
    node, proof = VECTORS["nodes"][side], VECTORS["handshake"][side]
    key = SigningKey(unhex(node["seed"]))
    assert key.public_key.hex() == node["nodeId"]
    assert is_node_id(node["nodeId"])
    signed = unhex(proof["signedBytes"])
    assert key.sign(signed).hex() == proof["signature"]
    assert verify(key.public_key, signed, unhex(proof["signature"]))
    assert proof["proof"] == proof["signature"] + proof["streamHeader"]


def secrets(side: str) -> tuple[Secrets, dict[str, bytes]]:
    """Give real secrets, whose stream has the recorded header, and the session keys they make."""
    keys: dict[str, bytes] = {}
    ephemeral = EphemeralKey(make.EPHEMERAL_SEEDS[side])

    def agree(peer_key: bytes) -> bytes:
        receive, send = ephemeral.session_keys(peer_key, initiator=side == "initiator")
        keys[side + "Sends"], keys[OTHER[side] + "Sends"] = send, receive
        return unhex(VECTORS["handshake"][side]["streamHeader"])

    signing = SigningKey(unhex(VECTORS["nodes"][side]["seed"]))
    return Secrets(signing.sign, verify, agree), keys


def recorded_hello(side: str) -> Hello:
    return decode_hello(VECTORS["hello"][side].encode())


def test_handshake_and_session_keys() -> None:
    of_initiator, initiator_keys = secrets("initiator")
    of_responder, responder_keys = secrets("responder")
    initiator = Initiator(recorded_hello("initiator"), of_initiator)
    responder = Responder(lambda _: recorded_hello("responder"), of_responder)
    hello, proof = responder.on_hello(VECTORS["hello"]["initiator"].encode())
    assert proof.hex() == VECTORS["handshake"]["responder"]["proof"]
    initiator.on_hello(hello)
    answer, _ = initiator.on_proof(proof)
    assert answer.hex() == VECTORS["handshake"]["initiator"]["proof"]
    responder.on_proof(answer)
    expected = {name: unhex(key) for name, key in VECTORS["sessionKeys"].items()}
    assert initiator_keys == responder_keys == expected


def opener(side: str) -> Opener:
    """Give what opens the frames that `side` sends."""
    header = unhex(VECTORS["handshake"][side]["streamHeader"])
    return Opener(unhex(VECTORS["sessionKeys"][side + "Sends"]), header)


def test_every_frame_opens_in_order() -> None:
    openers = {side: opener(side) for side in make.SIDES}
    for frame in VECTORS["frames"]:
        plaintext, final = openers[frame["sender"]].open(unhex(frame["sealed"]))
        assert plaintext.hex() == frame["plaintext"]
        assert final == (frame["kind"] == "end")


def test_no_frame_opens_out_of_its_place() -> None:
    frames = [frame for frame in VECTORS["frames"] if frame["sender"] == "initiator"]
    for frame in frames[1:]:
        with pytest.raises(SealBroken):
            opener("initiator").open(unhex(frame["sealed"]))
    with pytest.raises(SealBroken):
        opener("responder").open(unhex(frames[0]["sealed"]))


def test_refused_hellos() -> None:
    for case in VECTORS["refusedHellos"]:
        of_responder, keys = secrets("responder")
        responder = Responder(lambda _: recorded_hello("responder"), of_responder)
        with pytest.raises(EdgenodeError) as caught:
            responder.on_hello(case["text"].encode())
        assert caught.value.code == case["reason"], case["name"]
        assert not keys
