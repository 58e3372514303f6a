import json
import re

import pytest

from edgenode.cli.discover import changes
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import FakeNode

NEAR = {
    "nodeId": "cd" * 32,
    "address": "fe80::1%eth0",
    "port": 4242,
    "how": ["mdns", "lan"],
    "lastSeen": "2026-01-02T03:04:05.678Z",
    "status": "linked",
}
TOLD = {
    "nodeId": None,
    "address": "192.0.2.7",
    "port": 5,
    "how": ["peer"],
    "lastSeen": "never",
    "status": "failed",
    "lastError": "no \x1b[31manswer",
}


def test_for_people(command: Command, node: FakeNode) -> None:
    node.answers["/node/discovered"] = {"discovered": [NEAR, TOLD]}
    code, out, err = command("discover")
    assert (code, err) == (0, "")
    header, near, told = out.splitlines()
    assert re.split(r"  +", header) == [
        *("NODE", "ADDRESS", "FOUND BY", "LAST SEEN", "STATUS", "LAST ERROR"),
    ]
    assert re.match(
        r"cdcdcdcdcdcdcdcd  \[fe80::1%eth0\]:4242  mdns,lan  \d.* ago +linked +-$", near
    )
    assert re.match(r"- +192\.0\.2\.7:5 +peer +- +failed +no \?\[31manswer$", told)
    assert near.index("linked") == header.index("STATUS")


def test_as_json_and_nothing(command: Command, node: FakeNode) -> None:
    answer = {"discovered": [NEAR]}
    node.answers["/node/discovered"] = answer
    code, out, _ = command("discover", "--json")
    assert (code, json.loads(out)) == (0, answer)
    node.answers["/node/discovered"] = {"discovered": []}
    code, out, err = command("discover")
    assert (code, out) == (0, "")
    assert "nothing is found yet" in err


@pytest.mark.parametrize("answer", [{}, {"discovered": 7}, {"discovered": ["x"]}])
def test_answers_of_another_form(command: Command, node: FakeNode, answer: object) -> None:
    node.answers["/node/discovered"] = answer
    assert command("discover")[0] == 1


def test_changes() -> None:
    place, other = ("fe80::1", "4242"), ("192.0.2.7", "5")
    later = {**NEAR, "lastSeen": "2026-01-02T03:05:05.678Z"}
    lost = {**later, "status": "known"}
    assert changes({}, {place: NEAR}) == [("found", NEAR)]
    assert changes({place: NEAR}, {place: later}) == []
    assert changes({place: NEAR}, {place: lost, other: TOLD}) == [
        ("changed", lost),
        ("found", TOLD),
    ]
    assert changes({place: NEAR}, {}) == [("gone", NEAR)]
