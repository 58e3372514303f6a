"""`edgenode invite`, `join` and `discover` as programs, on real nodes."""

import asyncio
import json
import sys
from typing import Any

import pytest

from edgenode.core.invite import Invitation, decode_invitation, encode_invitation
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

SECRET = "c4f1d2a09b8e7765c4f1d2a09b8e7764"
OTHER = "d4f1d2a09b8e7765c4f1d2a09b8e7764"


async def edgenode(node: Node, *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Run the command on the node's data folder; return exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", *arguments),
        *("--config", str(node.data_dir.parent / "config.toml")),
        *("--data-dir", str(node.data_dir)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(given.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def line_of(node: Node, *arguments: str) -> str:
    code, out, err = await edgenode(node, "invite", *arguments)
    assert code == 0, err
    return out.strip()


async def found(node: Node, *arguments: str) -> Any:
    code, out, err = await edgenode(node, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


async def test_a_fresh_node_joins_by_the_line_of_another(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    code, out, err = await edgenode(a, "invite")
    assert code == 0
    assert "the line works here" in err  # it listens on loopback alone
    line = out.strip()
    invitation = decode_invitation(line)
    assert (invitation.node_id, invitation.addresses) == (a.node_id, [("127.0.0.1", a.ws_port)])
    code, out, err = await edgenode(b, "join", line)
    assert (code, out) == (0, f"linked with {a.node_id} of the network test-net\n"), err
    await a.linked_with(b)
    block_id = await a.rest.post(b"for the guest")
    assert (await b.rest.get(block_id)).body == b"for the guest"
    code, out, _ = await edgenode(b, "discover")
    assert code == 0
    (row,) = out.splitlines()[1:]
    assert row.split()[:3] == [a.node_id[:16], f"127.0.0.1:{a.ws_port}", "invitation"]
    assert "linked" in row
    # It is kept over restarts, until it is forgotten.
    await b.stop()
    seen = len(b.lines)
    await b.start()
    await b.linked_with(a, since=seen)
    assert [entry["nodeId"] for entry in (await found(b, "join", "--list"))["nodes"]] == [a.node_id]
    assert (b.data_dir / "joined.json").stat().st_mode & 0o777 == 0o600
    code, out, _ = await edgenode(b, "join", "--forget", a.node_id)
    assert (code, out) == (0, "forgotten\n")
    assert (await found(b, "join", "--list"))["nodes"] == []
    assert (await edgenode(b, "join", "--forget", a.node_id))[0] != 0


async def test_lines_that_are_none(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    line = await line_of(a)
    for wrong, why in (
        (line[:-5], "is cut: copy all of it"),
        (line[:50] + ("a" if line[50] != "a" else "b") + line[51:], "is wrong"),
        ("http://example.org/", "no invitation"),
    ):
        code, _, err = await edgenode(b, "join", wrong)
        assert code == 1
        assert why in err
        status, answer = await b.rest.write("/join", {"line": wrong})
        assert (status, answer["type"]) == (400, "urn:edgenode:problem:bad-invitation")
        assert why in answer["detail"]
    code, _, err = await edgenode(a, "join", line)
    assert code == 1
    assert "to this very node" in err
    assert not (b.data_dir / "joined.json").exists()


@pytest.mark.ci
async def test_who_does_not_answer_is_tried_again(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    line = await line_of(a)
    await a.stop()
    code, out, _ = await edgenode(b, "join", line)
    assert code == 1
    assert f"not linked yet: 127.0.0.1:{a.ws_port}:" in out
    await a.start()
    await b.linked_with(a, timeout_s=20.0)


@pytest.mark.ci
async def test_another_node_at_the_address_is_not_taken_for_the_one_that_invited(
    nodes: Nodes,
) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    line = encode_invitation(Invitation("test-net", "ab" * 32, [("127.0.0.1", a.ws_port)]))
    code, out, _ = await edgenode(b, "join", line)
    assert code == 1
    assert "wrong-node" in out


async def test_a_closed_network_with_its_secret_from_standard_input(nodes: Nodes) -> None:
    a, b = nodes.make("a", network="home"), nodes.make("b", network="")
    a.belongs = f'secret = "{SECRET}"'
    await a.start()
    await b.start()
    bare = await line_of(a)
    code, _, err = await edgenode(a, "invite")
    assert code == 0
    assert "needs its secret too" in err
    assert decode_invitation(bare).closed
    assert not decode_invitation(bare).secret
    line = await line_of(a, "--with-secret")
    assert decode_invitation(line).secret == SECRET
    # Whoever has not the token does not get it.
    async with nodes.session.get(f"{a.rest.base}/invitation?secret=1") as response:
        assert response.status == 401
    code, out, err = await edgenode(b, "join", "-", given=line + "\n")
    assert code == 0, err
    assert "sudo systemctl restart edgenode" in out
    assert (b.data_dir / "network.secret").stat().st_mode & 0o777 == 0o600
    seen = len(b.lines)
    await b.stop()
    await b.start()
    await b.linked_with(a, since=seen)
    block_id = await a.rest.post(b"behind the door")
    assert (await b.rest.get(block_id)).body == b"behind the door"
    assert SECRET not in "".join(a.lines + b.lines)
    assert line not in "".join(a.lines + b.lines)
    code, out, _ = await edgenode(b, "config", "show")
    assert 'id = "home"' in out
    assert SECRET not in out
    # Undone, it is in its old network again.
    code, _, err = await edgenode(b, "join", "--forget", "home")
    assert code == 0
    assert "until it is restarted" in err
    assert not (b.data_dir / "network.secret").exists()
    await b.stop()
    await b.start()
    assert (await b.rest.info())["network"] == "brightchain"


@pytest.mark.ci
async def test_the_settings_go_before(nodes: Nodes) -> None:
    a = nodes.make("a")
    a.belongs = f'secret = "{OTHER}"'
    await a.start()
    there = [("127.0.0.1", 4242)]
    for invitation, key in (
        (Invitation("elsewhere", "ab" * 32, there), 'network.id is "test-net"'),
        (Invitation("test-net", "ab" * 32, there, secret=SECRET), "network.secret is another"),
    ):
        line = encode_invitation(invitation)
        code, _, err = await edgenode(a, "join", line)
        assert code == 1
        assert key in err
        assert str(a.data_dir.parent / "config.toml") in err
        assert SECRET not in err
    await a.stop()
    code, _, err = await edgenode(a, "join", line)
    assert code == 1
    assert "network.secret is another" in err
    assert not (a.data_dir / "joined.json").exists()


@pytest.mark.ci
async def test_joining_while_the_node_is_stopped(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    await b.stop()
    line = await line_of(a)
    code, out, _ = await edgenode(b, "join", line)
    assert (code, out) == (0, "kept: the node joins test-net when it is started\n")
    assert len((await found(b, "join", "--list"))["nodes"]) == 1
    seen = len(b.lines)
    await b.start()
    await b.linked_with(a, since=seen)
    await b.stop()
    code, out, _ = await edgenode(b, "join", "--forget", a.node_id)
    assert (code, out) == (0, "forgotten\n")
    assert (await found(b, "join", "--list"))["nodes"] == []


@pytest.mark.ci
async def test_discover_watches(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", "discover", "--watch", "--json"),
        *("--data-dir", str(b.data_dir)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        await edgenode(b, "join", await line_of(a))
        async with asyncio.timeout(10):
            while True:
                change = json.loads(await process.stdout.readline())
                if change["status"] == "linked":
                    break
        assert change["nodeId"] == a.node_id
        await a.stop()
        async with asyncio.timeout(10):
            change = json.loads(await process.stdout.readline())
        assert (change["change"], change["nodeId"]) == ("changed", a.node_id)
        assert change["status"] != "linked"
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.ci
async def test_loneliness_is_counted_and_doctor_says_where_is_looked(nodes: Nodes) -> None:
    a, b = await nodes.start("a"), await nodes.start("b")
    async with asyncio.timeout(10):
        while (await b.rest.status())["alone"] < 1:  # noqa: ASYNC110 - seconds pass
            await asyncio.sleep(0.1)
    _, out, _ = await edgenode(b, "doctor", "--json")
    (check,) = [one for one in json.loads(out)["checks"] if one["name"] == "neighbours"]
    assert "mDNS is switched off, [bootstrap] names 0 nodes" in check["what"]
    line = encode_invitation(Invitation("test-net", a.node_id, [("127.0.0.1", a.ws_port)]))
    assert (await b.rest.write("/join", {"line": line}))[1]["state"] == "linked"
    assert (await b.rest.status())["alone"] == 0
    _, out, _ = await edgenode(b, "doctor", "--json")
    (check,) = [one for one in json.loads(out)["checks"] if one["name"] == "neighbours"]
    assert check["what"] == "linked with 1 node; found: 1 by invitation"
    await a.stop()
    assert (await b.rest.status())["alone"] <= 1
