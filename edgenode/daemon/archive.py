"""The file that `edgenode export` writes: a tar whose first member says what follows.

`manifest.json` is {"format": "edgenode-node/1", "edgenode": version, "nodeId", "made" (ISO 8601),
"files": [{"name", "size", "sha3_512"}]}; then these files, in this order, and nothing else.
"""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from edgenode import __version__
from edgenode.core.errors import DecodeError, EdgenodeError
from edgenode.core.fields import Fields
from edgenode.core.strictjson import decode
from edgenode.crypto import new_block_hasher

FORMAT = "edgenode-node/1"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 16 * 1024  # a few lines for each of three files
MAX_FILES = 16
MAX_NAME_CHARS = 64
MAX_FILE_BYTES = 2**40  # a tebibyte: a wrong size ends with an error before it fills any disk
PIECE_BYTES = 256 * 1024  # few system calls, and little memory
FILE_MODE = 0o600


# What tarfile lets through of what it trips over in a header, beside its own errors.
_TRIPPED = (tarfile.TarError, ValueError, LookupError, ArithmeticError, EOFError, RecursionError)

Place = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens what a file of that name is written to."""


class ArchiveError(EdgenodeError):
    """What was given is no such file, not whole, or altered; the message says in what."""

    code = "archive-error"


class Entry(NamedTuple):
    """One file: its name, its size in bytes, its SHA3-512 as lowercase hex."""

    name: str
    size: int
    digest: str


def write_archive(target: BinaryIO, node_id: str, files: Sequence[Path]) -> None:
    """Write the files, whose names are kept and which must not change meanwhile.

    Raises OSError.
    """
    entries = [_entry(path) for path in files]
    manifest = {
        "format": FORMAT,
        "edgenode": __version__,
        "nodeId": node_id,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [{"name": e.name, "size": e.size, "sha3_512": e.digest} for e in entries],
    }
    text = json.dumps(manifest, indent=1).encode() + b"\n"
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for path, entry in zip(files, entries, strict=True):
            with path.open("rb") as source:
                archive.addfile(_member(entry.name, entry.size), source)


def read_archive(source: BinaryIO, known: Sequence[str], place: Place) -> tuple[str, list[str]]:
    """Read the whole of it, each file into what `place(name)` opens, and check it.

    Returns the nodeId and the names of the files, each one of `known`, none twice. ArchiveError:
    it is not what it should be; what was written by then is not to be used. Raises OSError.
    """
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            node_id, entries = _read_manifest(_next(archive, MANIFEST, MAX_MANIFEST_BYTES), known)
            for entry in entries:
                _copy(_next(archive, entry.name, entry.size), entry, place)
            if archive.next() is not None:
                message = "it has more in it than its manifest says"
                raise ArchiveError(message)
    except _TRIPPED as error:
        message = f"it is no file of edgenode export, or not whole ({error})"
        raise ArchiveError(message) from error
    return node_id, [entry.name for entry in entries]


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = FILE_MODE
    return member


def _entry(path: Path) -> Entry:
    hasher = new_block_hasher()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            hasher.update(piece)
            size += len(piece)
    return Entry(path.name, size, hasher.hexdigest())


def _next(archive: tarfile.TarFile, name: str, max_bytes: int) -> BinaryIO:
    """Return the contents of the next member, which must be the file `name`."""
    member = archive.next()
    if member is None or member.name != name or not member.isreg() or member.size > max_bytes:
        message = (
            f"it is no file of edgenode export, or not whole: {name} is not where it should be"
        )
        raise ArchiveError(message)
    contents = archive.extractfile(member)
    assert contents is not None
    return contents  # type: ignore[return-value]


def _read_manifest(contents: BinaryIO, known: Sequence[str]) -> tuple[str, list[Entry]]:
    try:
        text = contents.read(MAX_MANIFEST_BYTES)
        fields = Fields(decode(text, max_bytes=MAX_MANIFEST_BYTES), MANIFEST)
        form = fields.text("format", MAX_MANIFEST_BYTES)
        node_id = fields.text("nodeId", MAX_NAME_CHARS)
        entries = [
            Entry(
                item.text("name", MAX_NAME_CHARS),
                item.integer("size", 0, MAX_FILE_BYTES),
                item.block_id("sha3_512"),
            )
            for item in fields.items("files", MAX_FILES)
        ]
    except DecodeError as error:
        message = f"its {MANIFEST} does not say what it should"
        raise ArchiveError(message) from error
    if form != FORMAT:
        message = f"its format is {ascii(form)[:60]}, this edgenode knows {FORMAT}"
        raise ArchiveError(message)
    names = [entry.name for entry in entries]
    if not set(names) <= set(known) or len(set(names)) < len(names):
        message = f"its {MANIFEST} does not say what it should"
        raise ArchiveError(message)
    return node_id, entries


def _copy(contents: BinaryIO, entry: Entry, place: Place) -> None:
    hasher = new_block_hasher()
    left = entry.size
    with place(entry.name) as target:
        while left and (piece := contents.read(min(left, PIECE_BYTES))):
            hasher.update(piece)
            target.write(piece)
            left -= len(piece)
    if left or hasher.hexdigest() != entry.digest:
        message = f"{entry.name} in it is not whole, or was altered"
        raise ArchiveError(message)
