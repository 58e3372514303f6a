"""The one writer: groups that share a commit, calls that fail alone, a disk that is full."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.store import database as database_module
from edgenode.store.database import Database

Call = Callable[[sqlite3.Connection], None]


def put(name: str) -> Call:
    def call(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO named_values VALUES (?, '', 0)", (name,))

    return call


def names(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM named_values WHERE name <> 'epoch' ORDER BY name")
    return [name for (name,) in rows.fetchall()]


async def names_on_disk(database: Database) -> list[str]:
    """What a start would find after a crash now: the files as they are, in another place."""
    folder = database._path.parent
    copy = folder / "copy"
    copy.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        (copy / f"state.db{suffix}").write_bytes((folder / f"state.db{suffix}").read_bytes())
    other = await Database.open(copy / "state.db")
    try:
        return await other.read(names)
    finally:
        await other.close()


class Watched:
    """A connection that notes its commits and fails those that it is told to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.commits = 0
        self.fail_with: int | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, *args: tuple[str, ...]) -> sqlite3.Cursor:
        if sql == "COMMIT":
            if self.fail_with is not None:
                error = sqlite3.OperationalError("as the test wants it")
                error.sqlite_errorcode, self.fail_with = self.fail_with, None
                raise error
            self.commits += 1
        return self._connection.execute(sql, *args)


def watch(database: Database) -> Watched:
    assert database._connection is not None
    watched = Watched(database._connection)
    database._connection = watched  # type: ignore[assignment]
    return watched


async def test_writes_that_come_together_share_a_commit(database: Database) -> None:
    watched = watch(database)
    await asyncio.gather(*(database.write(put(f"{n:03}"), durable=True) for n in range(100)))
    assert len(await names_on_disk(database)) == 100
    assert 1 <= watched.commits <= 3
    await asyncio.gather(*(database.write(put(f"x{n}"), durable=True) for n in range(300)))
    assert len(await database.read(names)) == 400


async def test_one_that_is_not_durable_is_seen_and_comes_with_the_next(database: Database) -> None:
    watched = watch(database)
    await database.write(put("a"), durable=False)
    assert await database.read(names) == ["a"]
    assert await names_on_disk(database) == []
    await database.write(put("b"), durable=True)
    assert await names_on_disk(database) == ["a", "b"]
    await database.write(put("c"), durable=False)
    await database.commit()
    assert await names_on_disk(database) == ["a", "b", "c"]
    assert watched.commits == 2


async def test_what_is_not_durable_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MAX_OPEN_CHANGES", 10)
    watched = watch(database)
    for n in range(25):
        await database.write(put(f"{n:02}"), durable=False)
    assert watched.commits == 2
    assert len(await names_on_disk(database)) == 22


async def test_a_call_that_fails_leaves_nothing_and_takes_nobody_along(database: Database) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        put("bad")(connection)
        raise Busy("full")

    together = (put("a"), fails, put("b"))
    results = await asyncio.gather(
        *(database.write(call, durable=True) for call in together), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), Busy, type(None)]
    assert await names_on_disk(database) == ["a", "b"]


async def test_calls_run_in_order(database: Database) -> None:
    first = asyncio.ensure_future(database.write(put("a"), durable=True))
    await asyncio.sleep(0)
    seen = asyncio.ensure_future(database.read(names))
    await asyncio.sleep(0)
    await first
    assert "a" in await seen


async def test_a_full_disk_takes_all_since_the_last_commit_and_says_so(database: Database) -> None:
    watched = watch(database)
    await database.write(put("kept"), durable=True)
    await database.write(put("open"), durable=False)
    assert database.losses == 0
    watched.fail_with = sqlite3.SQLITE_FULL
    together = (put("a"), put("b"))
    results = await asyncio.gather(
        *(database.write(call, durable=True) for call in together), return_exceptions=True
    )
    assert all(isinstance(result, StoreFull) for result in results)
    assert results[0] is not results[1]
    assert database.losses == 1
    assert await database.read(names) == ["kept"]
    watched.fail_with = sqlite3.SQLITE_FULL
    with pytest.raises(StoreFull):
        await database.write(put("c"), durable=True)
    assert database.losses == 1  # its caller knows
    await database.write(put("again"), durable=True)
    assert await names_on_disk(database) == ["again", "kept"]


async def test_a_disk_that_is_full_in_the_middle_takes_the_same(database: Database) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        put("half")(connection)
        error = sqlite3.OperationalError("as the test wants it")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    await database.write(put("open"), durable=False)
    results = await asyncio.gather(
        *(database.write(call, durable=True) for call in (put("a"), fails, put("b"))),
        return_exceptions=True,
    )
    assert any(isinstance(result, StoreFull) for result in results)
    await database.commit()
    seen = await database.read(names)
    assert "half" not in seen
    for name, result in zip("ab", (results[0], results[2]), strict=True):
        assert (name in seen) == (result is None)  # in a group of its own, or lost with it
    assert ("open" in seen) == (database.losses == 0)


async def test_a_failed_disk_is_final_for_all(database: Database) -> None:
    watched = watch(database)
    watched.fail_with = sqlite3.SQLITE_IOERR_FSYNC
    with pytest.raises(StoreFailed, match="as the test wants it"):
        await database.write(put("a"), durable=True)
    for _ in range(3):
        with pytest.raises(StoreFailed):
            await database.write(put("b"), durable=True)
    with pytest.raises(StoreFailed):
        await database.read(names)
    assert not database._writes


async def test_no_more_than_a_bound_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MAX_WAITING", 3)
    block = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(_: sqlite3.Connection) -> None:
        asyncio.run_coroutine_threadsafe(block.wait(), loop).result(10)

    reading = asyncio.ensure_future(database.read(wait))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(database.write(put(n), durable=True)) for n in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await database.write(put("d"), durable=True)
    block.set()
    await asyncio.gather(reading, *waiting)
    assert await database.read(names) == ["a", "b", "c"]


async def test_a_cancelled_write_is_carried_out(database: Database) -> None:
    task = asyncio.ensure_future(database.write(put("a"), durable=True))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await database.read(names) == ["a"]
    assert await names_on_disk(database) == ["a"]
    assert not database._writes


async def test_closing_saves_what_is_not_durable(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    await database.write(put("a"), durable=False)
    await database.close()
    with pytest.raises(StoreFailed, match="closed"):
        await database.write(put("b"), durable=True)
    again = await Database.open(tmp_path / "state.db")
    assert await again.read(names) == ["a"]
    await again.close()


async def test_a_call_of_its_own_transactions_comes_after_what_is_open(database: Database) -> None:
    def checkpoint(connection: sqlite3.Connection) -> int:
        (blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return int(blocked)

    await database.write(put("a"), durable=False)
    assert await database.alone(checkpoint) == 0
    assert await names_on_disk(database) == ["a"]
