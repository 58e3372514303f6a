"""The test vectors of the protocol, with libsodium: the code gives and takes every one."""

import json
from hashlib import blake2b
from typing import Any

import pytest

from edgenode.core.errors import EdgenodeError
from edgenode.core.fields import Fields
from edgenode.core.handshake import Initiator, Responder, Secrets
from edgenode.core.hello import Hello, decode_hello
from edgenode.core.ids import is_block_id
from edgenode.core.inbound import decode_frame
from edgenode.core.pae import session_bytes
from edgenode.core.request import open_request, read_signed
from edgenode.core.rotation import Rotations, check_rotation
from edgenode.core.signed import Signed, check, decode_signed, digest, sign
from edgenode.core.strictjson import decode
from edgenode.core.trie import Trie
from edgenode.crypto import (
    EphemeralKey,
    Opener,
    SealBroken,
    SigningKey,
    digest16,
    network_key,
    new_block_hasher,
    verify,
)
from edgenode.link.channel import Channel
from tests.vectors import make
from tests.vectors.advertisements import THIRD_SEED

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


def test_a_closed_network() -> None:
    """The same handshake, in a network with a secret, by the channel that a link has."""
    closed = VECTORS["closed"]
    key = network_key(closed["secret"])
    assert key.hex() == closed["networkKey"]
    channels = {}
    for side in make.SIDES:
        channel = Channel(initiator=side == "initiator", network_key=key)
        channel._ephemeral = EphemeralKey(make.EPHEMERAL_SEEDS[side])
        channel.agree(unhex(VECTORS["ephemeral"][OTHER[side]]["publicKey"]))
        channels[side] = channel
    for side in make.SIDES:
        plain = VECTORS["handshake"][side]
        bound = unhex(plain["signedBytes"]) + unhex(plain["proof"])
        confirmation = channels[side].confirm(bound, True)
        assert confirmation == channels[OTHER[side]].confirm(bound, False)
        assert confirmation.hex() == closed[side]["confirmation"]
        assert closed[side]["proof"] == plain["proof"] + closed[side]["confirmation"]
        sends = closed["sessionKeys"][f"{side}Sends"]
        assert channels[OTHER[side]]._receive_key.hex() == sends
        sealer = channels[side]._sealer
        assert sealer is not None
        assert Opener(unhex(sends), sealer.header).open(sealer.seal(b"x")) == (b"x", False)
    for message in closed["memberships"]:
        signed = decode_signed(Fields(message, "membership"))
        check(signed, "membership", VECTORS["network"], verify)


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


def signed_message(text: str) -> Signed:
    return decode_signed(Fields(decode(text.encode(), max_bytes=100_000), "message"))


def checked(text: str, context: str) -> bytes:
    signed = signed_message(text)
    check(signed, context, VECTORS["network"], verify)
    return digest(signed, context, VECTORS["network"], digest16)


@pytest.mark.parametrize(
    ("key", "context"),
    [("batches", "batch"), ("heads", "head"), ("advertisements", "advertisement")],
)
def test_signed_messages(key: str, context: str) -> None:
    seeds = [unhex(VECTORS["nodes"]["initiator"]["seed"]), THIRD_SEED]
    keys = {of.public_key.hex(): of for of in map(SigningKey, seeds)}
    for case in VECTORS[key]:
        signing = keys[case["nodeId"]]
        message, signature = unhex(case["signedBytes"]), unhex(case["signature"])
        assert verify(signing.public_key, message, signature)
        assert digest16(message + signature).hex() == case["digest"]
        assert checked(case["message"], context).hex() == case["digest"]
        numbers = (case["epoch"], case["seq"], case["timestamp"], case["payload"])
        made = sign(context, VECTORS["network"], signing.public_key, *numbers, signing.sign)
        assert made.signature == signature


def test_refused_messages() -> None:
    for case in VECTORS["refusedMessages"]:
        with pytest.raises(EdgenodeError) as caught:
            checked(case["message"], case["context"])
        assert caught.value.code == case["reason"], case["name"]


def root_by_definition(digests: list[bytes], depth: int = 0) -> bytes:
    """Give the digest of a subtree as the document says it, with another BLAKE2b."""
    if not digests:
        return bytes(16)
    if len(digests) <= 64:
        return blake2b(b"\x00" + b"".join(sorted(digests)), digest_size=16).digest()
    subtrees = [
        [item for item in digests if item.hex()[depth] == digit] for digit in "0123456789abcdef"
    ]
    joined = b"".join(root_by_definition(subtree, depth + 1) for subtree in subtrees)
    return blake2b(b"\x01" + joined, digest_size=16).digest()


def test_tries() -> None:
    assert [case["count"] for case in VECTORS["tries"]] == [0, 3, 64, 65, 1000]
    for case in VECTORS["tries"]:
        digests = [
            blake2b(number.to_bytes(8, "little"), digest_size=16).digest()
            for number in range(case["count"])
        ]
        trie = Trie(digest16, digests)
        assert trie.root().hex() == root_by_definition(digests).hex() == case["root"]
        for node in case["nodes"]:
            kind, found = trie.node(node["prefix"])
            assert [item.hex() for item in found] == node[kind]
            under = sorted(item.hex() for item in digests if item.hex().startswith(node["prefix"]))
            assert ("list" in node) == (len(under) <= 64)
            if "list" in node:
                assert node["list"] == under


def test_the_head_is_that_of_the_batches() -> None:
    digests = [unhex(case["digest"]) for case in VECTORS["batches"]]
    head = json.loads(VECTORS["heads"][0]["payload"])
    assert head["root"] == root_by_definition(digests).hex()
    assert head["count"] == len(digests)


def test_a_session_and_a_request() -> None:
    session, request = VECTORS["session"], VECTORS["request"]
    node_id, audience = session["nodeId"], session["audience"]
    assert node_id == VECTORS["nodes"]["initiator"]["nodeId"]
    message = session_bytes(
        VECTORS["network"], unhex(node_id), unhex(audience), unhex(session["challenge"])
    )
    assert message == unhex(session["signedBytes"])
    assert verify(unhex(node_id), message, unhex(session["signature"]))
    assert digest16(unhex(request["token"])).hex() == request["tokenHash"]
    signed = read_signed(decode(request["message"].encode(), max_bytes=10_000), "body")  # type: ignore[arg-type]
    body = open_request(
        signed,
        node_id=node_id,
        network=VECTORS["network"],
        audience=audience,
        method="POST",
        path="/sync/request",
        token_hash=unhex(request["tokenHash"]),
        verify_fn=verify,
    )
    assert body == {"blockIds": [VECTORS["blocks"][2]["blockId"]]}
    assert verify(unhex(node_id), unhex(request["signedBytes"]), signed.signature)


def test_a_rotation() -> None:
    vector = VECTORS["rotation"]
    key = SigningKey(unhex(vector["newSeed"]))
    assert key.public_key.hex() == vector["newNodeId"]
    told = decode_frame(b"\x01" + vector["text"].encode(), vector["newNodeId"])
    assert isinstance(told, Rotations)
    (rotation,) = told.rotations
    check_rotation(rotation, VECTORS["network"], verify)
    assert rotation.old_id == VECTORS["nodes"]["initiator"]["nodeId"]
    assert rotation.new_id == vector["newNodeId"]
    assert rotation.old.payload == vector["payload"]
    for part in (rotation.old, rotation.new):
        name = "old" if part is rotation.old else "new"
        assert verify(unhex(part.node_id), unhex(vector["signedBytes"][name]), part.signature)
