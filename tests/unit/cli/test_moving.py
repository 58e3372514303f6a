"""`edgenode export` and `import`: a node goes whole from one folder to another, or not at all."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenode.cli.main import main
from edgenode.daemon.datadir import open_data_folder
from edgenode.store.lock import FolderLock

ROOT = Path(__file__).resolve().parents[3]
FILES = ("node.key", "operator.token", "state.db")


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    """The folder of a node that has been started twice."""
    folder = tmp_path / "data"
    for _ in range(2):
        async with open_data_folder(folder):
            pass
    return folder


def edgenode(data_dir: Path, *arguments: str | Path) -> int:
    return main(["--data-dir", str(data_dir), *map(str, arguments)])


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]


def rewrite(file: Path, contents: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


async def test_a_node_moves(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "node.tar", tmp_path / "new"
    assert edgenode(data_dir, "export", file) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "never run twice" in capsys.readouterr().err
    assert list(members(file))[1:] == list(FILES)

    assert edgenode(new, "import", file) == 0
    assert {path.name for path in new.iterdir()} == {*FILES, "lock"}
    for name in FILES:
        assert (new / name).stat().st_mode & 0o777 == 0o600
        assert (new / name).stat().st_uid == new.stat().st_uid
    async with open_data_folder(data_dir) as old, open_data_folder(new) as moved:
        assert moved.key.public_key == old.key.public_key
        assert moved.token == old.token
        assert (old.epoch, moved.epoch, moved.key_is_new) == (3, 3, False)


async def test_the_last_changes_are_in_it(data_dir: Path, tmp_path: Path) -> None:
    """A node that was killed leaves changes beside its database."""
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from edgenode.store.state import State\n"
        "async def use():\n"
        "    state = await State.open(Path(sys.argv[1]))\n"
        "    await state.database.write(lambda c: c.execute(\n"
        "        \"INSERT INTO heat VALUES (1, x'00', x'00')\"), durable=True)\n"
        "    os._exit(0)\n"
        "asyncio.run(use())\n"
    )
    command = [sys.executable, "-c", script, str(data_dir / "state.db")]
    await asyncio.to_thread(subprocess.check_call, command, cwd=ROOT)
    assert (data_dir / "state.db-wal").stat().st_size
    assert edgenode(data_dir, "export", tmp_path / "node.tar") == 0
    assert edgenode(tmp_path / "new", "import", tmp_path / "node.tar") == 0
    async with open_data_folder(tmp_path / "new") as moved:
        rows = await moved.state.database.read(
            lambda c: c.execute("SELECT count(*) FROM heat").fetchone()
        )
        assert rows == (1,)


def test_while_it_runs_only_the_identity_may_be_taken(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = FolderLock(data_dir / "lock")
    try:
        assert edgenode(data_dir, "export", tmp_path / "whole.tar") == 1
        assert f"in use by process {os.getpid()}: stop it first" in capsys.readouterr().err
        assert not (tmp_path / "whole.tar").exists()
        assert edgenode(data_dir, "export", "--identity", tmp_path / "identity.tar") == 0
        assert list(members(tmp_path / "identity.tar"))[1:] == ["node.key", "operator.token"]
    finally:
        lock.release()
    new = tmp_path / "new"
    new.mkdir()
    lock = FolderLock(new / "lock")
    try:
        assert edgenode(new, "import", tmp_path / "identity.tar") == 1
        assert list(new.iterdir()) == [new / "lock"]
    finally:
        lock.release()
    assert edgenode(new, "import", tmp_path / "identity.tar") == 0
    assert (new / "node.key").read_text() == (data_dir / "node.key").read_text()


def test_nothing_is_overwritten(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "node.tar"
    file.write_text("something else")
    assert edgenode(data_dir, "export", file) == 1
    assert file.read_text() == "something else"
    file.unlink()
    assert edgenode(data_dir, "export", file) == 0
    for name in FILES:
        new = tmp_path / f"with-{name}"
        new.mkdir()
        (new / name).write_text("the only copy")
        assert edgenode(new, "import", file) == 1
        assert f"Move {name} away" in capsys.readouterr().err
        assert {path.name for path in new.iterdir()} == {name, "lock"}
        assert (new / name).read_text() == "the only copy"


def test_blocks_that_were_copied_before_stay(data_dir: Path, tmp_path: Path) -> None:
    assert edgenode(data_dir, "export", tmp_path / "node.tar") == 0
    (tmp_path / "new" / "blocks").mkdir(parents=True)
    assert edgenode(tmp_path / "new", "import", tmp_path / "node.tar") == 0
    assert (tmp_path / "new" / "blocks").is_dir()


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


def alter(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        contents = members(file)
        contents[name] = change(contents[name])
        rewrite(file, contents)

    return apply


def manifest(**values: object) -> Callable[[Path], None]:
    return alter("manifest.json", lambda text: json.dumps(json.loads(text) | values).encode())


def without_key(file: Path) -> None:
    contents = members(file)
    text = json.loads(contents["manifest.json"])
    text["files"] = [entry for entry in text["files"] if entry["name"] != "node.key"]
    del contents["node.key"]
    rewrite(file, contents | {"manifest.json": json.dumps(text).encode()})


def more(file: Path) -> None:
    rewrite(file, members(file) | {"blocks": b"more"})


def renamed(file: Path) -> None:
    contents = members(file)
    text = json.loads(contents["manifest.json"])
    text["files"][2]["name"] = "../state.db"
    contents["manifest.json"] = json.dumps(text).encode()
    contents["../state.db"] = contents.pop("state.db")
    rewrite(file, contents)


def linked(file: Path) -> None:
    contents = members(file)
    with tarfile.open(file, "w") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if name == "node.key":
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/hostname", 0
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut, "not whole"),
        (lambda file: file.write_bytes(b"no tar at all" * 100), "no file of edgenode export"),
        (lambda file: file.write_bytes(b""), "no file of edgenode export"),
        (alter("operator.token", lambda token: bytes([token[0] ^ 1]) + token[1:]), "was altered"),
        (alter("state.db", lambda data: data[:5000] + b"?" + data[5001:]), "was altered"),
        (manifest(format="edgenode-node/2"), "its format is 'edgenode-node/2'"),
        (manifest(nodeId="ab" * 32), "not that of the node"),
        (manifest(files=[{"name": "node.key", "size": "1"}]), "does not say what it should"),
        (manifest(files=7), "does not say what it should"),
        (without_key, "no node.key"),
        (more, "more in it"),
        (renamed, "does not say what it should"),
        (linked, "node.key is not where it should be"),
    ],
)
def test_what_is_not_whole_leaves_nothing(
    data_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    message: str,
) -> None:
    file, new = tmp_path / "node.tar", tmp_path / "new"
    assert edgenode(data_dir, "export", file) == 0
    spoil(file)
    capsys.readouterr()
    assert edgenode(new, "import", file) == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in new.iterdir()] == ["lock"]


def test_a_state_of_another_edgenode_is_refused(
    data_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert edgenode(data_dir, "export", tmp_path / "node.tar") == 0
    monkeypatch.setattr("edgenode.store.snapshot.MIGRATIONS", ("one",))
    assert edgenode(tmp_path / "new", "import", tmp_path / "node.tar") == 1
    assert "install the one that it comes from" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["lock"]


def test_a_folder_without_a_node_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edgenode(tmp_path, "export", tmp_path / "node.tar") == 1
    assert "holds no node.key" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_from_pipe_to_pipe(data_dir: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgenode", "--data-dir"]
    sent = subprocess.run(
        [*command, data_dir, "export", "-"], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(
        [*command, tmp_path / "new", "import", "-"], cwd=ROOT, input=sent.stdout, check=True
    )
    assert (tmp_path / "new" / "node.key").read_text() == (data_dir / "node.key").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_root_leaves_the_files_to_the_owner_of_the_folder(data_dir: Path, tmp_path: Path) -> None:
    assert edgenode(data_dir, "export", tmp_path / "node.tar") == 0
    new = tmp_path / "new"
    new.mkdir()
    os.chown(new, 12345, 12345)
    assert edgenode(new, "import", tmp_path / "node.tar") == 0
    for path in new.iterdir():
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345), path.name


async def test_what_was_joined_moves_along(data_dir: Path, tmp_path: Path) -> None:
    kept = {"joined.json": '{"network":{"id":"home","secret":true},"nodes":[]}\n'}
    kept["network.secret"] = "c4f1d2a09b8e7765c4f1d2a09b8e7764\n"
    for name, text in kept.items():
        (data_dir / name).write_text(text)
    file, new = tmp_path / "node.tar", tmp_path / "new"
    assert edgenode(data_dir, "export", file) == 0
    assert edgenode(new, "import", file) == 0
    for name, text in kept.items():
        assert (new / name).read_text() == text
        assert (new / name).stat().st_mode & 0o777 == 0o600
    assert edgenode(data_dir, "export", "--identity", tmp_path / "identity.tar") == 0
    assert not kept.keys() & members(tmp_path / "identity.tar").keys()
