import json
from pathlib import Path

import pytest

from edgenode.core.invite import Invitation, encode_invitation
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import TOKEN, FakeNode

NODE = "cd" * 32
LINE = encode_invitation(Invitation("home", NODE, [("192.0.2.7", 4242)]))
FOUND = {
    "line": LINE,
    "network": "home",
    "nodeId": NODE,
    "addresses": [{"address": "192.0.2.7", "port": 4242}],
    "closed": False,
    "secret": False,
    "membersOnly": False,
    "reach": "internet",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"reach": "local"}, "works on its own network"),
        ({"reach": "machine"}, "works here"),
        ({"closed": True}, "needs its secret too"),
        ({"membersOnly": True}, "must be listed"),
    ],
)
def test_the_line_is_data_and_the_rest_is_told(
    command: Command, node: FakeNode, changes: dict[str, object], said: str
) -> None:
    node.answers["/invitation"] = {**FOUND, **changes}
    code, out, err = command("invite")
    assert (code, out) == (0, LINE + "\n")
    assert (err == "") if not said else (said in err)
    assert all("Authorization" not in headers for _, _, headers in node.requests)
    code, out, _ = command("invite", "--json")
    assert json.loads(out) == {**FOUND, **changes}


def test_the_secret_is_asked_for_with_the_token(command: Command, node: FakeNode) -> None:
    node.answers["/invitation?secret=1"] = {**FOUND, "closed": True, "secret": True}
    code, _, err = command("invite", "--with-secret")
    assert code == 0
    assert "as you would send a password" in err
    assert node.requests[-1][2]["Authorization"] == f"Bearer {TOKEN}"
    node.answers["/invitation?secret=1"] = FOUND
    assert "the line holds none" in command("invite", "--with-secret")[2]


@pytest.mark.parametrize(
    ("state", "detail", "code", "said"),
    [
        ("linked", None, 0, f"linked with {NODE} of the network home\n"),
        ("restart", None, 0, "Type: sudo systemctl restart edgenode\n"),
        (
            "not-linked",
            "192.0.2.7:4242: no answer",
            1,
            "not linked yet: 192.0.2.7:4242: no answer\n",
        ),
    ],
)
def test_joining(
    command: Command, node: FakeNode, state: str, detail: str | None, code: int, said: str
) -> None:
    outcome = {"nodeId": NODE, "network": "home", "state": state, "detail": detail}
    node.answers["/join"] = outcome
    found, out, _ = command("join", LINE)
    assert found == code
    assert out.endswith(said)
    assert node.posted == [{"line": LINE}]
    found, out, _ = command("join", LINE, "--json")
    assert (found, json.loads(out)) == (code, outcome)


def test_a_cut_line_goes_nowhere(command: Command, node: FakeNode) -> None:
    code, _, err = command("join", LINE[:-3])
    assert (code, err) == (1, "edgenode: the line is cut: copy all of it\n")
    assert node.posted == []


@pytest.mark.parametrize("arguments", [[], [LINE, "--list"], ["--list", "--forget", NODE]])
def test_one_thing_at_a_time(command: Command, arguments: list[str]) -> None:
    assert command("join", *arguments)[0] == 2


def test_the_list_and_forgetting(command: Command, node: FakeNode) -> None:
    entry = {"nodeId": NODE, "network": "home", "addresses": FOUND["addresses"]}
    node.answers["/joined"] = {"network": "home", "secret": True, "nodes": [entry]}
    assert command("join", "--list")[:2] == (
        0,
        f"network home, with its secret\n{NODE}  home  192.0.2.7:4242\n",
    )
    node.answers["/joined"] = {"network": None, "secret": False, "nodes": []}
    assert command("join", "--list") == (0, "", "edgenode: no invitation is kept\n")
    node.answers["/joined/forget"] = {"name": "home", "restart": True}
    code, out, err = command("join", "--forget", "home")
    assert (code, out) == (0, "forgotten\n")
    assert "until it is restarted" in err
    assert node.posted == [{"name": "home"}]


def test_without_a_data_folder_yet(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from edgenode.cli.main import main  # noqa: PLC0415

    config = tmp_path / "edgenode.toml"
    config.write_text("")
    data = tmp_path / "data"
    code = main(["--config", str(config), "--data-dir", str(data), "join", LINE])
    assert code == 0, capfdbinary.readouterr()
    assert (data / "joined.json").stat().st_mode & 0o777 == 0o600
