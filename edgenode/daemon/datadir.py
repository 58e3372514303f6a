"""Opening the data folder: the lock, the node's key, the operator's token, the epoch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from edgenode.core.errors import DataFolderError
from edgenode.crypto import SigningKey, new_seed
from edgenode.store.identity import load_or_create_seed
from edgenode.store.lock import FolderLock
from edgenode.store.state import State
from edgenode.store.token import load_or_create_token

# Whoever knows the name of a file in it may open that, if its own mode lets him: `run.json` is for
# every user of the machine, so that `edgenode status` needs no sudo; all else is the owner's.
FOLDER_MODE = 0o711


class DataFolder(NamedTuple):
    """What a start takes from the data folder."""

    path: Path
    key: SigningKey
    key_is_new: bool
    token: str
    epoch: int
    state: State


@asynccontextmanager
async def open_data_folder(path: Path) -> AsyncIterator[DataFolder]:
    """Hold the data folder at `path`, made where it is missing, and begin a new epoch in it.

    Raises `DataFolderError` and its kin: in use, not writable, a damaged key or database.
    """
    _make(path)
    lock = FolderLock(path / "lock")
    try:
        seed, key_is_new = load_or_create_seed(path / "node.key", new_seed)
        token = load_or_create_token(path / "operator.token")
        state = await State.open(path / "state.db")
        try:
            epoch = await state.next_epoch()
            yield DataFolder(path, SigningKey(seed), key_is_new, token, epoch, state)
        finally:
            await state.close()
    finally:
        lock.release()


def _make(path: Path) -> None:
    try:
        path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderError(
            f"{path} cannot be made: {error.strerror}; name another with --data-dir"
        ) from error
