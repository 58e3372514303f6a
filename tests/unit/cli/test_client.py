import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenode.cli import client, exits
from edgenode.cli.exits import CommandFailed
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import NODE_ID, FakeNode


@pytest.fixture
def listener(node: FakeNode) -> Iterator[socket.socket]:
    """A program on the node's port that is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        node.write_files(port=listener.getsockname()[1], node_id=NODE_ID)
        yield listener


def answer_with(listener: socket.socket, data: bytes) -> threading.Thread:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_no_run_file(command: Command, node: FakeNode) -> None:
    (node.data_dir / "run.json").unlink()
    for arguments in (["id"], ["put", "a"], ["get", "a" * 128, "-o", "x"], ["delete", "a" * 128]):
        code, out, err = command(*arguments)
        assert (code, out, err.count("\n")) == (3, "", 1)
        assert f"no node is running with the data folder {node.data_dir}" in err
        assert "edgenode run" in err


def test_a_run_file_left_by_a_node_that_was_killed(
    command: Command, node: FakeNode, listener: socket.socket
) -> None:
    listener.close()
    code, out, err = command("status")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert f"the node of {node.data_dir} is not running" in err


def test_a_damaged_run_file(command: Command, node: FakeNode) -> None:
    (node.data_dir / "run.json").write_text("{")
    code, _, err = command("status")
    assert code == 1
    assert "cannot use" in err


def test_no_token(command: Command, node: FakeNode) -> None:
    (node.data_dir / "operator.token").unlink()
    code, _, err = command("put", "a")
    assert code == 5
    assert f"there is no operator's token at {node.data_dir}/operator.token" in err


@pytest.mark.parametrize("name", ["run.json", "operator.token"])
def test_files_that_this_user_may_not_read(
    command: Command, node: FakeNode, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = Path.open

    def guarded(path: Path, mode: str = "r") -> object:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return real(path, mode)

    monkeypatch.setattr(Path, "open", guarded)
    code, out, err = command("delete", "a" * 128)
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert f"may not read {node.data_dir}/{name}: use sudo" in err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-x\r\n", "the answer is not HTTP"),
        (b"", "the connection was cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "does not speak as a node does"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "does not speak as a node does"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, "does not speak as a node does"),
        (
            b"HTTP/1.1 500 Broken\x1b[31m\r\nContent-Length: 0\r\n\r\n",
            "answered: Broken?[31m (HTTP",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "Found (HTTP 302)"),
    ],
)
def test_what_answers_is_no_node(
    command: Command, listener: socket.socket, data: bytes, message: str
) -> None:
    thread = answer_with(listener, data)
    code, out, err = command("id")
    thread.join()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_an_answer_has_a_bound(
    command: Command, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_JSON_BYTES", 10)
    thread = answer_with(listener, b'HTTP/1.1 200 OK\r\n\r\n{"nodeId": "a"}')
    code, _, err = command("id")
    thread.join()
    assert code == 1
    assert "does not speak" in err


def test_a_node_that_hangs(
    command: Command, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", 20)
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", 0.05)
    start = time.monotonic()
    code, _, err = command("id")
    assert code == 1
    assert "no answer in time" in err
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("bind", "called"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("127.0.0.2", "127.0.0.2"),
    ],
)
def test_the_node_is_called_where_it_listens(
    node: FakeNode, bind: str, called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = []

    class Recorder:
        def __init__(self, host: str, *_: object, **__: object) -> None:
            hosts.append(host)

        def connect(self) -> None:
            raise ConnectionRefusedError

    monkeypatch.setattr(client, "_Connection", Recorder)
    with pytest.raises(CommandFailed) as caught:
        client.connect(node.data_dir, bind).get_json("/node/info")
    assert (hosts, caught.value.code) == ([called], exits.NOT_RUNNING)
