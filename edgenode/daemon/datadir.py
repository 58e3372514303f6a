"""Opening the data folder: the lock, the node's key, the operator's token, the epoch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from edgenode.core.errors import DataFolderError
from edgenode.core.rotation import Rotation
from edgenode.crypto import SigningKey, digest16, new_seed
from edgenode.daemon.guard.rotating import own_rotations, settle_rotation
from edgenode.daemon.running import TOKEN_FILE
from edgenode.daemon.service import KEY_CREDENTIAL, TOKEN_CREDENTIAL, credential
from edgenode.store.identity import load_or_create_seed, read_seed
from edgenode.store.lock import FolderLock
from edgenode.store.machine import fingerprint, settle
from edgenode.store.state import State
from edgenode.store.token import load_or_create_token, load_token

# Whoever knows the name of a file in it may open that, if its own mode lets him: `run.json` is for
# every user of the machine, so that `edgenode status` needs no sudo; all else is the owner's.
FOLDER_MODE = 0o711

DATABASE_CACHE_KIB = 2_000  # SQLite's own default

KEY_FILE = "node.key"
STATE_FILE = "state.db"
LOCK_FILE = "lock"


class DataFolder(NamedTuple):
    """What a start takes from the data folder."""

    path: Path
    key: SigningKey
    key_is_new: bool
    token: str
    epoch: int
    state: State
    rotations: list[Rotation]


@asynccontextmanager
async def open_data_folder(
    path: Path, *, database_cache_kib: int = DATABASE_CACHE_KIB
) -> AsyncIterator[DataFolder]:
    """Hold the data folder at `path`, made where it is missing, and begin a new epoch in it.

    Raises `DataFolderError` and its kin: in use, not writable, a damaged key or database.
    """
    _make(path)
    lock = FolderLock(path / LOCK_FILE)
    try:
        seed, key_is_new = _load_seed(path / KEY_FILE)
        settle(path, fingerprint(digest16))
        offered = credential(TOKEN_CREDENTIAL)
        token = load_token(offered) if offered else load_or_create_token(path / TOKEN_FILE)
        state = await State.open(path / STATE_FILE)
        try:
            await state.database.read(
                lambda connection: connection.execute(
                    f"PRAGMA cache_size = -{database_cache_kib:d}"  # negative: in KiB
                ).fetchall()
            )
            epoch = await state.next_epoch()
            yield DataFolder(
                path, SigningKey(seed), key_is_new, token, epoch, state, own_rotations(path)
            )
        finally:
            await state.close()
    finally:
        lock.release()


def _load_seed(path: Path) -> tuple[bytes, bool]:
    """Return the node's seed, by preference from a credential, and whether it was made now."""
    offered = credential(KEY_CREDENTIAL)
    if offered is None:
        settle_rotation(path)
        return load_or_create_seed(path, new_seed)
    seed = read_seed(offered)
    if path.exists() and read_seed(path) != seed:
        raise DataFolderError(
            f"{path} is another key than the credential {KEY_CREDENTIAL}: move away the one that "
            "is not this node's, and the state of the other node with it"
        )
    return seed, False


def _make(path: Path) -> None:
    try:
        path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderError(
            f"{path} cannot be made: {error.strerror}; name another with --data-dir"
        ) from error
