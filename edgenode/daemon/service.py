"""What the service manager hands to the node by its environment (systemd.exec(5))."""

import os
from pathlib import Path

KEY_CREDENTIAL = "edgenode.node-key"
SECRET_CREDENTIAL = "edgenode.network-secret"  # noqa: S105 - the name of a file
MEMBERSHIP_CREDENTIAL = "edgenode.membership"
TOKEN_CREDENTIAL = "edgenode.operator-token"  # noqa: S105 - the name of a file


def state_directory() -> Path | None:
    """Return the folder that StateDirectory= made, the first if several, or None without one."""
    first = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None


def credential(name: str) -> Path | None:
    """Return the file of a credential, or None where none of that name was handed over."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, name) if folder else None
    return path if path is not None and path.exists() else None
