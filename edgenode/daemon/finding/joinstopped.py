"""Taking and undoing invitations for a node that does not run."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edgenode.core.invite import decode_invitation
from edgenode.daemon.datadir import FOLDER_MODE, LOCK_FILE
from edgenode.daemon.finding.joined import forget, keep, read_settings, to_json
from edgenode.store.files import give_to_owner
from edgenode.store.joined import read_joined
from edgenode.store.lock import FolderLock

T = TypeVar("T")


def join_stopped(line: str, data_dir: Path, config_file: Path) -> dict[str, object]:
    """Keep what a line says; returns what came of it. Raises as `keep`, and `DecodeError`.

    DataFolderInUse: the node runs. Blocking.
    """
    invitation = decode_invitation(line)
    _locked(data_dir, lambda: keep(invitation, read_settings(config_file), data_dir))
    return {
        "nodeId": invitation.node_id,
        "network": invitation.network,
        "state": "stopped",
        "detail": None,
    }


def forget_stopped(name: str, data_dir: Path) -> bool:
    """Forget as `forget`. DataFolderInUse: the node runs. Blocking."""
    return _locked(data_dir, lambda: forget(name, data_dir))


def kept(data_dir: Path) -> dict[str, object]:
    """Return what is kept, as REST has it. DataFolderError. Blocking."""
    return to_json(read_joined(data_dir))


def _locked(data_dir: Path, work: Callable[[], T]) -> T:
    """Do `work` while no node can start with the data folder, which is made if it is missing."""
    data_dir.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    lock = data_dir / LOCK_FILE
    held = FolderLock(lock)
    try:
        give_to_owner(lock)
        return work()
    finally:
        held.release()
