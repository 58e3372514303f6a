"""A fleet's key, and the memberships that it signs; used offline, where no node need be."""

import os
from pathlib import Path

from edgenode.core.membership import Membership, encode_text, sign_membership
from edgenode.crypto import SigningKey, new_seed
from edgenode.store.identity import read_seed

KEY_MODE = 0o600


def make_key(file: Path) -> str:
    """Make a key in a new file, durably, for its owner alone; return its public half in hex.

    Raises `FileExistsError` and other `OSError`.
    """
    seed = new_seed()
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    with os.fdopen(fd, "w") as target:
        target.write(seed.hex() + "\n")
        target.flush()
        os.fsync(fd)
    return SigningKey(seed).public_key.hex()


def grant(key_file: Path, network: str, membership: Membership, now_ms: int) -> bytes:
    """Return the text of a membership that the key in the file signs.

    Raises `DataFolderError` where the file holds no key.
    """
    key = SigningKey(read_seed(key_file))
    return encode_text(sign_membership(membership, network, key.public_key, now_ms, key.sign))
