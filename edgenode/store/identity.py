"""The node's key: the seed of an Ed25519 key pair, from which the nodeId follows."""

from collections.abc import Callable
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.secret import load_or_create_secret, read_secret

SEED_BYTES = 32

_LOWER_HEX = "0123456789abcdef"


def load_or_create_seed(path: Path, new_seed: Callable[[], bytes]) -> tuple[bytes, bool]:
    """Return the 32-byte seed kept in `path` and whether it was made now, durably, by `new_seed`.

    The file is text, 64 lowercase hex digits and a newline, mode 0600 from the first byte on. It
    is never replaced. DataFolderError: it cannot be read or made, or is damaged. Blocking.
    """
    text, created = load_or_create_secret(path, lambda: _checked(new_seed()).hex())
    return _seed(text, path), created


def read_seed(path: Path) -> bytes:
    """Return the 32-byte seed of a file that someone else keeps, in the same form.

    DataFolderError: it cannot be read, or is damaged. Blocking.
    """
    return _seed(read_secret(path), path)


def _seed(text: str, path: Path) -> bytes:
    if len(text) != 2 * SEED_BYTES or text.strip(_LOWER_HEX):
        message = (
            f"{path} is damaged: {2 * SEED_BYTES} lowercase hex digits are expected. Restore it "
            "from a backup; or move it away, and the node starts with a new key and nodeId"
        )
        raise DataFolderError(message)
    return bytes.fromhex(text)


def _checked(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        message = f"a seed has {SEED_BYTES} bytes"
        raise ValueError(message)
    return seed
