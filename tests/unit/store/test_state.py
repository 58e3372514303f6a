"""The state database: an epoch that never goes back, whatever happens to the file."""

import asyncio
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgenode.core.errors import DataFolderError, DataFolderInUse, StoreFailed, StoreFull
from edgenode.store import connection as connection_module
from edgenode.store.migrations import MIGRATIONS
from edgenode.store.state import State

ROOT = Path(__file__).resolve().parents[3]
COUNT = """
import asyncio, sys
from pathlib import Path
from edgenode.store.state import State

async def main():
    state = await State.open(Path(sys.argv[1]))
    while True:
        print(await state.next_epoch(), flush=True)

asyncio.run(main())
"""


async def epoch_of(path: Path) -> int:
    """Start once: the epoch of that start."""
    state = await State.open(path)
    try:
        return await state.next_epoch()
    finally:
        await state.close()


async def test_each_start_has_a_higher_epoch(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert [await epoch_of(path) for _ in range(4)] == [1, 2, 3, 4]
    state = await State.open(path)
    assert sorted(await asyncio.gather(*(state.next_epoch() for _ in range(5)))) == [5, 6, 7, 8, 9]
    await state.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_how_the_database_is_used(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")

    def settings(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "mmap_size", "locking_mode", "user_version")
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
        return [*found, threading.current_thread().name]

    found = await state.database.read(settings)
    assert found[:5] == ["wal", 2, 0, "exclusive", len(MIGRATIONS)]
    assert str(found[5]).startswith("state")
    await state.close()


async def test_an_epoch_above_another_is_reached_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = await State.open(path)
    assert await state.next_epoch(40) == 41
    assert await state.next_epoch(7) == 42
    await state.close()
    assert await epoch_of(path) == 43


async def test_an_epoch_is_in_the_file_when_it_is_returned(tmp_path: Path) -> None:
    """Not only in the WAL, whose damaged end SQLite drops without a word."""
    state = await State.open(tmp_path / "state.db")
    assert [await state.next_epoch() for _ in range(3)] == [1, 2, 3]
    shutil.copy(tmp_path / "state.db", tmp_path / "copy.db")
    await state.close()
    assert await epoch_of(tmp_path / "copy.db") == 4


def test_no_kill_takes_an_epoch_back(tmp_path: Path) -> None:
    chance = random.Random(1)
    last = 0
    for _ in range(10):
        command = [sys.executable, "-c", COUNT, str(tmp_path / "state.db")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(chance.randrange(1, 20))]
            child.kill()
            lines += child.stdout.readlines()
        epochs = [int(line) for line in lines if line.endswith(b"\n")]
        assert epochs[0] > last
        assert epochs == sorted(set(epochs))
        last = epochs[-1]


async def test_a_crash_while_it_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"

    def failing(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        with pytest.raises(DataFolderError, match="cannot be made: No space left"):
            await State.open(path)
    assert not path.exists()
    assert await epoch_of(path) == 1


async def test_the_wal_of_a_database_moved_away_is_not_played_in(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    other = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    for table in range(5):
        other.execute(f"CREATE TABLE other_{table} (x)")
    shutil.copy(tmp_path / "other.db-wal", tmp_path / "state.db-wal")
    other.close()
    assert await epoch_of(path) == 1
    assert await epoch_of(path) == 2


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"no database at all" * 500])
async def test_a_damaged_database_is_an_error_that_says_what_to_do(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(DataFolderError, match=r"damaged.*must never go back.*Move state\.db"):
        await State.open(path)
    assert path.read_bytes() == content


async def test_every_damage_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Pages flipped whole, cut files, and single bytes: never an epoch that was there before."""
    path = tmp_path / "state.db"
    for epoch in range(1, 6):
        assert await epoch_of(path) == epoch
    sound = path.read_bytes()
    assert not (tmp_path / "state.db-wal").exists()
    damaged = [sound[:size] for size in range(0, len(sound), 1024)]
    for at in range(0, len(sound), 4096):
        flipped = bytes(byte ^ 0xFF for byte in sound[at : at + 4096])
        damaged += [sound[:at] + flipped + sound[at + 4096 :]]
        damaged += [sound[:at] + bytes(4096) + sound[at + 4096 :]]
    used = [at for at in range(len(sound)) if sound[at]]
    used = [at for at in used if not 100 <= at < 4096 or at % 8 == 0]  # page 1: the tables' SQL
    for at in used:
        for bit in (1, 0x80):
            damaged.append(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
    errors = 0
    for content in damaged:
        (tmp_path / "state.db-wal").unlink(missing_ok=True)
        path.write_bytes(content)
        try:
            assert await epoch_of(path) == 6
        except (DataFolderError, StoreFailed):
            errors += 1
    assert errors > len(damaged) // 4


async def test_a_newer_database_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await epoch_of(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DataFolderError, match="written by a newer edgenode"):
        await State.open(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.close()
    assert await epoch_of(path) == 2


async def test_migrations_run_once_each_and_keep_the_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    await epoch_of(path)
    added = ("CREATE TABLE later (x)", "INSERT INTO later VALUES (1)")
    monkeypatch.setattr(connection_module, "MIGRATIONS", (*MIGRATIONS, added))
    assert [await epoch_of(path), await epoch_of(path)] == [2, 3]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT x FROM later").fetchall() == [(1,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    connection.close()


async def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    await epoch_of(path)
    added = ("CREATE TABLE later (x)", "INSERT INTO nowhere VALUES (1)")
    with monkeypatch.context() as patch:
        patch.setattr(connection_module, "MIGRATIONS", (*MIGRATIONS, added))
        with pytest.raises(DataFolderError):
            await State.open(path)
    assert await epoch_of(path) == 2


async def test_another_program_in_the_database_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "state.db"
    state = await State.open(path)
    await state.next_epoch()
    with pytest.raises(DataFolderInUse, match="open in another program"):
        await State.open(path)
    assert await state.next_epoch() == 2
    await state.close()


class Failing:
    """A connection whose commits fail with a result code of SQLite, `times` times."""

    def __init__(self, connection: sqlite3.Connection, code: int, times: int) -> None:
        self._connection = connection
        self._code = code
        self._times = times

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, *args: tuple[str, int]) -> sqlite3.Cursor:
        if sql == "COMMIT" and self._times:
            self._times -= 1
            error = sqlite3.OperationalError("as the test wants it")
            error.sqlite_errorcode = self._code
            raise error
        return self._connection.execute(sql, *args)

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(
    ("code", "error", "final"),
    [
        (sqlite3.SQLITE_FULL, StoreFull, False),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreFailed, True),
        (sqlite3.SQLITE_CORRUPT_INDEX, DataFolderError, True),
    ],
)
async def test_a_failed_commit(
    tmp_path: Path, code: int, error: type[Exception], final: bool
) -> None:
    """An fsync error is final; a full disk may be tried again."""
    state = await State.open(tmp_path / "state.db")
    assert await state.next_epoch() == 1
    database = state.database
    assert database._connection is not None
    database._connection = Failing(database._connection, code, 1)  # type: ignore[assignment]
    with pytest.raises(error):
        await state.next_epoch()
    if final:
        with pytest.raises(StoreFailed):
            await state.next_epoch()
    else:
        assert await state.next_epoch() == 2
    await state.close()
    assert await epoch_of(tmp_path / "state.db") == (2 if final else 3)


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    await state.close()
    await state.close()
    with pytest.raises(StoreFailed, match="closed"):
        await state.next_epoch()
    for thread in threading.enumerate():
        if thread.name.startswith("state"):
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()
