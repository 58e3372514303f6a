"""Taking a node out of its data folder, and putting it into another: backup and move."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgenode.core.errors import DataFolderError
from edgenode.crypto import SigningKey
from edgenode.daemon.archive import FILE_MODE, ArchiveError, read_archive, write_archive
from edgenode.daemon.datadir import FOLDER_MODE, KEY_FILE, LOCK_FILE, STATE_FILE
from edgenode.daemon.guard.rotating import ROTATIONS_FILE
from edgenode.daemon.running import TOKEN_FILE
from edgenode.store.files import fsync_folder, give_to_owner
from edgenode.store.identity import read_seed
from edgenode.store.joined import JOINED_FILE, SECRET_FILE
from edgenode.store.lock import FolderLock
from edgenode.store.snapshot import check, fold
from edgenode.store.token import load_token

IDENTITY = (KEY_FILE, TOKEN_FILE, ROTATIONS_FILE)
WHOLE = (*IDENTITY, STATE_FILE, JOINED_FILE, SECRET_FILE)

_ARRIVING = ".arriving."  # in front of the name of a file that is not yet checked


def export_node(data_dir: Path, target: BinaryIO, *, identity_only: bool) -> str:
    """Write the node of `data_dir` to `target`; return its nodeId.

    Its key and token alone may be taken while it runs. DataFolderInUse: it runs. DataFolderError:
    there is no node, or a file of it is damaged. Raises OSError. Blocking.
    """
    if not (data_dir / KEY_FILE).exists():
        raise DataFolderError(
            f"{data_dir} holds no {KEY_FILE}: no node has begun there, or its key is a credential"
        )
    node_id = _node_id(data_dir / KEY_FILE)
    if identity_only:
        write_archive(target, node_id, _there(data_dir, IDENTITY))
        return node_id
    with _locked(data_dir):
        if (data_dir / STATE_FILE).exists():
            fold(data_dir / STATE_FILE)
        write_archive(target, node_id, _there(data_dir, WHOLE))
    return node_id


def import_node(source: BinaryIO, data_dir: Path) -> str:
    """Put the node that `source` holds into `data_dir`, made where it is missing; return its id.

    All is checked before any of it counts. DataFolderInUse: a node runs there. DataFolderError:
    one is there already, or the state is not one that can be used. ArchiveError: `source` is not
    what `export_node` wrote. Raises OSError. Blocking.
    """
    data_dir.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    with _locked(data_dir):
        if present := _there(data_dir, WHOLE):
            raise DataFolderError(
                f"{data_dir} holds a node already: nothing is overwritten. Move "
                f"{', '.join(path.name for path in present)} away first, or name another folder "
                "with --data-dir"
            )
        try:
            node_id, names = read_archive(source, WHOLE, lambda name: _create(data_dir, name))
            _check(data_dir, node_id, names)
            # The key first: with a key and no state the node asks its peers for its epoch.
            for name in names:
                (data_dir / name).hardlink_to(_arriving(data_dir, name))
            fsync_folder(data_dir)
        finally:
            for name in WHOLE:
                _arriving(data_dir, name).unlink(missing_ok=True)
    return node_id


def _check(data_dir: Path, node_id: str, names: list[str]) -> None:
    if names[:1] != [KEY_FILE]:
        message = f"it has no {KEY_FILE}"
        raise ArchiveError(message)
    if _node_id(_arriving(data_dir, KEY_FILE)) != node_id:
        message = "its key is not that of the node that it names"
        raise ArchiveError(message)
    if TOKEN_FILE in names:
        load_token(_arriving(data_dir, TOKEN_FILE))
    if STATE_FILE in names:
        check(_arriving(data_dir, STATE_FILE))


def _node_id(path: Path) -> str:
    return SigningKey(read_seed(path)).public_key.hex()


def _there(data_dir: Path, names: tuple[str, ...]) -> list[Path]:
    return [path for path in (data_dir / name for name in names) if path.exists()]


def _arriving(data_dir: Path, name: str) -> Path:
    return data_dir / f"{_ARRIVING}{name}"


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    lock = FolderLock(data_dir / LOCK_FILE)
    try:
        give_to_owner(data_dir / LOCK_FILE)
        yield
    finally:
        lock.release()


@contextmanager
def _create(data_dir: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file that arrives, durable at the end, owned by who owns the folder."""
    path = _arriving(data_dir, name)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
        give_to_owner(path)
        yield file
        file.flush()
        os.fsync(file.fileno())
