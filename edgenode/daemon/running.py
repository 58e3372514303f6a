"""The files by which a running node tells programs on the same machine where it is."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_PORT
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.strictjson import decode
from edgenode.daemon.service import TOKEN_CREDENTIAL, credential

RUN_FILE = "run.json"
RUN_FILE_MODE = 0o644
"""Every user may know where the node is; what it lets him do is another matter."""

TOKEN_FILE = "operator.token"  # noqa: S105 - the name of a file
"""Mode 0600: whoever can read it is the operator."""

MAX_PID = 2**22
"""PID_MAX_LIMIT of <linux/threads.h>."""

MAX_FILE_BYTES = 4096
"""Both files hold a few hundred bytes at most."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The contents of `run.json`: {"pid", "nodeId", "httpPort", "wsPort"}."""

    pid: int
    node_id: str
    http_port: int
    ws_port: int


def write_run_file(data_dir: Path, *, node_id: str, http_port: int, ws_port: int) -> None:
    """Write `run.json` for this process, whole or not at all."""
    content = {"pid": os.getpid(), "nodeId": node_id, "httpPort": http_port, "wsPort": ws_port}
    temporary = data_dir / (RUN_FILE + ".new")
    temporary.write_text(json.dumps(content) + "\n")
    temporary.chmod(RUN_FILE_MODE)
    temporary.replace(data_dir / RUN_FILE)


def remove_run_file(data_dir: Path) -> None:
    """Remove `run.json` when the node stops."""
    (data_dir / RUN_FILE).unlink(missing_ok=True)


def read_run_info(data_dir: Path) -> RunInfo:
    """Read `run.json`. Raises OSError, or ValueError where the file does not hold what it should.

    The file of a node that was killed stays: what it says is a hint until the node answers.
    """
    try:
        text = _read(data_dir / RUN_FILE).encode()
        fields = Fields(decode(text, max_bytes=MAX_FILE_BYTES), RUN_FILE)
        return RunInfo(
            fields.integer("pid", 1, MAX_PID),
            fields.text("nodeId", NODE_ID_LENGTH),
            fields.integer("httpPort", 0, MAX_PORT),
            fields.integer("wsPort", 0, MAX_PORT),
        )
    except DecodeError as error:
        raise ValueError("not what a node writes") from error


def read_token(data_dir: Path) -> str:
    """Read the operator's token, by preference from a credential handed to this process.

    Raises OSError, or ValueError where it cannot be one.
    """
    token = _read(credential(TOKEN_CREDENTIAL) or data_dir / TOKEN_FILE).strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("not a token")
    return token


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES} bytes")
    return data.decode()
