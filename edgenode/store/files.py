"""Durable file operations. All of them block: they belong in threads."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from edgenode.core.errors import StoreFailed, StoreFull

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn an OSError into StoreFull (no space, disk quota) or StoreFailed (all others).

    The message is `doing` and the system's reason, without paths: it may be shown to anyone.
    """
    try:
        yield
    except OSError as error:
        kind = StoreFull if error.errno in _NO_SPACE else StoreFailed
        message = f"{doing}: {error.strerror or error}"
        raise kind(message) from error


def make_private_folder(path: Path) -> None:
    """Make the folder, mode 0700, and those above it that are missing, durably.

    One that exists is left as its owner made it. Raises OSError.
    """
    if path.is_dir():
        return
    if not path.parent.exists():
        make_private_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE_FOLDER)
    fsync_folder(path.parent)


def write_all(fd: int, data: bytes | bytearray) -> None:
    """Write every byte of `data`, however few the system takes at a time. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_at(path: Path, offset: int, length: int) -> bytes:
    """Return exactly `length` bytes from `offset` on. OSError, also when there are fewer."""
    pieces = []
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        while length:
            piece = os.pread(fd, length, offset)
            if not piece:
                raise OSError(errno.EIO, "the file is shorter than it was")
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
    finally:
        os.close(fd)
    return b"".join(pieces)


def fsync_folder(path: Path) -> None:
    """Make the names in a folder durable: what was made, renamed and removed. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create_durably(path: Path, data: bytes) -> bool:
    """Create a file of mode 0600 that holds `data` whole, or nothing at all.

    Returns False, and changes nothing, when `path` already exists: a hard link never replaces
    a file, as a rename would. Raises OSError.
    """
    temp = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        try:
            path.hardlink_to(temp)
        except FileExistsError:
            return False
    finally:
        temp.unlink(missing_ok=True)
    fsync_folder(path.parent)
    return True


def replace_durably(path: Path, data: bytes) -> None:
    """Put a file of mode 0600 that holds `data` into the place of the old one, or change nothing.

    It belongs to the owner of the folder. Raises OSError.
    """
    temp = path.with_name(f".{path.name}.tmp")
    temp.unlink(missing_ok=True)
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    give_to_owner(temp)
    temp.replace(path)
    fsync_folder(path.parent)


def give_to_owner(path: Path) -> None:
    """Let a file that root made belong to the user of the folder, whom the node runs as."""
    if os.geteuid() == 0 and path.exists():
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def remove_dead_temps(path: Path) -> None:
    """Remove what a crash within `create_durably(path, ...)` has left behind. Raises OSError."""
    for temp in path.parent.glob(f".{path.name}.*.tmp"):
        temp.unlink(missing_ok=True)
