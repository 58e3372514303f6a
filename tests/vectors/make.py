"""Make `protocol.json`, the test vectors of docs/protocol.md: `python -m tests.vectors.make`.

Everything is fixed, keys and nonces too, so that each run gives the same file. Bytes are lowercase
hex; what is JSON text on the wire is a string.
"""

import json
from pathlib import Path

from nacl import bindings

from edgenode.core.events import HAVE, LACK, WANT, Announce, BlockSync
from edgenode.core.frame import encode_chunk, encode_end
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.handshake import INITIATOR, RESPONDER
from edgenode.core.hello import Hello
from edgenode.core.message import ANNOUNCE, BLOCK_SYNC, LEAVE, PING, PONG, encode_message
from edgenode.core.pae import handshake_bytes, pae
from edgenode.crypto import EphemeralKey, SigningKey, new_block_hasher
from tests.vectors.advertisements import advertisement_vectors
from tests.vectors.closed import closed_vectors
from tests.vectors.reach import reach_frames
from tests.vectors.records import record_vectors
from tests.vectors.refused import ignored_frames, refused_frames, refused_hellos
from tests.vectors.requests import request_vectors

PATH = Path(__file__).with_name("protocol.json")
NETWORK = "brightchain"
SIDES = ("initiator", "responder")
TIME_MS = 1_700_000_000_000

SEEDS = {"initiator": bytes(range(32)), "responder": bytes(range(32, 64))}
EPHEMERAL_SEEDS = {"initiator": bytes(range(64, 96)), "responder": bytes(range(96, 128))}
NONCES = {"initiator": bytes(range(128, 160)), "responder": bytes(range(160, 192))}
INSTANCES = {"initiator": bytes(range(192, 208)), "responder": bytes(range(208, 224))}
STREAM_HEADERS = {"initiator": bytes(range(1, 25)), "responder": bytes(range(101, 125))}

BLOCK = b"A block of the network is any bytes, here these.\n"
PAE_EXAMPLES: list[list[bytes | int]] = [
    [],
    [b""],
    [b"test"],
    [b"ab", b"c"],
    [b"a", b"bc"],
    [258, b"\x00\xff", 2**63 - 1],
]


def block_id(data: bytes) -> str:
    hasher = new_block_hasher()
    hasher.update(data)
    return hasher.hexdigest()


class Stream:
    """One direction of a channel, with a given header where libsodium would draw one.

    The two states that libsodium makes from a key and a header are the same, so the receiving one
    can send.
    """

    def __init__(self, key: bytes, header: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def seal(self, plaintext: bytes, *, final: bool) -> bytes:
        tag = (
            bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
            if final
            else bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
        )
        return bindings.crypto_secretstream_xchacha20poly1305_push(
            self._state, plaintext, None, tag
        )


def piece(value: bytes | int) -> dict[str, object]:
    return {"integer": str(value)} if isinstance(value, int) else {"bytes": value.hex()}


def hellos(keys: dict[str, SigningKey], ephemeral: dict[str, EphemeralKey]) -> dict[str, Hello]:
    """Give both hellos; the initiator's does not know whom it calls."""
    initiator_id = keys["initiator"].public_key.hex()
    return {
        side: Hello(
            network=NETWORK,
            node_id=keys[side].public_key.hex(),
            expected_node_id="" if side == "initiator" else initiator_id,
            nonce=NONCES[side],
            ephemeral_key=ephemeral[side].public_key,
            instance=INSTANCES[side],
        )
        for side in SIDES
    }


def messages(ids: dict[str, str]) -> list[tuple[str, str, bytes]]:
    """Give (sender, type, text) of a whole link in the order in which they are sent."""
    held, absent = block_id(BLOCK), block_id(b"")

    def announce(version: str, http_port: int | None, region: str) -> dict[str, object]:
        capabilities = ["blocks"] if http_port else ["blocks", "caf\u00e9"]
        return Announce(
            version=version,
            http_port=http_port,
            ws_port=4242,
            capabilities=capabilities,
            region=region,
        ).to_data()

    steps: list[tuple[str, str, dict[str, object]]] = [
        ("initiator", ANNOUNCE, announce("0.1.0", 4280, "eu-central")),
        ("responder", ANNOUNCE, announce("0.1.0", None, "")),
        ("initiator", PING, {"nonce": 4294967295}),
        ("responder", PONG, {"nonce": 4294967295}),
        ("initiator", BLOCK_SYNC, BlockSync(WANT, absent, 1).to_data()),
        ("responder", BLOCK_SYNC, BlockSync(LACK, absent, 1, reason="not-held").to_data()),
        ("initiator", BLOCK_SYNC, BlockSync(WANT, held, 2).to_data()),
        ("responder", BLOCK_SYNC, BlockSync(HAVE, held, 2, size=len(BLOCK)).to_data()),
        ("initiator", BLOCK_SYNC, BlockSync(WANT, held, 3, length=len(BLOCK)).to_data()),
        ("responder", "", {}),  # the chunk
        ("initiator", LEAVE, {"reason": "stopping"}),
    ]
    return [
        (side, type_, encode_message(type_, data, TIME_MS + count, ids[side]) if type_ else b"")
        for count, (side, type_, data) in enumerate(steps)
    ]


def exchange(ids: dict[str, str], keys: dict[str, bytes]) -> list[dict[str, object]]:
    """Give every sealed frame of a link: a block is asked for and handed over, then the end."""
    streams = {side: Stream(keys[side], STREAM_HEADERS[side]) for side in SIDES}
    frames: list[dict[str, object]] = []
    for side, type_, text in messages(ids):
        plaintext = encode_frame(text) if type_ else encode_chunk(3, 0, BLOCK)
        frame: dict[str, object] = {"sender": side, "kind": "message" if type_ else "chunk"}
        if type_:
            frame["text"] = text.decode()
        frame["plaintext"] = plaintext.hex()
        frame["sealed"] = streams[side].seal(plaintext, final=False).hex()
        frames.append(frame)
    for side in SIDES:
        plaintext = encode_end("bye")
        sealed = streams[side].seal(plaintext, final=True)
        frames.append(
            {"sender": side, "kind": "end", "plaintext": plaintext.hex(), "sealed": sealed.hex()}
        )
    return frames


def build() -> dict[str, object]:
    """Give all vectors."""
    signing = {side: SigningKey(SEEDS[side]) for side in SIDES}
    ephemeral = {side: EphemeralKey(EPHEMERAL_SEEDS[side]) for side in SIDES}
    ids = {side: signing[side].public_key.hex() for side in SIDES}
    hello = hellos(signing, ephemeral)
    raw = (hello["initiator"].raw, hello["responder"].raw)
    roles = {"initiator": INITIATOR, "responder": RESPONDER}
    handshake: dict[str, object] = {}
    for side in SIDES:
        to_sign = handshake_bytes(roles[side], NETWORK, signing[side].public_key, *raw)
        signature = signing[side].sign(to_sign)
        handshake[side] = {
            "signedBytes": to_sign.hex(),
            "signature": signature.hex(),
            "streamHeader": STREAM_HEADERS[side].hex(),
            "proof": (signature + STREAM_HEADERS[side]).hex(),
        }
    receive, send = ephemeral["initiator"].session_keys(
        ephemeral["responder"].public_key, initiator=True
    )
    blocks = (b"\x00", b"abc", BLOCK, bytes(range(256)) * 300)
    return {
        "network": NETWORK,
        "blocks": [
            {"bytes": data.hex(), "blockId": block_id(data)}
            if len(data) < 100
            else {"repeat": "000102..ff", "times": len(data) // 256, "blockId": block_id(data)}
            for data in blocks
        ],
        "pae": [
            {"pieces": [piece(value) for value in pieces], "encoded": pae(pieces).hex()}
            for pieces in PAE_EXAMPLES
        ],
        "nodes": {side: {"seed": SEEDS[side].hex(), "nodeId": ids[side]} for side in SIDES},
        "ephemeral": {
            side: {
                "secretKey": _x25519_secret(EPHEMERAL_SEEDS[side]).hex(),
                "publicKey": ephemeral[side].public_key.hex(),
            }
            for side in SIDES
        },
        "hello": {side: hello[side].raw.decode() for side in SIDES},
        "handshake": handshake,
        "sessionKeys": {"initiatorSends": send.hex(), "responderSends": receive.hex()},
        "closed": closed_vectors(
            NETWORK,
            signing,
            {side: unhex_handshake(handshake, side) for side in SIDES},
            {"initiator": send, "responder": receive},
        ),
        "frames": exchange(ids, {"initiator": send, "responder": receive}),
        **record_vectors(NETWORK, signing, block_id(BLOCK), block_id(b"")),
        **advertisement_vectors(NETWORK, signing),
        **request_vectors(NETWORK, signing, block_id(BLOCK)),
        "reachFrames": list(reach_frames(ids, block_id(BLOCK), len(BLOCK))),
        "refusedHellos": refused_hellos(hello["initiator"].raw.decode(), ids["responder"]),
        "refusedFrames": refused_frames(ids["initiator"], block_id(BLOCK)),
        "ignoredFrames": ignored_frames(ids["initiator"], block_id(BLOCK)),
    }


def unhex_handshake(handshake: dict[str, object], side: str) -> tuple[bytes, bytes]:
    """Give (signed bytes, proof) of one side."""
    of_side = handshake[side]
    assert isinstance(of_side, dict)
    return bytes.fromhex(of_side["signedBytes"]), bytes.fromhex(of_side["proof"])


def _x25519_secret(seed: bytes) -> bytes:
    return bindings.crypto_kx_seed_keypair(seed)[1]


if __name__ == "__main__":
    PATH.write_text(json.dumps(build(), indent=1) + "\n")
