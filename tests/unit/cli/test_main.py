"""The command as a process: exit codes, streams, signals, and what it loads."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgenode import __version__
from edgenode.cli import exits
from edgenode.cli.main import main
from edgenode.daemon.config.load import Config
from edgenode.daemon.config.sections import NetworkConfig
from tests.unit.cli.fake_node import FakeNode

# Who runs the tests in the background may have them ignore SIGINT, and so their children.
INTERRUPTIBLE = ["env", "--default-signal=INT"]
EDGENODE = [sys.executable, "-m", "edgenode"]
BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
COMMANDS = [
    *("run", "id", "status", "peers", "put", "get", "delete"),
    *("blocks", "meta", "temp", "health", "doctor", "watch", "config"),
]


def edgenode(*arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*EDGENODE, *arguments], input=given, capture_output=True, timeout=30, check=False
    )


def loaded_by(arguments: Sequence[str]) -> set[str]:
    """Run a command in a fresh interpreter; return the modules it had loaded at the end."""
    script = (
        "import sys; from edgenode.cli.main import main; main(sys.argv[1:]);"
        "sys.stderr.write('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, timeout=30, check=True
    )
    return set(done.stderr.decode().splitlines()[-1].split())


def test_id_of_a_running_node(node: FakeNode) -> None:
    done = edgenode("id", "--data-dir", str(node.data_dir))
    assert (done.returncode, done.stdout) == (0, node.node_id.encode() + b"\n")


def test_id_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    done = edgenode("id", "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"edgenode: no node is running")
    assert done.stderr.count(b"\n") == 1


def test_standard_input_and_output_take_any_bytes(node: FakeNode) -> None:
    data = bytes(range(256)) * 5000
    put = edgenode("put", "--data-dir", str(node.data_dir), "-", given=data)
    assert put.returncode == 0, put.stderr
    block_id = put.stdout.decode().strip()
    assert block_id == hashlib.sha3_512(data).hexdigest()
    got = edgenode("get", "--data-dir", str(node.data_dir), block_id)
    assert (got.returncode, got.stdout, got.stderr) == (0, data, b"")


@pytest.mark.parametrize("name", ["", *COMMANDS, "config check", "config show"])
def test_help_documents_the_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    out = capsys.readouterr().out
    codes = [
        value for key, value in vars(exits).items() if key.isupper() and isinstance(value, int)
    ]
    for code in codes:
        assert f"\n  {code:<5}" in out
    assert "--config FILE" in out
    assert "--data-dir DIR" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("arguments", [["--version"], ["id", "--version"]])
def test_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr() == (f"edgenode {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["config"],
        ["put"],
        ["get"],
        ["get", "a" * 127],
        ["get", "g" * 128],
        ["delete", "../x"],
        ["meta"],
        ["temp"],
        ["temp", "a" * 128, "lukewarm"],
        ["temp", "a" * 128, ""],
        ["unknown"],
        ["id", "--jso"],
    ],
)
def test_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: edgenode" in err


def test_a_block_is_not_thrown_at_a_terminal(node: FakeNode) -> None:
    block_id = node.add(b"text")
    for more, code, shown in ((["-o", "-"], 0, b"text"), ([], 2, b"")):
        ours, theirs = os.openpty()
        done = subprocess.run(
            [*EDGENODE, "get", "--data-dir", str(node.data_dir), block_id, *more],
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
        os.set_blocking(ours, False)
        try:
            written = os.read(ours, 100)
        except BlockingIOError:
            written = b""
        os.close(ours)
        os.close(theirs)
        assert (done.returncode, written) == (code, shown)


def test_colours_and_progress_on_a_terminal_only(node: FakeNode) -> None:
    node.peers = [{"nodeId": "a" * 64, "address": "connected.example", "status": "connected"}]
    ours, theirs = os.openpty()
    subprocess.run(
        [*EDGENODE, "peers", "--data-dir", str(node.data_dir)],
        stdout=theirs,
        env={key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        | {"TERM": "xterm"},
        timeout=30,
        check=True,
    )
    assert b"connected.example  \x1b[32mconnected\x1b[0m " in os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    done = edgenode("peers", "--data-dir", str(node.data_dir))
    assert b"connected.example  connected " in done.stdout


@pytest.mark.parametrize("arguments", [["config", "show"], ["get"]])
def test_a_reader_that_goes_away(node: FakeNode, arguments: list[str]) -> None:
    if arguments == ["get"]:
        arguments = ["get", node.add(os.urandom(5_000_000))]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*EDGENODE, *arguments, "--data-dir", str(node.data_dir)],
        stdout=write,
        stderr=subprocess.PIPE,
        env=BUFFERED,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["id"], ["get"]])
def test_output_that_cannot_be_written(node: FakeNode, arguments: list[str]) -> None:
    if arguments == ["get"]:
        arguments = ["get", node.add(b"text")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*EDGENODE, *arguments, "--data-dir", str(node.data_dir)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=BUFFERED,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"edgenode: cannot write: No space left on device\n"


def test_closed_streams_are_no_crash(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" >&- 2>&-', "sh", *EDGENODE, "id", "--data-dir", str(tmp_path)],
        timeout=30,
        check=False,
    )
    assert done.returncode == 3


def test_interrupted(node: FakeNode, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(
            [*INTERRUPTIBLE, *EDGENODE, "put", "--data-dir", str(node.data_dir), str(pipe)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        pipe.open("wb"),
    ):  # opens when the command has opened the other end
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")


QUICK = ["id", "status", "peers", "put", "delete", "blocks", "meta", "temp", "health"]


@pytest.mark.parametrize("name", QUICK)
def test_what_talks_to_the_node_starts_fast(node: FakeNode, name: str) -> None:
    of_block = ["a" * 128]
    more = {"put": ["missing"], "delete": of_block, "meta": of_block, "temp": of_block}
    modules = loaded_by([name, "--data-dir", str(node.data_dir), *more.get(name, [])])
    assert "http.client" in modules
    heavy = {"aiohttp", "asyncio", "nacl", "sqlite3", "difflib", "tomllib", "edgenode.api"}
    assert not modules & heavy


def test_config_and_help_load_nothing_of_the_network(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("network = 'a'\n")
    for arguments in (["config", "show", "--config", str(file)], ["--help"]):
        heavy = {"aiohttp", "asyncio", "http.client", "ssl", "_ssl", "difflib", "nacl"}
        assert not loaded_by(arguments) & heavy


def test_run_hands_the_configuration_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Config, bool, Path]] = []

    def run(config: Config, *, any_port: bool, config_file: Path) -> int:
        calls.append((config, any_port, config_file))
        return 7

    monkeypatch.setattr("edgenode.daemon.lean.keep_openssl_out", lambda: None)
    monkeypatch.setattr("edgenode.daemon.lean.keep_file_types_out", lambda: None)
    monkeypatch.setattr("edgenode.daemon.main.run", run)
    file = tmp_path / "a.toml"
    file.write_text("network = 'a'\n")
    assert main(["run", "--config", str(file), "--data-dir", str(tmp_path), "--any-port"]) == 7
    assert main(["--config", str(file), "run"]) == 7
    assert calls == [
        (Config(network=NetworkConfig(id="a"), data_dir=tmp_path), True, file),
        (Config(network=NetworkConfig(id="a")), False, file),
    ]


def test_run_keeps_openssl_out_of_the_daemon(tmp_path: Path) -> None:
    script = """
import sys
from types import ModuleType
from edgenode.cli.main import main

class Daemon(ModuleType):
    def run(self, config, any_port, config_file):
        assert "http.client" not in sys.modules
        del sys.modules["edgenode.daemon.main"]
        import edgenode.daemon.main
        assert "asyncio" in sys.modules
        return 1 if sys.modules.get("_ssl") or sys.modules.get("_hashlib") else 0

sys.modules["edgenode.daemon.main"] = Daemon("edgenode.daemon.main")
sys.exit(main(["run", "--data-dir", sys.argv[1]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_daemon_does_not_read_the_list_of_file_types(tmp_path: Path) -> None:
    types = tmp_path / "mime.types"
    types.write_text("application/x-of-this-machine of-this-machine\n")
    script = """
import mimetypes, sys
from types import ModuleType
mimetypes.knownfiles.append(sys.argv[2])
from edgenode.cli.main import main

class Daemon(ModuleType):
    def run(self, config, any_port, config_file):
        del sys.modules["edgenode.daemon.main"]
        import edgenode.daemon.main
        assert "aiohttp.web" in sys.modules and mimetypes.inited
        return 1 if mimetypes.guess_type("a.of-this-machine")[0] else 0

sys.modules["edgenode.daemon.main"] = Daemon("edgenode.daemon.main")
sys.exit(main(["run", "--data-dir", sys.argv[1]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(types)],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_configuration_names_where_the_node_is(node: FakeNode, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f"data_dir = {json.dumps(str(node.data_dir))}\n")
    done = edgenode("--config", str(file), "id")
    assert (done.returncode, done.stdout) == (0, node.node_id.encode() + b"\n")
