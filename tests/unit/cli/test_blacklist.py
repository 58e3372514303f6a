import json

import pytest

from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import TOKEN, FakeNode

ENTRIES = [
    {
        "address": "192.0.2.7",
        "reason": "malformed",
        "since": "2026-01-02T03:04:05.678Z",
        "until": "2026-01-02T04:04:05.678Z",
        "by": "node",
    },
    {
        "address": "2001:db8::/64",
        "reason": "operator",
        "since": "2026-01-02T03:04:05.678Z",
        "until": None,
        "by": "operator",
    },
]


@pytest.mark.parametrize("arguments", [["blacklist"], ["blacklist", "list"]])
def test_it_lists_who_is_shut_out(command: Command, node: FakeNode, arguments: list[str]) -> None:
    node.answers["/blacklist"] = {"blacklist": ENTRIES}
    assert command(*arguments)[:2] == (
        0,
        "192.0.2.7      until 2026-01-02T04:04:05.678Z  node      malformed\n"
        "2001:db8::/64  until it is removed             operator  operator\n",
    )
    code, out, _ = command(*arguments, "--json")
    assert (code, json.loads(out)) == (0, {"blacklist": ENTRIES})


def test_nobody_is_shut_out(command: Command, node: FakeNode) -> None:
    node.answers["/blacklist"] = {"blacklist": []}
    assert command("blacklist") == (0, "", "edgenode: nobody is shut out\n")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [([], None), (["--for", "90s"], 90), (["--for", "30m"], 1800), (["--for", "7d"], 604800)],
)
def test_it_shuts_out(
    command: Command, node: FakeNode, given: list[str], seconds: int | None
) -> None:
    node.answers["/blacklist"] = ENTRIES[1]
    code, out, _ = command("blacklist", "add", "2001:db8::7", *given)
    assert (code, out) == (0, "2001:db8::/64 is shut out until it is removed\n")
    assert node.posted == [{"address": "2001:db8::7", "duration": seconds}]
    code, out, _ = command("blacklist", "--json", "add", "2001:db8::7")
    assert (code, json.loads(out)) == (0, ENTRIES[1])


@pytest.mark.parametrize("wrong", ["", "1", "h", "0s", "-1h", "1w", "367d", "٣h"])
def test_what_is_no_duration_is_refused(command: Command, node: FakeNode, wrong: str) -> None:
    assert command("blacklist", "add", "192.0.2.7", f"--for={wrong}")[0] == 2
    assert node.posted == []


def test_it_lets_in_by_the_operators_token(command: Command, node: FakeNode) -> None:
    command("blacklist", "remove", "2001:db8::/64")
    method, path, headers = node.requests[-1]
    assert (method, path) == ("DELETE", "/blacklist/2001:db8::")
    assert headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "wrong", ["", "node.example", "192.0.2.0/24", "../blocks", "1.2.3.4\r\nX: y"]
)
def test_what_is_no_address_is_not_asked_for(command: Command, node: FakeNode, wrong: str) -> None:
    assert command("blacklist", "remove", wrong)[0] == 2
    assert node.requests == []
