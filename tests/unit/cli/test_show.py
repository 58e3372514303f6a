import json

import pytest

from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import NODE_ID, STATUS, FakeNode

PEER: dict[str, object] = {
    "nodeId": "cd" * 32,
    "address": "192.0.2.7",
    "httpPort": None,
    "wsPort": 4242,
    "lastSeen": "2025-01-02T03:04:05.678Z",
    "capabilities": ["blocks", "relay"],
    "status": "connected",
    "direction": "outbound",
    "how": ["mdns", "peer"],
    "roundTrip": 12.5,
}
LOST: dict[str, object] = {
    "nodeId": None,
    "address": "2001:db8::1",
    "httpPort": None,
    "wsPort": 5,
    "lastSeen": None,
    "capabilities": [],
    "status": "disconnected",
    "lastError": "connection refused",
}


def test_id_is_one_word(command: Command) -> None:
    assert command("id") == (0, NODE_ID + "\n", "")


def test_id_as_json_is_the_node_info(command: Command) -> None:
    code, out, _ = command("id", "--json")
    assert (code, json.loads(out)["network"]) == (0, "test")


def test_reads_send_no_token(command: Command, node: FakeNode) -> None:
    (node.data_dir / "operator.token").unlink()
    for name in ("id", "status", "peers"):
        assert command(name)[0] == 0
    assert all("Authorization" not in headers for _, _, headers in node.requests)


def test_status_of_a_lonely_node_says_how_to_join(command: Command, node: FakeNode) -> None:
    node.status = {**STATUS, "peers": 0, "alone": 59}
    assert "edgenode join" not in command("status")[1]
    node.status = {**STATUS, "peers": 0, "alone": 720}
    out = command("status")[1]
    lines = out.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("peers"))
    assert lines[at + 1].strip() == "none for 12 min 0 s"
    assert "'edgenode invite'" in lines[at + 2]
    assert "'edgenode join'" in lines[at + 2]


def test_status_for_people(command: Command) -> None:
    code, out, err = command("status")
    assert (code, err) == (0, "")
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    shown = {key: value.strip() for key, value in lines.items()}
    assert shown == {
        "node": NODE_ID,
        "network": "test",
        "version": "9",
        "uptime": "1 d 2 h",
        "reachable": "yes, by pcp, at 192.0.2.9:4242",
        "peers": "2",
        "blocks": "7",
        "waiting to sync": "3",
        "bandwidth": "2.0 KiB in, 5.0 GiB out",
        "operations": "10 done, 1 failed",
    }
    assert len({len(line) - len(line.split("  ", 1)[1].lstrip()) for line in out.splitlines()}) == 1


@pytest.mark.parametrize(
    ("found", "words", "advice"),
    [
        ({"verified": False}, "yes, by pcp, at 192.0.2.9:4242, not confirmed", ""),
        ({"externalAddress": "2a01::1"}, "yes, by pcp, at [2a01::1]:4242", ""),
        ({"externalAddress": None, "method": None}, "yes", ""),
        ({"verdict": "ipv6-only", "method": None, "externalPort": None}, "yes, by IPv6 alone", ""),
        ({"verdict": "cgnat", "advice": "Ask for IPv6."}, "no (cgnat)", "Ask for IPv6."),
        ({"verdict": "unknown"}, "not known yet", ""),
        ({"verdict": "\x1b[31m", "advice": None}, "no (?[31m)", ""),
    ],
)
def test_reachability_in_words(
    command: Command, node: FakeNode, found: dict[str, object], words: str, advice: str
) -> None:
    node.status["reachability"] = STATUS["reachability"] | found  # type: ignore[operator]
    code, out, _ = command("status")
    lines = out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("reachable"))
    start = lines[place].index(words)
    assert (code, lines[place][start:]) == (0, words)
    if advice:
        assert lines[place + 1] == " " * start + advice
    else:
        assert lines[place + 1].startswith("peers")


def test_the_status_of_an_earlier_version(command: Command, node: FakeNode) -> None:
    del node.status["reachability"]
    node.status["bandwidth"] = {"in": 1, "out": 2}
    code, out, _ = command("status")
    assert code == 0
    assert "not told" in out
    node.status["bandwidth"]["relayed"] = 2048
    assert "1 B in, 2 B out, 2.0 KiB passed on" in command("status")[1]


def test_status_as_json_is_what_the_node_says(command: Command, node: FakeNode) -> None:
    node.status["later"] = "\x1b[31m\x7f"
    code, out, _ = command("status", "--json")
    assert (code, json.loads(out)) == (0, STATUS | {"later": "\x1b[31m\x7f"})
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "change",
    [
        {"uptime": "1"},
        {"uptime": None},
        {"uptime": -1},
        {"peers": True},
        {"bandwidth": []},
        {"bandwidth": {"in": 1}},
    ],
)
def test_a_status_of_another_form_is_one_clear_line(
    command: Command, node: FakeNode, change: dict[str, object]
) -> None:
    node.status.update(change)
    code, out, err = command("status")
    assert (code, out) == (1, "")
    assert "as this version knows it" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("change", [{"uptime": float("nan")}, {"blocks": 10**400}])
def test_what_is_not_json_is_no_answer_of_a_node(
    command: Command, node: FakeNode, change: dict[str, object]
) -> None:
    node.status.update(change)
    code, out, err = command("status")
    assert (code, out) == (1, "")
    assert "does not speak as a node does" in err


def test_peers_for_people(command: Command, node: FakeNode) -> None:
    node.peers = [PEER, LOST]
    code, out, err = command("peers")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "NODE              ADDRESS          STATUS        BY  FOUND BY   "
        "LAST SEEN                 CAPABILITIES  LAST ERROR",
        "cdcdcdcdcdcdcdcd  192.0.2.7:4242   connected     us  mdns,peer  "
        "2025-01-02T03:04:05.678Z  blocks,relay  -",
        "-                 [2001:db8::1]:5  disconnected  -   -          "
        "-                         -             connection refused",
    ]


def test_peers_as_json(command: Command, node: FakeNode) -> None:
    node.peers = [PEER, LOST]
    code, out, _ = command("peers", "--json")
    assert (code, json.loads(out)) == (0, [PEER, LOST])


def test_no_peers_is_told_beside_the_data(command: Command) -> None:
    code, out, err = command("peers")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "no peers yet" in err


def test_nothing_from_a_node_steers_the_terminal(command: Command, node: FakeNode) -> None:
    nasty = "\x1b]0;owned\x07\u202e\r\n\x9b31m"
    node.peers = [PEER | dict.fromkeys(("nodeId", "address", "lastSeen", "status"), nasty)]
    node.peers[0] |= {"capabilities": [nasty, 5], "lastError": nasty}
    code, out, _ = command("peers")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert out.replace("\n", "").isprintable()
    node.node_id = nasty
    assert command("id")[1].removesuffix("\n").isprintable()
    node.refusal = (507, {"detail": nasty})
    (node.data_dir / "a").write_text("a")
    node.write_files(port=node.port, node_id=nasty)
    assert command("put", str(node.data_dir / "a"))[2].removesuffix("\n").isprintable()


@pytest.mark.parametrize("peers", [None, {}, [1], "x"])
def test_peers_of_another_form_are_one_clear_line(
    command: Command, node: FakeNode, peers: object
) -> None:
    node.peers = peers
    assert command("peers")[0] == 1
