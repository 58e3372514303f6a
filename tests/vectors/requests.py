"""The vectors of a peer's session, of what it asks in it, and of a change of its key."""

from edgenode.core.message import ROTATION, encode_message
from edgenode.core.pae import session_bytes, signed_bytes
from edgenode.core.request import encode_request, sign_request
from edgenode.core.rotation import CONTEXT, Rotations, rotate
from edgenode.core.strictjson import encode
from edgenode.crypto import SigningKey, digest16

TIME_MS = 1_700_000_000_300
POSITION = (4, 1)
CHALLENGE = bytes(range(64, 96))
TOKEN = bytes(range(96, 128))
PATH = "/sync/request"

# The key that follows the initiator's.
NEXT_SEED = bytes(range(160, 192))


def request_vectors(
    network: str, keys: dict[str, SigningKey], block_id: str
) -> dict[str, dict[str, object]]:
    """Give a session of the initiator with the responder, a request in it, and a rotation."""
    key, audience = keys["initiator"], keys["responder"].public_key
    to_sign = session_bytes(network, key.public_key, audience, CHALLENGE)
    token_hash = digest16(TOKEN)
    payload = encode_request(audience.hex(), "POST", PATH, token_hash, {"blockIds": [block_id]})
    message = sign_request(network, key.public_key, POSITION, TIME_MS, payload, key.sign)
    following = SigningKey(NEXT_SEED)
    rotation = rotate(
        network, key.public_key, following.public_key, TIME_MS, key.sign, following.sign
    )
    told = encode_message(
        ROTATION, Rotations([rotation]).to_data(), TIME_MS, following.public_key.hex()
    )
    return {
        "session": {
            "nodeId": key.public_key.hex(),
            "audience": audience.hex(),
            "challenge": CHALLENGE.hex(),
            "signedBytes": to_sign.hex(),
            "signature": key.sign(to_sign).hex(),
        },
        "request": {
            "token": TOKEN.hex(),
            "tokenHash": token_hash.hex(),
            "payload": payload,
            "signedBytes": signed_bytes(
                "request", network, key.public_key, *POSITION, TIME_MS, payload.encode()
            ).hex(),
            "message": encode(message.to_data()).decode(),
        },
        "rotation": {
            "newSeed": NEXT_SEED.hex(),
            "newNodeId": following.public_key.hex(),
            "payload": rotation.old.payload,
            "signedBytes": {
                side: signed_bytes(
                    CONTEXT, network, of, 1, 0, TIME_MS, rotation.old.payload.encode()
                ).hex()
                for side, of in (("old", key.public_key), ("new", following.public_key))
            },
            "text": told.decode(),
        },
    }
