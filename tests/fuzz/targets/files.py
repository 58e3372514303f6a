"""What is read from files: configuration, archives, the state database."""

import io
import json
import sqlite3
import tarfile
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from edgenode.core.address import Address, address_key
from edgenode.daemon.archive import ArchiveError, read_archive, write_archive
from edgenode.daemon.config.lines import key_lines
from edgenode.daemon.config.load import ConfigError, parse_config
from edgenode.store import addresses
from edgenode.store.migrations import MIGRATIONS
from edgenode.store.rows import data_of, type_of
from tests.fuzz.engine import Target
from tests.fuzz.targets.events import PEER

KNOWN = ("node.key", "config.toml")
MAX_ROWS = 20


def config(data: bytes) -> str:
    """A configuration that cannot be used is told of by lines that the file has."""
    text = data.decode("utf-8", "replace")
    key_lines(text)
    try:
        parse_config(text, "f")
    except ConfigError as error:
        lines = len(text.splitlines())
        assert error.problems
        assert all(each.line is None or 0 <= each.line <= lines for each in error.problems)
        raise
    return "taken"


def archive(data: bytes) -> str:
    """Only files that are known are written, once each."""
    placed: list[str] = []

    def place(name: str) -> nullcontext[BinaryIO]:
        assert name in KNOWN and name not in placed
        placed.append(name)
        return nullcontext(io.BytesIO())

    node_id, names = read_archive(io.BytesIO(_with_sums(data)), KNOWN, place)
    assert names == placed
    return node_id[:4]


def _with_sums(data: bytes) -> bytes:
    """Put right the sum of each header that has one, or little of an archive would be looked at."""
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    for number, block in enumerate(blocks):
        if len(block) == 512 and block[257:262] == b"ustar":
            blank = block[:148] + b" " * 8 + block[156:]
            blocks[number] = block[:148] + b"%06o\0 " % sum(blank) + block[156:]
    return b"".join(blocks)


def address_rows(data: bytes) -> str:
    """Whatever the table holds, what is loaded of it are addresses that could be dialled."""
    try:
        rows: Any = json.loads(data)
    except (ValueError, RecursionError):
        return "no rows"
    connection = _database()
    for row in rows[:MAX_ROWS] if isinstance(rows, list) else ():
        if not isinstance(row, list):
            continue
        values = [_cell(value) for value in row]
        for table in ("addresses", "anchors"):
            marks = ",".join("?" * len(values))
            try:
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
            except (sqlite3.Error, OverflowError, ValueError):
                continue
        if len(values) == 1:
            addresses._set(connection, "address-key", str(row[0]).replace("\ud800", ""))
            addresses._set(connection, "address-clock", str(row[0]).replace("\ud800", ""))
    kept = addresses._load(connection)
    for entry, _ in kept.entries:
        assert isinstance(entry, Address)
        assert address_key(entry.host, entry.port) == entry.key
    assert len(kept.secret) in (0, 16)
    assert all(0 < anchor.port <= 65535 for anchor in kept.anchors)
    connection.rollback()
    return f"{len(kept.entries)} {len(kept.anchors)} {bool(kept.secret)}"


def record_data(data: bytes) -> str:
    """Data of a record that is damaged is told of as such."""
    type_of(len(data) % 3)
    found = data_of(data.decode("utf-8", "surrogateescape"))
    assert isinstance(found, dict)
    return str(len(found))


def _cell(value: Any) -> Any:
    """Give what a cell holds: a text with x: before it stands for bytes."""
    if isinstance(value, str) and value.startswith("x:"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            return value.encode("utf-8", "surrogatepass")
    return None if isinstance(value, dict | list) else value


def _made() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    for statements in MIGRATIONS:
        for statement in statements:
            connection.execute(statement)
    connection.commit()
    return connection


_CONNECTIONS: list[sqlite3.Connection] = []


def _database() -> sqlite3.Connection:
    """Return the database, with nothing in it: it is rolled back after each run."""
    if not _CONNECTIONS:
        _CONNECTIONS.append(_made())
    _CONNECTIONS[0].rollback()
    return _CONNECTIONS[0]


def _archive_seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in KNOWN]
        for path in files:
            path.write_bytes(path.name.encode() * 9)
        target = io.BytesIO()
        write_archive(target, PEER, files)
    whole = target.getvalue()
    other = io.BytesIO()
    with tarfile.open(fileobj=other, mode="w", format=tarfile.GNU_FORMAT) as made:
        for kind in (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.GNUTYPE_SPARSE, tarfile.CHRTYPE):
            member = tarfile.TarInfo("n" * 150)
            member.type = kind
            made.addfile(member)
    more = [_headed(sparse) for sparse in ({"GNU.sparse.map": "0,1", "GNU.sparse.size": "4"}, {})]
    return [whole, whole[: len(whole) // 2 // 512 * 512], other.getvalue(), *more]


def _headed(sparse: dict[str, str]) -> bytes:
    """Return an archive with extended headers, of which tarfile reads many and checks few."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as made:
        member = tarfile.TarInfo("manifest.json")
        member.pax_headers = {
            "size": "5",
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "path": "a",
            "mtime": "x",
            "hdrcharset": "BINARY",
            **sparse,
        }
        made.addfile(member)
    return target.getvalue()


_CONFIG = b"""# a comment
data_dir = "/tmp/x"
network = "main"
[server]
http_port = 4280
ws_port = 4242
bind = "::"
[bootstrap]
nodes = ["192.0.2.1:4242", { address = "node.example.org", port = 4242 }]
[network]
secret = "0123456789abcdef0123456789abcdef"
members = ["fleet"]
[storage]
max_bytes = "10 GiB"
[rate_limit]
window = 60
[[x.y]]
'a b' = \"\"\"
z\"\"\"
"""
_TOML = (b"[", b"]]", b"[[", b"=", b'"""', b"'''", b"\n", b"{", b"1979-05-27T07:32:00Z", b"inf")
_ROWS = json.dumps(
    [
        ["x:c00002011092", "x:" + PEER, "x:c633", 1, 5, 5, 0],
        ["x:" + "20010db8" * 4 + "1092", "x:", "x:2001", 0, 1, 0, 3],
        ["192.0.2.1", 4242, "x:" + PEER],
        ["0123456789abcdef0123456789abcdef"],
        ["77"],
    ]
).encode()

TARGETS = (
    Target("config", config, (ConfigError,), lambda: [_CONFIG], _TOML, 1),
    Target("archive", archive, (ArchiveError,), _archive_seeds, (PEER.encode(), b"\0" * 512), 1),
    Target("address-rows", address_rows, (), lambda: [_ROWS], (b"x:", b'"', b","), 1),
    Target(
        "record-data",
        record_data,
        (sqlite3.DatabaseError,),
        lambda: [b'{"class":"HOT"}', b'{"user":{"a":"b"}}', b"[1]", b"[" * 9000],
    ),
)
