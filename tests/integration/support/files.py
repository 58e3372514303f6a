"""Real files to exchange: the sources of this Python installation."""

import hashlib
import random
import sysconfig
from pathlib import Path


def block_id(data: bytes) -> str:
    """Return the id of a block, by an implementation that is not the node's."""
    return hashlib.sha3_512(data).hexdigest()


def real_files(count: int) -> dict[str, bytes]:
    """Return `count` distinct, non-empty source files by their block id: the standard library's,
    then those of the installed packages. A small count takes them from all over, large ones too.
    """
    found: dict[str, bytes] = {}
    for key in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(key))
        paths = sorted(path for path in root.rglob("*.py") if path.is_file())
        random.Random(count).shuffle(paths)
        for path in paths:
            if data := path.read_bytes():
                found[block_id(data)] = data
            if len(found) == count:
                return found
    raise AssertionError(f"only {len(found)} distinct source files are installed")
