"""Changing the node's key so that, whenever the power goes, one key is there whole.

The new key waits in `node.key.next`. What counts is the list of statements, `node.rotations`: once
it names the new key as the last, the change is made, and the next start or change finishes it.
"""

import os
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.files import (
    create_durably,
    fsync_folder,
    give_to_owner,
    remove_dead_temps,
)
from edgenode.store.identity import SEED_BYTES, read_seed

NEXT_SUFFIX = ".next"
MAX_STATEMENTS_BYTES = 64 * 1024  # of `core.rotation.MAX_CHAIN` statements, with room to spare


def next_key(key: Path) -> Path:
    """Return where the key waits that is to follow the one in `key`."""
    return key.with_name(key.name + NEXT_SUFFIX)


def prepare(key: Path, seed: bytes) -> None:
    """Put the next key beside the one in force, durably. Raises OSError. Blocking."""
    forget(key)
    path = next_key(key)
    create_durably(path, seed.hex().encode() + b"\n")
    give_to_owner(path)


def forget(key: Path) -> None:
    """Remove a next key that does not count. Raises OSError. Blocking."""
    path = next_key(key)
    remove_dead_temps(path)
    if path.exists():
        _overwrite(path)
        path.unlink()
        fsync_folder(key.parent)


def finish(key: Path) -> None:
    """Put the next key into the place of the old one, of which nothing stays.

    Nothing is done where that was done already. Raises OSError. Blocking.
    """
    path = next_key(key)
    if not path.exists():
        return
    read_seed(path)  # one that is damaged replaces nothing
    old = os.open(key, os.O_WRONLY) if key.exists() else None
    try:
        path.replace(key)
        fsync_folder(key.parent)
        if old is not None:
            os.pwrite(old, b"0" * (2 * SEED_BYTES), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)


def read_statements(path: Path) -> bytes:
    """Return the list of statements, b"" where there is none; DataFolderError. Blocking."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_STATEMENTS_BYTES)
    except FileNotFoundError:
        return b""
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise DataFolderError(message) from error


def _overwrite(path: Path) -> None:
    # As well as a file system allows: a card may keep what was there in another place.
    fd = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(fd, b"0" * (2 * SEED_BYTES), 0)
        os.fsync(fd)
    finally:
        os.close(fd)
