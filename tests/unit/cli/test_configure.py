import json
from pathlib import Path

import pytest

from edgenode.cli.main import main
from edgenode.daemon.config import load as loading
from edgenode.daemon.config.load import Config, parse_config
from edgenode.daemon.config.toml import to_toml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edgenode.toml"


def test_a_sound_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("network = 'a'\n")
    assert main(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: ok\n", "")
    assert main(["config", "check", "--config", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "ok": True, "problems": []}


def test_all_that_is_wrong_with_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[server]\nhttp_prt = 1\nws_port = 'x'\n")
    assert main(["config", "check", "--config", str(file)]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == (
        f'edgenode: {file}:2: server.http_prt: unknown key; did you mean "http_port"?'
    )
    assert f"{file}:3: server.ws_port: expected a whole number" in err.splitlines()[1]
    assert main(["config", "check", "--config", str(file), "--json"]) == 6
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert found["problems"][0] == {
        "file": str(file),
        "line": 2,
        "key": "server.http_prt",
        "message": "unknown key",
        "remedy": 'did you mean "http_port"?',
    }


def test_without_a_file_the_defaults_hold(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "DEFAULT_PATH", file)
    monkeypatch.setattr("edgenode.cli.configure.DEFAULT_PATH", file)
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"{file}: not there, the defaults hold\n"
    assert main(["config", "show"]) == 0
    assert capsys.readouterr().out == to_toml(Config())


def test_show_tells_what_is_in_force(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("network = 'a'\ndata_dir = '/a'\n")
    assert main(["config", "show", "--config", str(file), "--data-dir", "b"]) == 0
    shown = parse_config(capsys.readouterr().out, "shown")
    assert (shown.network.id, shown.data_dir) == ("a", Path.cwd() / "b")
    assert main(["config", "show", "--config", str(file), "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert (as_json["data_dir"], as_json["server"]["http_port"]) == ("/a", 4280)


@pytest.mark.parametrize("command", [["config", "show"], ["id"], ["run"]])
def test_a_wrong_file_stops_whatever_needs_it(
    command: list[str],
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgenode.daemon.lean.keep_openssl_out", lambda: None)
    monkeypatch.setattr("edgenode.daemon.lean.keep_file_types_out", lambda: None)
    file.write_text("x = 1\n")
    assert main([*command, "--config", str(file)]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{file}:1: x: unknown key" in err
