"""The vectors of advertisements: signed, as a datagram, in a `node:announce`, and dropped ones."""

import json
from collections.abc import Iterable
from typing import Any

from edgenode.core.advertisement import Advertisement, advertise, encode_datagram
from edgenode.core.events import Announce
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.message import ANNOUNCE, encode_message
from edgenode.core.signed import Signed
from edgenode.crypto import SigningKey
from tests.vectors.records import EPOCH, Origin

TIME_MS = 1_700_000_000_300
PORT = 4242
VERSION = "0.1.0"

# A node of which the responder has been told, and tells the initiator.
THIRD_SEED = bytes(range(224, 256))


def advertisement_vectors(network: str, keys: dict[str, SigningKey]) -> dict[str, object]:
    """Give the vectors by their keys in the file."""
    origin = Origin(network, keys["initiator"])
    third = Origin(network, SigningKey(THIRD_SEED))
    made = [
        (origin, _signed(origin, 1, "192.0.2.7", ["blocks"])),
        (origin, _signed(origin, 2, "2001:db8::7", ["blocks", "caf\u00e9"])),
        (origin, _signed(origin, 3, "", ["blocks"])),
        (third, _signed(third, 1, "198.51.100.9", [])),
    ]
    return {
        "advertisements": [of.shown(signed, "advertisement") for of, signed in made],
        "advertisementFrames": list(_frames(keys, [signed for _, signed in made])),
        "droppedAdvertisements": _dropped(json.loads(made[0][1].payload), third.node_id),
    }


def _signed(origin: Origin, seq: int, address: str, capabilities: list[str]) -> Signed:
    said = Advertisement(origin.node_id, address, PORT, capabilities, VERSION)
    signed = advertise(said, origin.network, EPOCH, seq, TIME_MS + seq, origin.key.sign)
    assert len(encode_datagram(signed)) < 1200
    return signed


def _frames(keys: dict[str, SigningKey], told: list[Signed]) -> Iterable[dict[str, str]]:
    for side, advertisements in (("initiator", told[:2]), ("responder", told[3:])):
        announce = Announce(
            version=VERSION,
            http_port=None,
            ws_port=PORT,
            capabilities=["blocks"],
            region="",
            advertisements=advertisements,
        )
        sender = keys[side].public_key.hex()
        text = encode_message(ANNOUNCE, announce.to_data(), TIME_MS, sender)
        yield {"sender": side, "text": text.decode(), "plaintext": encode_frame(text).hex()}


def _dropped(said: dict[str, Any], other_id: str) -> list[dict[str, str]]:
    cases: list[tuple[str, str]] = [
        ("not JSON", json.dumps(said)[:-1]),
        ("of another node", json.dumps({**said, "nodeId": other_id})),
        ("a host name", json.dumps({**said, "address": "host.example"})),
        ("a zone", json.dumps({**said, "address": "fe80::1%eth0"})),
        ("no address", json.dumps({**said, "address": None})),
        ("port 0", json.dumps({**said, "port": 0})),
        ("port 65,536", json.dumps({**said, "port": 65536})),
        ("17 capabilities", json.dumps({**said, "capabilities": ["w"] * 17})),
        ("version of 33 characters", json.dumps({**said, "version": "v" * 33})),
        ("1,025 bytes", json.dumps(said) + " " * (1025 - len(json.dumps(said)))),
    ]
    return [{"name": name, "payload": payload} for name, payload in cases]
