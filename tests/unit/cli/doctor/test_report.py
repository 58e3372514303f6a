"""`edgenode doctor` as a whole: with a node, without one, and what it prints."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgenode.cli import exits
from edgenode.cli.doctor import register, report
from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check
from edgenode.cli.main import main
from tests.unit.cli.fake_node import NODE_ID, STATUS, FakeNode, running

REACHABILITY = {
    "verdict": "mapped",
    "verified": True,
    "method": "upnp",
    "externalAddress": "5.6.7.8",
    "externalPort": 4243,
    "advice": "Nothing to do.",
    "confirmations": 2,
    "since": "2026-01-02T03:04:05.678Z",
}
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run it on the data folder `tmp_path`/data, with ports that are free."""
    config = tmp_path / "edgenode.toml"
    config.write_text("[server]\nhttp_port = 0\nws_port = 0\n[discovery]\nmdns = false\n")

    def run(*arguments: str) -> tuple[int, str]:
        places = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
        code = main(["doctor", *places, *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        return code, out

    return run


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    folder = tmp_path / "data"
    folder.mkdir()
    with running(folder) as made, socket.create_server(("127.0.0.1", 0)) as peer_port:
        made.status = {**STATUS, "reachability": dict(REACHABILITY)}
        run = {"pid": os.getpid(), "nodeId": NODE_ID, "httpPort": made.port}
        run["wsPort"] = peer_port.getsockname()[1]
        (folder / "run.json").write_text(json.dumps(run))
        yield made


def by_name(out: str) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(out)["checks"]}


def test_of_a_node_that_runs(node: FakeNode, doctor: Doctor) -> None:
    _, out = doctor("--json")
    checks = by_name(out)
    assert list(checks) == [
        *(
            "node",
            "reachability",
            "neighbours",
            "gateway",
            "peer port",
            "http port",
            "ipv6",
            "clock",
        ),
        *("mdns", "disk", "wear", "memory", "machine", "identity"),
    ]
    assert checks["node"]["state"] == OK
    assert checks["reachability"]["what"].startswith("mapped by upnp at 5.6.7.8:4243")
    assert checks["peer port"]["what"].endswith("is served")
    assert checks["http port"]["what"] == f"port {node.port} is served"
    assert "the node takes" in checks["memory"]["what"]
    assert checks["identity"]["state"] == OK


def test_of_a_node_that_does_not_run(doctor: Doctor, tmp_path: Path) -> None:
    code, out = doctor("--json")
    assert code in (exits.WARNINGS, exits.FAILED)
    checks = by_name(out)
    assert checks["node"]["state"] == WARNING
    assert "reachability" not in checks
    assert "identity" not in checks
    assert checks["peer port"]["state"] == OK
    # A node that was killed has left its run file.
    (tmp_path / "data").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    run = {"pid": 1, "nodeId": NODE_ID, "httpPort": port, "wsPort": port}
    (tmp_path / "data" / "run.json").write_text(json.dumps(run))
    assert by_name(doctor("--json")[1])["node"]["what"] == "not running"


def test_of_a_node_that_answers_nonsense(node: FakeNode, doctor: Doctor) -> None:
    node.status = {"uptime": 1}  # an older version, too, has no reachability
    code, out = doctor("--json")
    assert code == exits.FAILED
    checks = by_name(out)
    assert checks["node"]["state"] == FAILURE
    assert "reachability" in checks["node"]["what"]
    assert "disk" in checks


def test_problems_are_found(node: FakeNode, doctor: Doctor) -> None:
    node.status["reachability"] |= {"verdict": "cgnat", "advice": "Ask \x1b[31mthe provider."}
    node.peers = [{"nodeId": None, "address": "a.example", "lastError": "clone"}]
    code, out = doctor()
    assert code == exits.FAILED
    lines = out.splitlines()
    found = next(index for index, line in enumerate(lines) if "  reachability  " in line)
    assert lines[found].startswith("WARNING  reachability  ")
    # In the column of what was found, and nothing steers the terminal.
    column = lines[found].index("not reachable")
    assert lines[found + 1] == " " * column + "-> Ask ?[31mthe provider."
    assert any(line.startswith("FAILURE  identity ") for line in lines)


@pytest.mark.parametrize(
    ("states", "code", "state"),
    [
        ([OK, OK], exits.OK, OK),
        ([OK, WARNING], exits.WARNINGS, WARNING),
        ([WARNING, FAILURE, OK], exits.FAILED, FAILURE),
    ],
)
def test_the_exit_code_tells_the_worst(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, states: list[str], code: int, state: str
) -> None:
    checks = [Check(f"name {index}", found, "what") for index, found in enumerate(states)]
    monkeypatch.setattr(report, "run_checks", lambda _: checks)
    assert doctor()[0] == code
    found, out = doctor("--json")
    assert found == code
    answer = json.loads(out)
    assert answer["state"] == state
    assert answer["checks"][0] == {
        "name": "name 0",
        "state": states[0],
        "what": "what",
        "remedy": None,
    }


def test_a_check_that_breaks_is_a_failure_of_its_own(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Check:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(register, "check_wear", broken)
    code, out = doctor("--json")
    assert code == exits.FAILED
    checks = by_name(out)
    assert checks["wear"]["state"] == FAILURE
    assert "no such thing" in checks["wear"]["what"]
    assert checks["memory"]["state"] == OK


def test_a_port_that_another_program_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        config = tmp_path / "edgenode.toml"
        port = other.getsockname()[1]
        config.write_text(f'[server]\nws_port = {port}\nws_bind = "127.0.0.1"\nhttp_port = 0\n')
        main(["doctor", "--config", str(config), "--data-dir", str(tmp_path / "data"), "--json"])
    checks = by_name(capsys.readouterr().out)
    assert checks["peer port"]["state"] == FAILURE
    assert checks["http port"]["state"] == OK


def test_colour_on_a_terminal_only(doctor: Doctor, tmp_path: Path) -> None:
    assert "\x1b" not in doctor()[1]
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "edgenode", "doctor", "--data-dir", str(tmp_path / "data")],
        stdout=theirs,
        env={key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        | {"TERM": "xterm"},
        timeout=30,
        check=False,
    )
    assert os.read(ours, 100).startswith(b"\x1b[33mWARNING\x1b[0m  node ")
    os.close(ours)
    os.close(theirs)


def test_a_wrong_configuration_is_told_as_always(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "edgenode.toml"
    config.write_text("[server]\nws_port = 99999\n")
    assert main(["doctor", "--config", str(config)]) == exits.BAD_CONFIG
    assert "ws_port" in capsys.readouterr().err
