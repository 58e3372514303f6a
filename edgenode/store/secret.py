"""Small secrets in files of mode 0600 that are made once and never replaced."""

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.files import PRIVATE_FILE, create_durably, remove_dead_temps

MAX_SECRET_BYTES = 4_096  # far above any secret here: a wrong file is not read whole into memory

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_log = logging.getLogger(__name__)


def load_or_create_secret(path: Path, new_text: Callable[[], str]) -> tuple[str, bool]:
    """Return the text of the file and whether it was made now, durably, from `new_text()`.

    White space around it is removed. A file that others can read is tightened to mode 0600, with
    a warning. DataFolderError: it can be neither read nor made, or not tightened. Whoever gets
    there first wins: an existing file is never written to.
    """
    try:
        remove_dead_temps(path)
        text = _read(path)
        if text is None and create_durably(path, new_text().encode() + b"\n"):
            return _read(path) or "", True
        if text is None:
            text = _read(path)  # another process was first
        if text is None:
            message = f"{path} is a link to a file that is missing: restore it or remove the link"
            raise DataFolderError(message)
    except OSError as error:
        message = f"{path} cannot be read or made: {error.strerror or error}"
        raise DataFolderError(message) from error
    return text, False


def read_secret(path: Path) -> str:
    """Return the text of a file that someone else keeps, without white space around it.

    Its mode is left alone: that of a credential of the service manager shows its access list.
    DataFolderError: it cannot be read. Blocking.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise DataFolderError(message) from error


def _read(path: Path) -> str | None:
    try:
        # A pipe in its place must not make the start wait for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            message = f"{path} is not a file"
            raise DataFolderError(message)
        if mode & _OTHERS:
            _tighten(path, fd, mode)
        return os.read(fd, MAX_SECRET_BYTES).decode("ascii", "replace").strip()
    finally:
        os.close(fd)


def _tighten(path: Path, fd: int, mode: int) -> None:
    try:
        os.fchmod(fd, PRIVATE_FILE)
        still = os.fstat(fd).st_mode & _OTHERS
    except OSError:
        still = mode & _OTHERS
    if still:
        message = f"{path} can be read by others (mode {stat.S_IMODE(mode):o}): chmod 600 it"
        raise DataFolderError(message)
    _log.warning(
        "%s could be read by others: its mode was %o, now 600",
        path,
        stat.S_IMODE(mode),
        extra={"event": "secret-exposed"},
    )
