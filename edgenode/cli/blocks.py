"""`edgenode put`, `get` and `delete`."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from edgenode.cli import exits
from edgenode.cli.client import CHUNK_BYTES, Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import out, out_json, say, writing
from edgenode.cli.progress import Progress
from edgenode.core.ids import is_block_id

NOTICE = (
    "whoever knows the id of a block can read it, and deleting it here does not recall the copies "
    "that other nodes hold"
)


class Hasher(Protocol):
    """An incremental SHA3-512."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""

    def hexdigest(self) -> str:
        """Return the lowercase hex digest of all bytes so far."""


def put(node: Node, names: Iterable[str], *, as_json: bool) -> int:
    """Store each file as a block and print its id; "-" is standard input.

    A file that fails is told and the others go on: the exit code is then 1.
    """
    token = node.token()
    code = exits.OK
    told = False
    for name in names:
        try:
            stored = _put_one(node, token, name)
        except CommandFailed as error:
            if error.code != exits.FAILED:
                raise
            say(f"{name}: {error}")
            if as_json:
                out_json({"file": name, "error": str(error)}, indent=None)
            code = exits.FAILED
            continue
        if as_json:
            out_json({"file": name, **stored}, indent=None)
        else:
            out(stored["blockId"])
        if not told:
            say(NOTICE)
            told = True
    return code


def get(node: Node, block_id: str, output: str | None, new_hasher: Callable[[], Hasher]) -> int:
    """Write a block to standard output, or to the file `output` ("-": also to a terminal)."""
    if output is None and sys.stdout.isatty():
        raise CommandFailed(
            exits.USAGE, "a block can hold anything, so it is not shown: give -o FILE, or -o -"
        )
    token = node.token_if_readable()
    try:
        with node.request("GET", f"/blocks/{block_id}", token=token) as answer:
            total = answer.length
            chunks = node.chunks(answer)
            if output is None or output == "-":
                _copy(chunks, sys.stdout.buffer, block_id, total, new_hasher())
            else:
                with _replacing(Path(output)) as file:
                    _copy(chunks, file, block_id, total, new_hasher())
    except CommandFailed as error:
        if error.code == exits.NOT_FOUND and token is None:
            hint = "with the operator's token (use sudo) the node would also ask its peers"
            raise CommandFailed(error.code, f"{error}; {hint}") from None
        raise
    return exits.OK


def delete(node: Node, block_id: str, *, as_json: bool) -> int:
    """Delete a block from this node."""
    with node.request("DELETE", f"/blocks/{block_id}", token=node.token()):
        pass
    if as_json:
        out_json({"blockId": block_id, "deleted": True})
    else:
        say("deleted on this node; copies that other nodes hold stay")
    return exits.OK


def _put_one(node: Node, token: str, name: str) -> dict[str, Any]:
    with _opened(name) as file:
        size = _size(file)
        with Progress(name, size) as progress:
            body = _read(file, size, progress)
            with node.request("POST", "/blocks", token=token, body=body, size=size) as answer:
                new = answer.status == 201  # noqa: PLR2004 - Created; 200: it was held already
                stored = node.json(answer)
    block_id, held = stored.get("blockId"), stored.get("size")
    if not is_block_id(block_id) or not isinstance(held, int):
        raise CommandFailed(exits.FAILED, "the node's answer names no block")
    return {"blockId": block_id, "size": held, "new": new}


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening is guarded
    except OSError as error:
        raise CommandFailed(exits.FAILED, error.strerror or str(error)) from None
    with file:
        yield file


def _size(file: BinaryIO) -> int | None:
    """Return how much there is to read, or None for a pipe or a device."""
    status = os.fstat(file.fileno())
    return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None


def _read(file: BinaryIO, size: int | None, progress: Progress) -> Iterator[bytes]:
    """Read `size` bytes: exactly what was announced, even if the file grows meanwhile."""
    left = size
    while left is None or left > 0:
        try:
            data = file.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
        except OSError as error:
            raise CommandFailed(exits.FAILED, error.strerror or str(error)) from None
        if not data:
            break
        if left is not None:
            left -= len(data)
        progress.add(len(data))
        yield data
    if left:
        raise CommandFailed(exits.FAILED, "the file became shorter while it was read")


def _copy(
    chunks: Iterable[bytes], file: BinaryIO, block_id: str, total: int | None, hasher: Hasher
) -> None:
    count = 0
    with Progress(block_id[:16], total) as progress:
        for data in chunks:
            hasher.update(data)
            with writing():
                file.write(data)
            count += len(data)
            progress.add(len(data))
        with writing():
            file.flush()
    if total is not None and count != total:
        raise CommandFailed(exits.FAILED, f"cut off after {count} of {total} bytes")
    if hasher.hexdigest() != block_id:
        raise CommandFailed(
            exits.FAILED, "what came does not hash to the id: it is not that block; do not use it"
        )


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when complete, and is gone otherwise.

    What is no regular file (a pipe, /dev/null) cannot be replaced, and is written to.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = _mode_for(target)
        if mode is None:
            with target.open("wb") as special:
                yield special
            return
        descriptor, temporary = tempfile.mkstemp(".part", ".edgenode-", target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandFailed(exits.FAILED, f"{path}: {error.strerror or error}") from None


def _mode_for(target: Path) -> int | None:
    """Return the mode of the file to come, or None where the target is no regular file."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None
