"""`edgenode id rotate`: what is printed, and where it does nothing."""

import json
from pathlib import Path

import pytest

from edgenode.cli import exits
from edgenode.cli.main import main
from edgenode.crypto import SigningKey
from edgenode.daemon.guard.rotating import own_rotations
from edgenode.store.identity import load_or_create_seed, read_seed
from edgenode.store.lock import FolderLock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_or_create_seed(tmp_path / "node.key", lambda: bytes(range(32)))
    return tmp_path


def run(folder: Path, *more: str) -> int:
    (folder / "edgenode.toml").write_text('network = "elsewhere"\n')
    return main(
        [
            "id",
            "rotate",
            "--config",
            str(folder / "edgenode.toml"),
            "--data-dir",
            str(folder),
            *more,
        ]
    )


def test_a_new_id(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == exits.OK
    new_id = SigningKey(read_seed(folder / "node.key")).public_key.hex()
    old_id = SigningKey(bytes(range(32))).public_key.hex()
    printed = capsys.readouterr()
    assert printed.out == new_id + "\n"
    assert f"{old_id} is retired" in printed.err
    (statement,) = own_rotations(folder)
    assert (statement.old_id, statement.new_id) == (old_id, new_id)
    assert bytes(range(32)).hex() not in printed.out + printed.err


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--json") == exits.OK
    assert json.loads(capsys.readouterr().out)["newNodeId"] == own_rotations(folder)[0].new_id


def test_a_running_node_keeps_its_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = FolderLock(folder / "lock")
    assert run(folder) == exits.FAILED
    lock.release()
    assert "stop it first" in capsys.readouterr().err
    assert read_seed(folder / "node.key") == bytes(range(32))


def test_no_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == exits.FAILED
    assert "holds no node.key" in capsys.readouterr().err


def test_a_key_of_the_service_manager(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    credentials = tmp_path_factory.mktemp("credentials")
    (credentials / "edgenode.node-key").write_text("00" * 32)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert run(folder) == exits.FAILED
    assert "credential" in capsys.readouterr().err
    assert read_seed(folder / "node.key") == bytes(range(32))


def test_the_statements_move_with_the_node(folder: Path, tmp_path: Path) -> None:
    assert run(folder) == exits.OK
    file, other = tmp_path / "node.tar", tmp_path / "other"
    for command in (["export", "--identity", str(file)], ["import", str(file)]):
        place = folder if command[0] == "export" else other
        assert main([*command, "--data-dir", str(place)]) == exits.OK
    assert read_seed(other / "node.key") == read_seed(folder / "node.key")
    told = [statement.to_data() for statement in own_rotations(folder)]
    assert [statement.to_data() for statement in own_rotations(other)] == told != []
