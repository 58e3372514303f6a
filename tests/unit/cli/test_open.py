import json

import pytest

from edgenode.cli.open import page_host
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import TOKEN, FakeNode

CODE = "ab" * 32


def test_it_prints_a_link_that_works_once(
    command: Command, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    node.answers["/session/link"] = {"code": CODE, "expiresIn": 120}
    link = f"http://127.0.0.1:{node.port}/#login={CODE}"
    code, out, err = command("open")
    assert (code, out) == (0, link + "\n")
    assert "works once, within 120 s" in err
    assert [
        headers["Authorization"] for method, _, headers in node.requests if method == "POST"
    ] == [f"Bearer {TOKEN}"]
    code, out, err = command("open", "--json")
    assert (code, json.loads(out), err) == (0, {"url": link, "expiresIn": 120}, "")


@pytest.mark.parametrize("code", ["", "ab", "\x1b[31m", "x" * 64])
def test_what_answers_is_no_node(command: Command, node: FakeNode, code: str) -> None:
    node.answers["/session/link"] = {"code": code, "expiresIn": 120}
    status, out, err = command("open")
    assert (status, out) == (1, "")
    assert "does not speak as a node does" in err


@pytest.mark.parametrize(
    ("http_bind", "connection", "host"),
    [
        ("", "", "127.0.0.1"),
        ("0.0.0.0", "192.0.2.7 50000 192.0.2.1 22", "192.0.2.1"),
        ("::", "fe80::1%eth0 50000 fe80::2%eth0 22", "fe80::2"),
        ("", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7 50000 192.0.2.1 22", "127.0.0.1"),
        ("192.0.2.9", "192.0.2.7 50000 192.0.2.1 22", "192.0.2.9"),
    ],
)
def test_the_host_of_the_link(http_bind: str, connection: str, host: str) -> None:
    assert page_host(http_bind, {"SSH_CONNECTION": connection}) == host
