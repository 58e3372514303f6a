"""Vectors of a closed network: its secret bound into the handshake, and memberships."""

import hashlib

from edgenode.core.membership import Membership, sign_membership
from edgenode.crypto import SigningKey

SECRET = "0123456789abcdef" * 2
OPERATOR_SEED = bytes(range(224, 256))
NOT_AFTER_MS = 1_800_000_000_000
SIGNED_MS = 1_700_000_000_000


def blake2b(key: bytes, person: bytes, data: bytes) -> bytes:
    """RFC 7693, not by libsodium."""
    return hashlib.blake2b(data, digest_size=32, key=key, person=person).digest()


def closed_vectors(
    network: str,
    signing: dict[str, SigningKey],
    proofs: dict[str, tuple[bytes, bytes]],
    agreed: dict[str, bytes],
) -> dict[str, object]:
    """Give the case of a secret for the handshake of the other vectors, and two memberships.

    `proofs` has (signed bytes, proof of 88 bytes), `agreed` the keys of crypto_kx, by the sender.
    """
    key = blake2b(b"", b"edgenode network", SECRET.encode())
    sides: dict[str, object] = {}
    for side, (signed, proof) in proofs.items():
        confirmation = blake2b(key, b"edgenode confirm", agreed[side] + signed + proof)
        sides[side] = {
            "confirmation": confirmation.hex(),
            "proof": (proof + confirmation).hex(),
        }
    operator = SigningKey(OPERATOR_SEED)
    member = signing["initiator"].public_key.hex()
    return {
        "secret": SECRET,
        "networkKey": key.hex(),
        **sides,
        "sessionKeys": {
            f"{side}Sends": blake2b(key, b"edgenode session", agreed[side]).hex() for side in agreed
        },
        "operator": {"seed": OPERATOR_SEED.hex(), "publicKey": operator.public_key.hex()},
        "memberships": [
            sign_membership(
                Membership(member, until), network, operator.public_key, SIGNED_MS, operator.sign
            ).to_data()
            for until in (None, NOT_AFTER_MS)
        ],
    }
