"""The node's own changes of its key: made while it is stopped, finished at the next start."""

from pathlib import Path

from edgenode.core.errors import DataFolderError, DecodeError
from edgenode.core.fields import Fields
from edgenode.core.rotation import MAX_CHAIN, Rotation, decode_rotation, rotate
from edgenode.core.strictjson import decode, encode
from edgenode.crypto import SigningKey, new_seed
from edgenode.store.files import give_to_owner, replace_durably
from edgenode.store.identity import read_seed
from edgenode.store.keychange import (
    MAX_STATEMENTS_BYTES,
    finish,
    forget,
    next_key,
    prepare,
    read_statements,
)
from edgenode.store.lock import FolderLock

ROTATIONS_FILE = "node.rotations"


def own_rotations(data_dir: Path) -> list[Rotation]:
    """Return the statements of this node's keys, the latest last. DataFolderError. Blocking."""
    path = data_dir / ROTATIONS_FILE
    data = read_statements(path)
    if not data:
        return []
    try:
        fields = Fields(decode(data, max_bytes=MAX_STATEMENTS_BYTES), "rotations")
        return [decode_rotation(item) for item in fields.items("rotations", MAX_CHAIN)]
    except DecodeError as error:
        message = f"{path} is damaged ({error}): restore it from a backup, or move it away"
        raise DataFolderError(message) from error


def settle_rotation(key: Path) -> None:
    """Finish, or forget, a change of the key in the file `key` that the power has cut short.

    DataFolderError: a file is damaged, or the key is one that was retired. Raises OSError.
    """
    own = own_rotations(key.parent)
    if next_key(key).exists():
        if own and _id(next_key(key)) == own[-1].new_id:
            finish(key)
        else:
            forget(key)
    if key.exists():
        node_id = _id(key)
        if any(rotation.old_id == node_id for rotation in own):
            raise DataFolderError(
                f"{key} is a key that was retired: the node goes on as {own[-1].new_id}. Restore "
                "the key of that id"
            )


def rotate_key(key: Path, lock: Path, network: str, now_ms: int) -> Rotation:
    """Put a new key into the place of the one in `key`, whose id it retires in `network`.

    `lock` is the lock of the data folder. DataFolderInUse: the node runs. DataFolderError: there
    is no key, or a file is damaged. Raises OSError. Blocking.
    """
    held = FolderLock(lock)
    try:
        give_to_owner(lock)
        return rotate_locked(key, network, now_ms)
    finally:
        held.release()


def rotate_locked(key: Path, network: str, now_ms: int) -> Rotation:
    """Do as `rotate_key`, in a folder that is locked already."""
    settle_rotation(key)
    if not key.exists():
        raise DataFolderError(
            f"{key.parent} holds no {key.name}: no node has begun there, or its key is a credential"
        )
    old = SigningKey(read_seed(key))
    seed = new_seed()
    new = SigningKey(seed)
    rotation = rotate(network, old.public_key, new.public_key, now_ms, old.sign, new.sign)
    kept = [*own_rotations(key.parent), rotation][-MAX_CHAIN:]
    prepare(key, seed)
    # From here on the new key is the node's.
    statements = key.parent / ROTATIONS_FILE
    replace_durably(statements, encode({"rotations": [item.to_data() for item in kept]}))
    finish(key)
    return rotation


def _id(path: Path) -> str:
    return SigningKey(read_seed(path)).public_key.hex()
