"""Changing the node's key: wherever it is cut short, one key is there whole, and told of."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgenode.core.errors import DataFolderError, DataFolderInUse
from edgenode.core.rotation import MAX_CHAIN, check_rotation
from edgenode.crypto import SigningKey, new_seed, verify
from edgenode.daemon.guard.rotating import own_rotations, rotate_key, rotate_locked, settle_rotation
from edgenode.store import files as store_files
from edgenode.store import keychange
from edgenode.store.identity import load_or_create_seed, read_seed
from edgenode.store.lock import FolderLock

NETWORK = "main"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    load_or_create_seed(tmp_path / "node.key", new_seed)
    return tmp_path / "node.key"


def node_id(key: Path) -> str:
    return SigningKey(read_seed(key)).public_key.hex()


def rotate(key: Path) -> None:
    rotate_key(key, key.parent / "lock", NETWORK, 1_700_000_000_000)


def files(key: Path) -> set[str]:
    return {path.name for path in key.parent.iterdir()}


def test_a_new_key(key: Path) -> None:
    old_id, old_text = node_id(key), key.read_bytes()
    rotate(key)
    (statement,) = own_rotations(key.parent)
    check_rotation(statement, NETWORK, verify)
    assert (statement.old_id, statement.new_id) == (old_id, node_id(key))
    assert old_id != node_id(key)
    assert key.stat().st_mode & 0o777 == 0o600
    assert files(key) == {"node.key", "node.rotations", "lock"}
    assert all(old_text.strip() not in path.read_bytes() for path in key.parent.iterdir())
    settle_rotation(key)
    assert files(key) == {"node.key", "node.rotations", "lock"}


def test_nothing_is_left_where_the_old_key_was(key: Path) -> None:
    with key.open("rb") as old:  # what is still there behind the name that is gone
        rotate(key)
        assert old.read() == b"0" * 64 + b"\n"


def test_a_chain(key: Path) -> None:
    ids = [node_id(key)]
    for _ in range(3):
        rotate(key)
        ids.append(node_id(key))
    told = own_rotations(key.parent)
    assert [item.old_id for item in told] == ids[:-1]
    assert [item.new_id for item in told] == ids[1:]


def test_the_chain_is_bounded(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgenode.daemon.guard.rotating.MAX_CHAIN", 2)
    for _ in range(3):
        rotate(key)
    assert len(own_rotations(key.parent)) == 2
    assert MAX_CHAIN * 1200 < keychange.MAX_STATEMENTS_BYTES


class Cut(BaseException):
    """The power goes."""


def steps(monkeypatch: pytest.MonkeyPatch, cut_at: int) -> Iterator[int]:
    """Let the power go before the step with this number, of all that change the disk."""
    count = 0

    def counted(call: Any) -> Any:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == cut_at:
                raise Cut
            return call(*arguments, **named)

        return step

    for name in ("open", "pwrite", "fsync"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    for module, name in (
        (keychange, "create_durably"),
        (keychange, "fsync_folder"),
        (store_files, "fsync_folder"),
        (store_files, "write_all"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    yield count


@pytest.mark.parametrize("cut_at", range(1, 40))
def test_the_power_goes(key: Path, cut_at: int) -> None:
    rotate(key)
    before = node_id(key)
    with pytest.MonkeyPatch.context() as patch:
        next(steps(patch, cut_at))
        try:
            rotate_locked(key, NETWORK, 1)
            whole = True
        except Cut:
            whole = False
    for _ in range(2):
        settle_rotation(key)
        (_, *later) = own_rotations(key.parent)
        if node_id(key) == before:
            assert not whole
            assert not later
        else:
            assert [(item.old_id, item.new_id) for item in later] == [(before, node_id(key))]
    assert not keychange.next_key(key).exists()
    rotate(key)
    assert own_rotations(key.parent)[-1].new_id == node_id(key)


def test_the_steps_are_all_cut(key: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        next(steps(patch, 39))
        rotate_locked(key, NETWORK, 1)  # fewer than that


def test_a_node_that_runs_keeps_its_key(key: Path) -> None:
    before = key.read_bytes()
    lock = FolderLock(key.parent / "lock")
    with pytest.raises(DataFolderInUse):
        rotate(key)
    lock.release()
    assert key.read_bytes() == before


def test_where_there_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match=r"holds no node\.key"):
        rotate(tmp_path / "node.key")
    settle_rotation(tmp_path / "node.key")


def test_a_retired_key_starts_nothing(key: Path) -> None:
    backup = key.read_bytes()
    rotate(key)
    key.write_bytes(backup)
    with pytest.raises(DataFolderError, match="retired"):
        settle_rotation(key)


def test_damaged_statements(key: Path) -> None:
    rotate(key)
    (key.parent / "node.rotations").write_bytes(b'{"rotations":[{}]}')
    with pytest.raises(DataFolderError, match="damaged"):
        settle_rotation(key)


def test_a_damaged_next_key_replaces_nothing(key: Path) -> None:
    before = key.read_bytes()
    keychange.next_key(key).write_bytes(b"x")
    settle_rotation(key)
    assert key.read_bytes() == before
    assert not keychange.next_key(key).exists()
