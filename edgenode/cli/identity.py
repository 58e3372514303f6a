"""`edgenode id rotate`."""

import time
from pathlib import Path

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.moving import told
from edgenode.cli.output import out, out_json, say
from edgenode.daemon.datadir import KEY_FILE, LOCK_FILE
from edgenode.daemon.guard.rotating import rotate_key
from edgenode.daemon.service import KEY_CREDENTIAL, credential


def rotate(data_dir: Path, network: str, *, as_json: bool) -> int:
    """Give the node of the data folder, which must be stopped, a new key and id."""
    if credential(KEY_CREDENTIAL) is not None:
        raise CommandFailed(
            exits.FAILED, f"the key is the credential {KEY_CREDENTIAL}: it is changed where it is"
        )
    with told(data_dir):
        now_ms = time.time_ns() // 1_000_000
        rotation = rotate_key(data_dir / KEY_FILE, data_dir / LOCK_FILE, network, now_ms)
    if as_json:
        out_json({"oldNodeId": rotation.old_id, "newNodeId": rotation.new_id})
        return exits.OK
    out(rotation.new_id)
    say(f"{rotation.old_id} is retired, and its key deleted")
    say("peers follow when the node links with them; put the new id wherever the old one is named")
    say("a backup made before holds a key that peers refuse: make a new one")
    return exits.OK
