import json
import signal
import subprocess
import sys

import pytest

from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import NODE_ID, FakeNode
from tests.unit.cli.test_main import BUFFERED, EDGENODE, INTERRUPTIBLE

EVENT = {
    "type": "block:temperature",
    "data": {"batches": [{"payload": "x"}]},
    "timestamp": 1_767_323_045_678,
    "sender": NODE_ID,
}
LINE = (
    '2026-01-02T03:04:05.678Z  block:temperature  abababababababab  {"batches":[{"payload":"x"}]}'
)


def encoded(*events: object) -> list[bytes]:
    return [json.dumps(event).encode() for event in events]


def test_events_for_people_one_a_line(command: Command, node: FakeNode) -> None:
    node.events = encoded(EVENT, EVENT | {"type": "node:leave", "data": {"reason": "bye"}})
    code, out, err = command("watch")
    assert out.splitlines() == [
        LINE,
        '2026-01-02T03:04:05.678Z  node:leave         abababababababab  {"reason":"bye"}',
    ]
    assert (code, err) == (3, "edgenode: the node has stopped\n")
    (headers,) = [headers for _, path, headers in node.requests if path == "/events"]
    assert "Authorization" not in headers
    assert "Origin" not in headers


def test_events_as_json_one_a_line(command: Command, node: FakeNode) -> None:
    events = [EVENT, EVENT | {"later": "\x1b[31m\x7f\n", "data": {"text": "x" * 65536}}]
    node.events = encoded(*events)
    _, out, _ = command("watch", "--json")
    assert [json.loads(line) for line in out.splitlines()] == events
    assert out.replace("\n", "").isprintable()


def test_long_data_is_cut_for_people(command: Command, node: FakeNode) -> None:
    node.events = encoded(EVENT | {"data": {"text": "x" * 10_000}})
    _, out, _ = command("watch")
    assert out.endswith("xxx...\n")
    assert len(out) < 300


@pytest.mark.parametrize("timestamp", [None, "x", True, 2**53 - 1, 1 - 2**53, [1], {}])
def test_an_event_of_another_form_is_shown_as_far_as_it_goes(
    command: Command, node: FakeNode, timestamp: object
) -> None:
    node.events = encoded({"timestamp": timestamp, "type": 5, "data": None})
    _, out, _ = command("watch")
    assert out.split()[1:] == ["-", "-", "null"]


def test_nothing_from_a_node_steers_the_terminal(command: Command, node: FakeNode) -> None:
    nasty = "\x1b]0;owned\x07\u202e\r\n\x9b31m"
    node.events = encoded(EVENT | {"type": nasty, "sender": nasty, "data": {nasty: nasty + "\x7f"}})
    node.farewell = (4999, nasty.encode())
    _, out, err = command("watch")
    for text in (out, err):
        assert text.count("\n") == 1
        assert text.removesuffix("\n").isprintable()


@pytest.mark.parametrize("data", [b"[]", b"{", b"5", b"[" * 100_000, b'{"a":1,"a":2}'])
def test_what_sends_is_no_node(command: Command, node: FakeNode, data: bytes) -> None:
    node.events = [data]
    code, out, err = command("watch")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "does not speak as a node does" in err


@pytest.mark.parametrize(
    ("farewell", "code", "said"),
    [
        ((1000, b"bye"), 3, "the node has stopped"),
        ((4010, b"too-slow"), 1, "the node ended the events: too-slow"),
        ((1009, b""), 1, "the node ended the events: code 1009"),
        (None, 1, "the node ended the events: the connection was cut"),
    ],
)
def test_the_end_is_told(
    command: Command,
    node: FakeNode,
    farewell: tuple[int, bytes] | None,
    code: int,
    said: str,
) -> None:
    node.events = []
    node.farewell = farewell
    assert command("watch") == (code, "", f"edgenode: {said}\n")


def test_too_many_are_watching(command: Command) -> None:
    code, out, err = command("watch")
    assert (code, out) == (1, "")
    assert "too many are watching (HTTP 503)" in err


def test_the_node_does_not_run(command: Command, node: FakeNode) -> None:
    node.write_files(port=1, node_id=NODE_ID)
    code, out, err = command("watch")
    assert (code, out) == (3, "")
    assert "is not running: nothing answers at its port 1" in err


def test_it_ends_by_an_interrupt_and_each_line_comes_at_once(node: FakeNode) -> None:
    node.events = encoded(EVENT)
    node.farewell = None
    node.hold = True
    with subprocess.Popen(
        [*INTERRUPTIBLE, *EDGENODE, "watch", "--data-dir", str(node.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=BUFFERED,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode().rstrip("\n") == LINE
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_reader_that_goes_away_ends_it(node: FakeNode) -> None:
    node.events = encoded(*[EVENT] * 1000)
    with subprocess.Popen(
        [*EDGENODE, "watch", "--data-dir", str(node.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=BUFFERED,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=30) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_openssl_is_not_loaded(node: FakeNode) -> None:
    node.events = []
    script = (
        "import sys; from edgenode.cli.main import main; main(sys.argv[1:]);"
        "assert 'aiohttp' in sys.modules;"
        "assert not [name for name in ('_ssl', '_hashlib') if sys.modules.get(name)]"
    )
    subprocess.run(
        [sys.executable, "-c", script, "watch", "--data-dir", str(node.data_dir)],
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=True,
    )


OPENED = {
    "type": "events:open",
    "data": {"missed": True, "rooms": ["all"]},
    "timestamp": 1_767_323_045_678,
    "sender": NODE_ID,
    "cursor": "run.7",
}


def asked(node: FakeNode) -> list[str]:
    return [path for _, path, _ in node.requests if path.startswith("/events")]


def test_rooms_are_asked_for(command: Command, node: FakeNode) -> None:
    node.events = []
    peer = "cd" * 32
    command("watch", "--type", "node:leave", "--peer", peer, "--region", "eu & us")
    assert asked(node) == [f"/events?room=type:node:leave&room=peer:{peer}&room=region:eu+%26+us"]


@pytest.mark.parametrize("farewell", [None, (4010, b"too-slow")])
def test_after_a_cut_it_goes_on_where_it_was(
    command: Command, node: FakeNode, farewell: tuple[int, bytes] | None
) -> None:
    node.events = encoded(OPENED, EVENT | {"cursor": "run.8"})
    node.farewell = farewell
    code, out, err = command("watch", "--type", "x")
    # The same comes again, with the cursor that it had: there is no going on.
    assert asked(node) == ["/events?room=type:x", "/events?room=type:x&since=run.8"]
    assert out.splitlines() == [LINE, LINE]
    assert code == 1
    assert err.startswith("edgenode: some events were missed\nedgenode: the node ended the events")


def test_it_does_not_come_back_to_a_node_that_stops(command: Command, node: FakeNode) -> None:
    node.events = encoded(OPENED)
    assert command("watch") == (3, "", "edgenode: the node has stopped\n")
    assert asked(node) == ["/events"]
