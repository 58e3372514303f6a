import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import FakeNode

ID = "1a" * 64
NASTY = "\x1b]0;owned\x07\u202e\r\n\x9b31m"
METADATA: dict[str, Any] = {
    "blockId": ID,
    "held": True,
    "size": 2048,
    "createdAt": "2026-01-02T03:04:05.678Z",
    "expiresAt": None,
    "durabilityLevel": "standard",
    "user": {"name": "a b", "b": "c"},
    "temperature": {"class": "HOT", "origins": [{"nodeId": "cd" * 32, "class": "HOT"}]},
    "locations": [
        {"nodeId": "cd" * 32, "size": 2048, "lastSeen": "2026-01-02T03:04:05.678Z"},
        {"nodeId": "ef" * 32, "size": 2048, "lastSeen": None},
    ],
    "accessCount": 7,
    "lastAccessedAt": None,
    "origins": [],
}
HEALTH: dict[str, Any] = {
    "activeNodes": 3,
    "totalBlocks": 10,
    "averageRedundancy": 1.5,
    "regionDistribution": {"us": 1, "eu-west": 2},
}


def shown(out: str) -> list[tuple[str, str]]:
    """Split aligned rows."""
    rows = [line.split("  ", 1) for line in out.splitlines()]
    return [(name, value.strip()) for name, value in rows]


def test_temp_is_one_word(command: Command, node: FakeNode) -> None:
    node.metadata[ID] = METADATA
    assert command("temp", ID) == (0, "HOT\n", "")
    node.metadata[ID] = METADATA | {"temperature": {"class": None, "origins": []}}
    assert command("temp", ID.upper()) == (0, "-\n", "")
    assert all("Authorization" not in headers for _, _, headers in node.requests)


def test_temp_as_json_says_who_says_it(command: Command, node: FakeNode) -> None:
    node.metadata[ID] = METADATA
    code, out, _ = command("temp", ID, "--json")
    assert code == 0
    assert json.loads(out) == {"blockId": ID, "temperature": METADATA["temperature"]}


@pytest.mark.parametrize(
    ("word", "sent", "answer"),
    [("VIRAL", "VIRAL", "VIRAL"), ("cold", "COLD", "COLD"), ("auto", None, "WARM"),
     ("AUTO", None, None)],
)  # fmt: skip
def test_temp_is_set(
    command: Command, node: FakeNode, word: str, sent: str | None, answer: str | None
) -> None:
    node.answers[f"/blocks/{ID}/temperature"] = {"blockId": ID, "temperature": answer}
    assert command("temp", ID, word) == (0, (answer or "-") + "\n", "")
    assert node.posted == [{"temperature": sent}]
    code, out, _ = command("temp", ID, word, "--json")
    assert (code, json.loads(out)) == (0, {"blockId": ID, "temperature": answer})


def test_temp_without_the_token(command: Command, node: FakeNode) -> None:
    (node.data_dir / "operator.token").unlink()
    code, out, err = command("temp", ID, "HOT")
    assert (code, out) == (5, "")
    assert "operator's token" in err
    assert node.posted == []


@pytest.mark.parametrize("name", ["temp", "meta"])
def test_a_block_that_nobody_knows(command: Command, name: str) -> None:
    code, out, err = command(name, ID)
    assert (code, out, err.count("\n")) == (4, "", 1)


def test_a_node_that_refuses_a_temperature(command: Command, node: FakeNode) -> None:
    node.refusal = (503, {"detail": "Too much of this is under way"})
    code, out, err = command("temp", ID, "HOT")
    assert (code, out) == (1, "")
    assert "Too much of this is under way (HTTP 503)" in err
    node.done.set()


def test_meta_for_people(command: Command, node: FakeNode) -> None:
    node.metadata[ID] = METADATA
    code, out, err = command("meta", ID)
    assert (code, err) == (0, "")
    assert shown(out) == [
        ("block", ID),
        ("held here", "yes"),
        ("size", "2.0 KiB"),
        ("created", "2026-01-02T03:04:05.678Z"),
        ("expires", "-"),
        ("durability", "standard"),
        ("temperature", "HOT"),
        ("accesses here", "7"),
        ("last access", "-"),
        ("user b", "c"),
        ("user name", "a b"),
        ("held by", f"{'cd' * 32}, last heard of 2026-01-02T03:04:05.678Z"),
        ("held by", f"{'ef' * 32}, last heard of -"),
    ]


def test_meta_of_a_block_of_which_little_is_known(command: Command, node: FakeNode) -> None:
    nothing = dict.fromkeys(("size", "createdAt", "durabilityLevel"))
    node.metadata[ID] = METADATA | nothing | {"held": False, "user": {}, "locations": []}
    code, out, _ = command("meta", ID)
    assert code == 0
    rows = shown(out)
    assert len(rows) == 9
    assert ("held here", "no") in rows
    assert ("size", "-") in rows


def test_meta_as_json(command: Command, node: FakeNode) -> None:
    node.metadata[ID] = METADATA | {"later": [1]}
    code, out, _ = command("meta", ID, "--json")
    assert (code, json.loads(out)) == (0, METADATA | {"later": [1]})


@pytest.mark.parametrize(
    "change",
    [
        {"size": "5"},
        {"accessCount": None},
        {"user": []},
        {"temperature": None},
        {"locations": [1]},
        {"locations": [{}]},
        {"blockId": 1},
    ],
)
def test_metadata_of_another_form_is_one_clear_line(
    command: Command, node: FakeNode, change: dict[str, Any]
) -> None:
    node.metadata[ID] = METADATA | change
    code, out, err = command("meta", ID)
    assert (code, out) == (1, "")
    assert "as this version knows it" in err
    assert err.count("\n") == 1


def test_blocks_goes_through_all_pages(command: Command, node: FakeNode) -> None:
    ids = sorted(node.add(bytes(size)) for size in range(1, 8))
    code, out, err = command("blocks")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{block_id}  {len(node.blocks[block_id])}" for block_id in ids]
    pages = [path for _, path, _ in node.requests if path.startswith("/blocks?")]
    assert pages == [
        "/blocks?limit=1000",
        f"/blocks?limit=1000&cursor={ids[2]}",
        f"/blocks?limit=1000&cursor={ids[5]}",
    ]
    code, out, _ = command("blocks", "--json")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"blockId": block_id, "size": len(node.blocks[block_id])} for block_id in ids
    ]


def test_no_blocks_is_told_beside_the_data(command: Command) -> None:
    assert command("blocks") == (0, "", "edgenode: no blocks yet\n")


def test_blocks_without_the_token(command: Command, node: FakeNode) -> None:
    (node.data_dir / "operator.token").unlink()
    assert command("blocks")[0] == 5


@pytest.mark.parametrize("cursor", ["00" * 64, "x", 5, "AB" * 64, "a&limit=5"])
def test_a_listing_that_does_not_go_on_ends(
    command: Command, node: FakeNode, cursor: object
) -> None:
    node.add(b"text")
    node.cursor = cursor
    code, _, err = command("blocks")
    assert code == 1
    assert "no cursor as this version knows it" in err


def test_health_for_people(command: Command, node: FakeNode) -> None:
    node.health = HEALTH
    code, out, err = command("health")
    assert (code, err) == (0, "")
    assert shown(out) == [
        ("active nodes", "3"),
        ("blocks", "10"),
        ("copies of each", "1.5 on average"),
        ("in eu-west", "2"),
        ("in us", "1"),
    ]


def test_health_as_json(command: Command, node: FakeNode) -> None:
    node.health = HEALTH
    code, out, _ = command("health", "--json")
    assert (code, json.loads(out)) == (0, HEALTH)


@pytest.mark.parametrize(
    "change",
    [{"activeNodes": "3"}, {"averageRedundancy": None}, {"regionDistribution": []},
     {"regionDistribution": {"eu": "x"}}],
)  # fmt: skip
def test_health_of_another_form_is_one_clear_line(
    command: Command, node: FakeNode, change: dict[str, Any]
) -> None:
    node.health = HEALTH | change
    code, out, err = command("health")
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_nothing_from_a_node_steers_the_terminal(command: Command, node: FakeNode) -> None:
    node.metadata[ID] = METADATA | {
        "blockId": NASTY,
        "createdAt": NASTY,
        "user": {NASTY: NASTY},
        "temperature": {"class": NASTY},
        "locations": [{"nodeId": NASTY, "lastSeen": NASTY}],
    }
    node.health = HEALTH | {"regionDistribution": {NASTY: 1}}
    node.answers[f"/blocks/{ID}/temperature"] = {"blockId": ID, "temperature": NASTY}
    for arguments in (["meta", ID], ["temp", ID], ["temp", ID, "HOT"], ["health"]):
        code, out, _ = command(*arguments)
        assert code == 0
        assert out.replace("\n", "").isprintable()
        assert out.count("\n") <= 11
