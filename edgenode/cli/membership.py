"""`edgenode membership`: a fleet's key, and what it signs. Works offline, without a node."""

import time
from pathlib import Path

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import out, out_json, say
from edgenode.core.errors import DataFolderError, DecodeError
from edgenode.core.membership import (
    MAX_MEMBERSHIP_BYTES,
    Membership,
    decode_membership,
    decode_text,
)
from edgenode.daemon.guard.fleet import grant, make_key
from edgenode.daemon.peers import iso_time

DAY_MS = 24 * 3600 * 1000


def new_key(file: str, *, as_json: bool) -> int:
    """Make a fleet's key in a new file, for its owner alone, and print its public half."""
    try:
        public = make_key(Path(file))
    except FileExistsError:
        raise CommandFailed(exits.FAILED, f"{file} is there already: name another file") from None
    except OSError as error:
        raise CommandFailed(exits.FAILED, f"{file}: {error.strerror}") from None
    if as_json:
        out_json({"operator": public})
    else:
        out(public)
        say("put this key into [fleet] operators of every node; keep the file, offline if you can")
    return exits.OK


def sign(key_file: str, network: str, node_id: str, days: int | None) -> int:
    """Print the membership of a node, signed now, good for so many days."""
    now_ms = time.time_ns() // 1_000_000
    membership = Membership(node_id, None if days is None else now_ms + days * DAY_MS)
    try:
        out(grant(Path(key_file), network, membership, now_ms).decode())
    except DataFolderError as error:
        raise CommandFailed(exits.FAILED, f"not a fleet's key: {error}") from None
    return exits.OK


def show(file: str, *, as_json: bool) -> int:
    """Print what a membership says, which is not checked: whose it is, and until when."""
    try:
        with Path(file).open("rb") as source:
            signed = decode_text(source.read(MAX_MEMBERSHIP_BYTES + 1))
        membership = decode_membership(signed)
    except OSError as error:
        raise CommandFailed(exits.FAILED, f"{file}: {error.strerror}") from None
    except DecodeError as error:
        raise CommandFailed(exits.FAILED, f"{file} holds no membership: {error}") from None
    until = membership.not_after_ms
    said = {
        "nodeId": membership.node_id,
        "operator": signed.node_id,
        "notAfter": None if until is None else iso_time(until),
    }
    if as_json:
        out_json(said)
    else:
        for name, value in said.items():
            out(f"{name}: {value or 'no end'}")
    return exits.OK
