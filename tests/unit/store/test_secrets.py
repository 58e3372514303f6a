"""The node's key and the operator's token: private from the first byte, never replaced."""

import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenode.core.errors import DataFolderError
from edgenode.store import files
from edgenode.store.files import make_private_folder
from edgenode.store.identity import load_or_create_seed
from edgenode.store.token import load_or_create_token

SEED = bytes(range(32))


def new_seed() -> bytes:
    return SEED


def never() -> bytes:
    pytest.fail("a second key was made")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    assert load_or_create_seed(path, new_seed) == (SEED, True)
    assert path.read_text() == SEED.hex() + "\n"
    assert mode(path) == 0o600
    assert load_or_create_seed(path, never) == (SEED, False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["node.key"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_key_is_private_before_its_first_byte_and_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    steps = []
    write, fsync = os.write, os.fsync

    def seen_write(fd: int, data: bytes) -> int:
        status = os.fstat(fd)
        steps.append(f"write {stat.S_IMODE(status.st_mode):o} {status.st_size}")
        return write(fd, data)

    def seen_fsync(fd: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file"
        named = "named" if (tmp_path / "node.key").exists() else "unnamed"
        steps.append(f"fsync {kind} {named}")
        fsync(fd)

    monkeypatch.setattr(os, "write", seen_write)
    monkeypatch.setattr(os, "fsync", seen_fsync)
    before = os.umask(umask)
    try:
        load_or_create_seed(tmp_path / "node.key", new_seed)
    finally:
        os.umask(before)
    assert steps == ["write 600 0", "fsync file unnamed", "fsync folder named"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        SEED.hex()[:-1],
        SEED.hex()[:32],
        SEED.hex() + "00",
        SEED.hex().upper(),
        "g" * 64,
        "0" * 32 + "\n" + "0" * 31,
        "\0" * 64,
        "\u0661" * 32,
    ],
)
def test_a_damaged_key_is_an_error_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "node.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(DataFolderError, match=r"node\.key is damaged") as caught:
        load_or_create_seed(path, never)
    assert path.read_text() == text
    assert not text.strip() or text.strip() not in str(caught.value)


def test_a_key_that_others_can_read_is_tightened_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "node.key"
    path.write_text(SEED.hex())
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert load_or_create_seed(path, never) == (SEED, False)
    assert mode(path) == 0o600
    assert "its mode was 644" in caplog.text
    caplog.clear()
    load_or_create_seed(path, never)
    assert caplog.text == ""


def test_a_key_that_cannot_be_tightened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.key"
    path.write_text(SEED.hex())
    path.chmod(0o640)
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: None)  # as FAT does
    with pytest.raises(DataFolderError, match="mode 640"):
        load_or_create_seed(path, never)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def make_dangling(path: Path) -> None:
    path.symlink_to(path.with_name("missing"))


@pytest.mark.parametrize("make", [make_folder, make_pipe, make_dangling])
def test_what_is_no_file_is_an_error(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "node.key")
    with pytest.raises(DataFolderError, match=r"node\.key"):
        load_or_create_seed(tmp_path / "node.key", new_seed)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="No such file"):
        load_or_create_seed(tmp_path / "missing" / "node.key", new_seed)


def test_a_seed_of_another_size_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        load_or_create_seed(tmp_path / "node.key", lambda: b"short")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["write", "fsync", "link"])
def test_a_failing_disk_leaves_no_key_or_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def failing(*args: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, failing)
        with pytest.raises(DataFolderError, match="No space left"):
            load_or_create_seed(tmp_path / "node.key", new_seed)
    assert list(tmp_path.iterdir()) == []
    assert load_or_create_seed(tmp_path / "node.key", new_seed) == (SEED, True)


def test_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    load_or_create_seed(tmp_path / "node.key", new_seed)
    (tmp_path / ".node.key.0123456789abcdef.tmp").hardlink_to(tmp_path / "node.key")
    load_or_create_seed(tmp_path / "node.key", never)
    assert [entry.name for entry in tmp_path.iterdir()] == ["node.key"]


def test_of_many_that_make_a_key_at_once_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even without the folder's lock no key is replaced by another one."""
    start, lock = threading.Barrier(8), threading.Lock()
    found: list[tuple[bytes, bool]] = []
    real = files.create_durably

    def together(path: Path, data: bytes) -> bool:
        start.wait(10)
        return real(path, data)

    monkeypatch.setattr("edgenode.store.secret.create_durably", together)

    def make() -> None:
        result = load_or_create_seed(tmp_path / "node.key", lambda: os.urandom(32))
        with lock:
            found.append(result)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert sum(created for _, created in found) == 1
    assert {seed for seed, _ in found} == {load_or_create_seed(tmp_path / "node.key", never)[0]}


def test_a_token_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "operator.token"
    token = load_or_create_token(path)
    assert len(token) == 64
    assert load_or_create_token(path) == token == path.read_text().strip()
    assert mode(path) == 0o600
    assert load_or_create_token(tmp_path / "another.token") != token


def test_an_operator_may_choose_a_token(tmp_path: Path) -> None:
    path = tmp_path / "operator.token"
    chosen = "Chosen-by_an.operator~0123456789+/=="
    path.write_text(f"  {chosen}\n\n")
    path.chmod(0o600)
    assert load_or_create_token(path) == chosen


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 31, "a" * 1025, "a" * 20 + " " + "a" * 20, "ä" * 40, "=" * 9]
)
def test_a_token_that_is_none_is_an_error_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "operator.token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(DataFolderError, match="holds no token"):
        load_or_create_token(path)
    assert path.read_text() == text


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)
    (tmp_path / "a").chmod(0o750)
    make_private_folder(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o750  # its owner chose so
