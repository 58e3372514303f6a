"""`edgenode export` and `edgenode import`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import say
from edgenode.core.errors import DataFolderInUse, EdgenodeError
from edgenode.daemon.moving import export_node, import_node

STANDARD = "-"


def export_to(data_dir: Path, file: str, *, identity_only: bool) -> int:
    """Write the node of the data folder to a new file, or to standard output."""
    with told(data_dir), _new(file) as target:
        node_id = export_node(data_dir, target, identity_only=identity_only)
    say(f"exported node {node_id}")
    say("whoever has this file has the node, so keep it as you keep a key")
    say("the same node must never run twice: import it only where this one runs no more")
    return exits.OK


def import_from(data_dir: Path, file: str) -> int:
    """Put the node of a file, or of standard input, into a data folder that holds none."""
    with told(data_dir):
        if file == STANDARD:
            node_id = import_node(sys.stdin.buffer, data_dir)
        else:
            with Path(file).open("rb") as source:
                node_id = import_node(source, data_dir)
    say(f"imported node {node_id} into {data_dir}")
    say("it must not run anywhere else from now on")
    return exits.OK


@contextmanager
def told(data_dir: Path) -> Iterator[None]:
    """Turn errors into one line and an exit code."""
    try:
        yield
    except DataFolderInUse as error:
        raise CommandFailed(
            exits.FAILED, f"{error}: stop it first (sudo systemctl stop edgenode)"
        ) from None
    except EdgenodeError as error:
        raise CommandFailed(exits.FAILED, str(error)) from None
    except BrokenPipeError:
        raise
    except PermissionError as error:
        raise CommandFailed(
            exits.NOT_PERMITTED, f"{error.filename or data_dir}: not permitted; use sudo"
        ) from None
    except OSError as error:
        raise CommandFailed(
            exits.FAILED, f"{error.filename or data_dir}: {error.strerror or error}"
        ) from None


@contextmanager
def _new(file: str) -> Iterator[BinaryIO]:
    """Open a file that is not there yet, for its owner alone; remove it where writing fails."""
    if file == STANDARD:
        if sys.stdout.isatty():
            raise CommandFailed(exits.USAGE, "a terminal cannot take this: name a file")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandFailed(exits.FAILED, f"{file} is there already: name another file") from None
    try:
        with os.fdopen(fd, "wb") as target:
            yield target
            target.flush()
            os.fsync(fd)
    except BaseException:
        path.unlink()
        raise
