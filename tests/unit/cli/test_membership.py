"""`edgenode membership`: what it signs is what nodes take."""

import json
import stat
import time
from pathlib import Path

import pytest

from edgenode.cli import exits
from edgenode.cli.main import main
from edgenode.core.errors import ProtocolError
from edgenode.core.membership import Members, decode_membership, decode_text
from edgenode.crypto import verify

NODE = "ab" * 32
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """A fleet's key: its file and its public half."""
    file = tmp_path / "fleet.key"
    assert main(["membership", "new-key", str(file)]) == 0
    return file, capsys.readouterr().out.strip()


def test_a_new_key_is_private_and_never_replaced(
    key: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, public = key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_text()
    assert len(public) == 64
    assert public not in kept
    assert main(["membership", "new-key", str(file)]) == exits.FAILED
    assert "is there already" in capsys.readouterr().err
    assert file.read_text() == kept


def test_what_is_signed_is_taken(key: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    file, public = key
    sign = ["membership", "sign", str(file), NODE.upper(), "--network", "n", "--days", "2"]
    assert main(sign) == 0
    captured = capsys.readouterr()
    signed = decode_text(captured.out.encode())
    now_ms = time.time_ns() // 1_000_000
    Members("n", [], [public], verify, lambda: now_ms).check(NODE, signed)
    until = decode_membership(signed).not_after_ms
    assert until is not None
    assert abs(until - now_ms - 2 * DAY_MS) < DAY_MS // 2
    with pytest.raises(ProtocolError):
        Members("other", [], [public], verify, lambda: now_ms).check(NODE, signed)
    assert file.read_text().strip() not in captured.out + captured.err


def test_show(key: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["membership", "sign", str(key[0]), NODE]) == 0
    kept = tmp_path / "membership.json"
    kept.write_text(capsys.readouterr().out)
    assert main(["membership", "show", str(kept)]) == 0
    assert capsys.readouterr().out == f"nodeId: {NODE}\noperator: {key[1]}\nnotAfter: no end\n"
    assert main(["membership", "show", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notAfter"] is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sign", "missing", NODE], exits.FAILED),
        (["sign", "missing", "ab"], exits.USAGE),
        (["sign", "missing", NODE, "--days", "0"], exits.USAGE),
        (["sign", "missing", NODE, "--days", "36501"], exits.USAGE),
        (["show", "missing"], exits.FAILED),
        (["new-key", "/missing/folder/key"], exits.FAILED),
    ],
)
def test_mistakes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["membership", *arguments]) == code
    assert capsys.readouterr().err
