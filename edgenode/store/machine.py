"""On which machine a data folder is at home: a copied card shows by being on another one."""

import logging
from collections.abc import Callable
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.files import create_durably

MACHINE_FILE = "machine"

# The system's own id (machine-id(5)), and the number of the board, where there is one: an image of
# a card that was copied whole has the former with it.
SOURCES = (
    Path("/etc/machine-id"),
    Path("/sys/firmware/devicetree/base/serial-number"),
)
MAX_BYTES = 256

_log = logging.getLogger(__name__)


def fingerprint(hash16: Callable[[bytes], bytes], sources: tuple[Path, ...] = SOURCES) -> str:
    """Return what stands for this machine, "" where it tells nothing of itself. Blocking.

    `hash16` keeps the machine's own id to the machine, as machine-id(5) asks for.
    """
    found = [_read(path) for path in sources]
    if not any(found):
        return ""
    return hash16(b"edgenode machine\0" + b"\0".join(found)).hex()


def is_at_home(data_dir: Path, here: str) -> bool:
    """Tell whether the folder belongs to this machine, or to none yet. Blocking."""
    kept = _read(data_dir / MACHINE_FILE).decode("ascii", "replace")
    return not kept or not here or kept == here


def settle(data_dir: Path, here: str) -> None:
    """Remember the machine if none is remembered; warn where it is another one. Blocking.

    To move a node is allowed: nothing is refused, and the warning ends when the file is removed.
    Raises `DataFolderError` where it cannot be made.
    """
    if not here:
        return
    if not is_at_home(data_dir, here):
        _log.warning(
            "this data folder was begun on another machine: if the node was moved, and runs there "
            "no more, remove %s; if it was copied, remove the key of one of the two",
            data_dir / MACHINE_FILE,
            extra={"event": "machine-changed"},
        )
        return
    try:
        create_durably(data_dir / MACHINE_FILE, here.encode() + b"\n")
    except OSError as error:
        message = f"{data_dir / MACHINE_FILE} cannot be made: {error.strerror or error}"
        raise DataFolderError(message) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).strip(b"\0\n ")
    except OSError:
        return b""
