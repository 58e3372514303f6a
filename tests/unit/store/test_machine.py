"""A data folder on another machine than the one on which it was begun."""

import logging
from pathlib import Path

import pytest

from edgenode.cli.doctor.check import OK, WARNING
from edgenode.cli.doctor.machine import check_machine
from edgenode.crypto import digest16
from edgenode.daemon.guard.machine import was_begun_here
from edgenode.store.machine import MACHINE_FILE, fingerprint, is_at_home, settle


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """The system's id, and the number of the board."""
    system, board = tmp_path / "machine-id", tmp_path / "serial-number"
    system.write_text("0123456789abcdef0123456789abcdef\n")
    board.write_bytes(b"00000000deadbeef\0")
    return system, board


def test_a_fingerprint_is_of_the_machine_and_hides_its_id(sources: tuple[Path, Path]) -> None:
    system, board = sources
    here = fingerprint(digest16, sources)
    assert here == fingerprint(digest16, sources)
    assert system.read_text().strip() not in here
    # A card that was copied whole has the system's id with it; the board is another one.
    board.write_bytes(b"00000000cafebabe\0")
    assert fingerprint(digest16, sources) != here
    board.unlink()
    alone = fingerprint(digest16, sources)
    assert alone not in ("", here)
    system.unlink()
    assert fingerprint(digest16, sources) == ""


def test_a_folder_that_moved_is_warned_of_until_it_is_settled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settle(tmp_path, "one")
    settle(tmp_path, "one")
    assert not caplog.records
    assert check_machine(tmp_path, is_at_home(tmp_path, "one")).state == OK
    for _ in range(2):
        caplog.clear()
        settle(tmp_path, "two")
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert record.event == "machine-changed"  # type: ignore[attr-defined]
        found = check_machine(tmp_path, is_at_home(tmp_path, "two"))
        assert found.state == WARNING
        assert str(tmp_path / MACHINE_FILE) in found.remedy
    (tmp_path / MACHINE_FILE).unlink()
    caplog.clear()
    settle(tmp_path, "two")
    assert not caplog.records
    assert is_at_home(tmp_path, "two")
    assert not is_at_home(tmp_path, "one")


def test_where_the_machine_tells_nothing(tmp_path: Path) -> None:
    settle(tmp_path, "")
    assert not (tmp_path / MACHINE_FILE).exists()
    settle(tmp_path, "one")
    settle(tmp_path, "")
    assert is_at_home(tmp_path, "")
    assert check_machine(tmp_path / "missing", was_begun_here(tmp_path / "missing")).state == OK
