import hashlib
import io
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_node import TOKEN, FakeNode

Make = Callable[[str, bytes], str]


def id_of(data: bytes) -> str:
    return hashlib.sha3_512(data).hexdigest()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def test_put_prints_ids_in_order_and_the_notice_once(
    command: Command, node: FakeNode, make: Make
) -> None:
    big = os.urandom(3_000_000)
    code, out, err = command("put", make("a", b"one"), make("b", big), make("c", b"one"))
    assert (code, out.split()) == (0, [id_of(b"one"), id_of(big), id_of(b"one")])
    assert node.blocks == {id_of(b"one"): b"one", id_of(big): big}
    assert err.count("can read it") == err.count("does not recall") == err.count("\n") == 1
    posts = [headers for method, _, headers in node.requests if method == "POST"]
    assert [headers["Content-Length"] for headers in posts] == ["3", "3000000", "3"]
    assert {headers["Authorization"] for headers in posts} == {f"Bearer {TOKEN}"}


def test_put_as_json_is_an_object_a_line(command: Command, make: Make) -> None:
    name = make("a", b"one")
    code, out, _ = command("put", "--json", name, name + ".none", name)
    first, failed, again = map(json.loads, out.splitlines())
    assert code == 1
    assert first == {"file": name, "blockId": id_of(b"one"), "size": 3, "new": True}
    assert failed == {"file": name + ".none", "error": "No such file or directory"}
    assert again == first | {"new": False}


def test_put_goes_on_after_a_file_that_fails(command: Command, tmp_path: Path, make: Make) -> None:
    code, out, err = command("put", make("empty", b""), str(tmp_path), "missing", make("a", b"one"))
    assert (code, out) == (1, id_of(b"one") + "\n")
    empty, folder, missing, _notice = err.splitlines()
    assert empty.endswith("empty: the node answered: A block has at least one byte (HTTP 400)")
    assert folder.endswith(f"{tmp_path}: Is a directory")
    assert missing == "edgenode: missing: No such file or directory"


def test_no_notice_where_nothing_was_stored(command: Command) -> None:
    assert "can read it" not in command("put", "missing")[2]


def test_put_of_a_pipe_is_sent_in_chunks(command: Command, node: FakeNode, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"piped")
    os.close(write)
    code, out, _ = command("put", f"/dev/fd/{read}")
    os.close(read)
    assert (code, out) == (0, id_of(b"piped") + "\n")
    assert node.requests[-1][2]["Transfer-Encoding"] == "chunked"


def test_put_sends_no_more_than_it_announced(
    command: Command, node: FakeNode, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make("a", b"one two")
    real = os.fstat

    def smaller(descriptor: int) -> os.stat_result:
        return os.stat_result((*real(descriptor)[:6], 3, *real(descriptor)[7:]))

    monkeypatch.setattr("edgenode.cli.blocks.os.fstat", smaller)
    assert command("put", name)[1] == id_of(b"one") + "\n"
    assert list(node.blocks.values()) == [b"one"]


def test_a_file_that_shrinks_is_not_stored(
    command: Command, node: FakeNode, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make("a", b"one")
    real = os.fstat

    def larger(descriptor: int) -> os.stat_result:
        return os.stat_result((*real(descriptor)[:6], 9, *real(descriptor)[7:]))

    monkeypatch.setattr("edgenode.cli.blocks.os.fstat", larger)
    code, out, err = command("put", name)
    assert (code, out, node.blocks) == (1, "", {})
    assert "became shorter" in err


def test_a_refusal_ends_a_long_upload_at_once(
    command: Command, node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgenode.cli.client.ANSWER_TIMEOUT_S", 2)
    node.refusal = (413, {"detail": "The block is larger than this node accepts"})
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(2**40)
    code, _, err = command("put", str(huge))
    assert code == 1
    assert "huge: the node answered: The block is larger than this node accepts (HTTP 413)" in err


def test_put_with_a_token_that_is_refused(command: Command, node: FakeNode, make: Make) -> None:
    (node.data_dir / "operator.token").write_text("wrong")
    code, out, err = command("put", make("a", b"a"), make("b", b"b"))
    assert (code, out) == (5, "")
    assert "refused the operator's token" in err
    assert [method for method, _, _ in node.requests].count("POST") == 1


def test_the_token_is_not_given_to_another_node_on_the_port(
    command: Command, node: FakeNode, make: Make
) -> None:
    node.node_id = "cd" * 32
    for arguments in (("put", make("a", b"a")), ("get", "a" * 128, "-o", "-")):
        code, out, err = command(*arguments)
        assert (code, out) == (3, "")
        assert "another one answers" in err
    assert all("Authorization" not in headers for _, _, headers in node.requests)


def test_get_writes_the_block(command: Command, node: FakeNode) -> None:
    assert command("get", node.add(b"some text")) == (0, "some text", "")
    assert node.requests[-1][2]["Authorization"] == f"Bearer {TOKEN}"


def test_get_takes_an_id_in_capitals(command: Command, node: FakeNode) -> None:
    assert command("get", node.add(b"some text").upper())[:2] == (0, "some text")


def test_get_without_the_token_reads_what_is_held(command: Command, node: FakeNode) -> None:
    (node.data_dir / "operator.token").unlink()
    assert command("get", node.add(b"some text"))[:2] == (0, "some text")
    code, _, err = command("get", "a" * 128)
    assert code == 4
    assert "not held here (HTTP 404); with the operator's token" in err


def test_get_of_an_unknown_block(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "out"
    code, out, err = command("get", "a" * 128, "-o", str(target))
    assert (code, out) == (4, "")
    assert err == "edgenode: the node answered: The block is not held here (HTTP 404)\n"
    assert not target.exists()


def test_get_into_a_file(command: Command, node: FakeNode, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    target = tmp_path / "out"
    mask = os.umask(0o027)
    try:
        assert command("get", node.add(data), "-o", str(target)) == (0, "", "")
    finally:
        os.umask(mask)
    assert target.read_bytes() == data
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_get_replaces_a_file_and_keeps_its_mode_and_the_link_to_it(
    command: Command, node: FakeNode, tmp_path: Path
) -> None:
    target, link = tmp_path / "out", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o604)
    link.symlink_to("out")
    assert command("get", node.add(b"new"), "-o", str(link))[0] == 0
    assert (target.read_text(), link.is_symlink()) == ("new", True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def test_get_into_a_device_writes_to_it(command: Command, node: FakeNode, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert command("get", node.add(b"new"), "-o", str(pipe))[0] == 0
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [("other", "does not hash to the id"), ("cut", "cut off after 6 of 9 bytes")],
)
def test_what_is_not_the_block_does_not_take_the_place_of_a_file(
    command: Command, node: FakeNode, tmp_path: Path, spoil: str, message: str
) -> None:
    block_id = node.add(b"some text")
    if spoil == "other":
        node.blocks[block_id] = b"some texT"
    else:
        node.cut = 3
    target = tmp_path / "out"
    target.write_text("old")
    code, _, err = command("get", block_id, "-o", str(target))
    assert (code, target.read_text()) == (1, "old")
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    assert command("get", block_id)[0] == 1


def test_get_into_a_folder_that_is_not_there(
    command: Command, node: FakeNode, tmp_path: Path
) -> None:
    code, _, err = command("get", node.add(b"a"), "-o", str(tmp_path / "none" / "out"))
    assert code == 1
    assert "No such file or directory" in err


def test_progress_is_shown_and_taken_away_on_a_terminal(
    command: Command, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("edgenode.cli.progress.PATIENCE_S", 0)
    data = os.urandom(1_000_000)
    for arguments in (("put", make("a", data)), ("get", id_of(data), "-o", str(tmp_path / "out"))):
        screen = Screen()
        monkeypatch.setattr(sys, "stderr", screen)
        assert command(*arguments)[0] == 0
        assert " of 976.6 KiB (" in screen.getvalue()
        assert "\r\x1b[K" in screen.getvalue()


def test_delete(command: Command, node: FakeNode) -> None:
    block_id = node.add(b"a")
    code, out, err = command("delete", block_id)
    assert (code, out, node.blocks) == (0, "", {})
    assert "copies that other nodes hold stay" in err
    assert command("delete", block_id)[0] == 4
    code, out, err = command("delete", "--json", node.add(b"a"))
    assert (code, json.loads(out), err) == (0, {"blockId": block_id, "deleted": True}, "")


def test_an_answer_that_names_no_block(command: Command, node: FakeNode, make: Make) -> None:
    node.refusal = (201, {"blockId": "\x1b[31m", "size": 1})
    code, out, err = command("put", make("a", b"a"))
    assert (code, out) == (1, "")
    assert "names no block" in err
