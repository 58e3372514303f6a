"""This machine, and whether a data folder was begun on it."""

import os
from pathlib import Path

from edgenode.crypto import digest16
from edgenode.store.machine import MACHINE_FILE, fingerprint, is_at_home


def was_begun_here(data_dir: Path) -> bool | None:
    """Tell whether the folder was begun on this machine; None where that is not to be seen."""
    if not os.access(data_dir / MACHINE_FILE, os.R_OK):
        return None
    return is_at_home(data_dir, fingerprint(digest16))
