import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from edgenode.cli.exits import CommandFailed
from edgenode.cli.topview import Look, view
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import NODE_ID, STATUS, FakeNode
from tests.unit.cli.test_show import LOST, PEER

ROOT = Path(__file__).resolve().parents[3]
SEEN_S = 20.0
INFO = {"nodeId": NODE_ID, "network": "test", "version": "9"}


def look(at_s: float = 0.0, peers: int = 0, **status: Any) -> Look:
    found = [PEER | {"address": f"192.0.2.{number}"} for number in range(peers)]
    return Look(at_s, INFO, STATUS | status, {"peers": found})


def texts(*looks: Look, width: int = 200, height: int = 100) -> list[str]:
    before = looks[1] if len(looks) > 1 else None
    return [line.text for line in view(looks[0], before, width=width, height=height)]


def test_the_state_comes_first() -> None:
    lines = texts(look())
    assert lines[:2] == [
        "edgenode 9  abababababababab  test  up 1 d 2 h",
        "reachable: yes, by pcp, at 192.0.2.9:4242",
    ]
    figures = dict(line.split("  ", 1) for line in lines[3:11])
    assert {name: value.strip() for name, value in figures.items()} == {
        "peers": "2",
        "blocks": "7",
        "waiting to sync": "3",
        "in": "2.0 KiB",
        "out": "5.0 GiB",
        "passed on": "0 B",
        "operations": "10",
        "failed": "1",
    }
    assert lines[-1] == "no peers yet"


def test_what_happens_in_a_second() -> None:
    before = look(10.0)
    bandwidth = {"in": 2048 + 4096, "out": 0, "relayed": 0}
    now = look(12.0, bandwidth=bandwidth, operations={"success": 13, "failed": 1})
    lines = texts(now, before)
    assert [re.split(" {2,}", line) for line in lines if line.endswith("/s")] == [
        ["in", "6.0 KiB", "2.0 KiB/s"],
        ["out", "0 B", "0 B/s"],  # restarted: it counts anew
        ["passed on", "0 B", "0 B/s"],
        ["operations", "13", "1.5/s"],
        ["failed", "1", "0.0/s"],
    ]


def test_advice_and_colours() -> None:
    reach = {"verdict": "cgnat", "advice": "Ask for IPv6."}
    node = look(reachability=reach)._replace(peers={"peers": [PEER, LOST]})
    lines = view(node, None, width=200, height=100)
    assert (lines[1].text, lines[1].colour) == ("reachable: no (cgnat)", "yellow")
    assert lines[2].text == "  Ask for IPv6."
    assert [line.colour for line in lines[-2:]] == ["green", "red"]


def test_a_peer_is_shown_with_how_it_came_and_how_far_it_is() -> None:
    node = look()._replace(peers={"peers": [PEER, LOST]})
    head, linked, lost = (re.split(" {2,}", line) for line in texts(node)[-3:])
    shown = ("BY", "FOUND BY", "ROUND TRIP")
    assert [linked[head.index(name)] for name in shown] == ["us", "mdns,peer", "12.5 ms"]
    assert [lost[head.index(name)] for name in shown] == ["-", "-", "-"]


@pytest.mark.parametrize("height", range(1, 40))
def test_it_fits_the_terminal(height: int) -> None:
    lines = texts(look(peers=20), width=30, height=height)
    assert len(lines) <= height
    assert all(len(line) <= 30 for line in lines)
    peers = sum(line.startswith("cdcd") for line in lines)
    if height >= 15:
        assert lines[-1] == f"and {20 - peers} more" or peers == 20
        assert len(lines) == min(height, 33)


def test_nothing_from_a_node_steers_the_terminal() -> None:
    nasty = "\x1b]0;owned\x07\u202e\r\n\x9b31m"
    peer = dict.fromkeys(("nodeId", "address", "status", "lastSeen", "lastError"), nasty)
    reach = dict.fromkeys(("verdict", "advice", "method", "externalAddress"), nasty)
    info = dict.fromkeys(INFO, nasty)
    made = Look(0, info, STATUS | {"reachability": reach}, {"peers": [peer]})
    assert all(line.isprintable() for line in texts(made))


def test_an_answer_of_another_form_is_refused() -> None:
    with pytest.raises(CommandFailed):
        texts(look(uptime=None))


def test_without_a_terminal_it_prints_once(command: Command, node: FakeNode) -> None:
    node.peers = [PEER]
    code, out, err = command("top")
    assert (code, err) == (0, "")
    assert out.startswith("edgenode 9  abab")
    assert "192.0.2.7:4242" in out
    assert "\x1b" not in out


def test_as_json(command: Command, node: FakeNode) -> None:
    node.peers = [PEER]
    code, out, _ = command("top", "--json")
    assert code == 0
    assert json.loads(out) == {"info": INFO, "status": STATUS, "peers": [PEER]}


class Terminal:
    """`edgenode top` in a terminal of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.ours, theirs = pty.openpty()
        self.size(80, 30)
        self.before = termios.tcgetattr(theirs)
        self.kept = theirs
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgenode", "--data-dir", str(data_dir), "top"],
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"} | {"NO_COLOR": ""},
            preexec_fn=_own_terminal,  # noqa: PLW1509 - no threads of ours are in the child
        )

    def size(self, columns: int, lines: int) -> None:
        ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def until(self, text: str) -> str:
        """Read until `text` is drawn; return and forget all up to there."""
        end = time.monotonic() + SEEN_S
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.ours], [], [], 0.1)[0]:
                self.seen += os.read(self.ours, 65536).decode()
        found, _, self.seen = self.seen.partition(text)
        return found

    def end(self) -> int:
        """Wait for the end, with the terminal as it was."""
        self.until("\x1b[?1049l")
        code = self.process.wait(SEEN_S)
        assert termios.tcgetattr(self.kept) == self.before
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.kept)


def _own_terminal() -> None:
    os.setsid()
    ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def terminal(node: FakeNode) -> Iterator[Terminal]:
    made = Terminal(node.data_dir)
    yield made
    made.close()


def test_q_ends_it(terminal: Terminal) -> None:
    assert terminal.until("\x1b[?1049h") == ""
    drawn = terminal.until("no peers yet")
    assert "\x1b[32mreachable: yes" in drawn
    terminal.type("xQ")
    assert terminal.end() == 0


def test_ctrl_c_ends_it(terminal: Terminal) -> None:
    terminal.until("no peers yet")
    terminal.type("\x03")
    assert terminal.end() == 0


def test_it_looks_again_and_says_what_has_changed(terminal: Terminal, node: FakeNode) -> None:
    terminal.until("no peers yet")
    node.peers = [PEER]
    assert "/s" in terminal.until("192.0.2.7:4242")
    terminal.type("q")
    assert terminal.end() == 0


def test_it_is_drawn_to_a_new_size_at_once(terminal: Terminal, node: FakeNode) -> None:
    terminal.until("\x1b[J")
    for columns in range(20, 25):  # a look at the node may come in between
        asked = len(node.requests)
        terminal.size(columns, 5)
        terminal.until("edgenode 9  abababababababab"[:columns] + "\x1b[K")
        assert "blocks" not in terminal.until("\x1b[J")
        if len(node.requests) == asked:
            break
    else:
        raise AssertionError("it waits for the next look")
    terminal.type("q")
    assert terminal.end() == 0


def test_a_node_that_went_is_said_and_waited_for(terminal: Terminal, node: FakeNode) -> None:
    terminal.until("no peers yet")
    node.status = []
    terminal.until("does not speak as a node does")
    node.status = dict(STATUS)
    terminal.until("edgenode 9  abab")
    terminal.type("q")
    assert terminal.end() == 0
