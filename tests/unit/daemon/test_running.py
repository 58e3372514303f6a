import json
from pathlib import Path

import pytest

from edgenode.daemon.running import (
    RUN_FILE,
    RunInfo,
    read_run_info,
    read_token,
    remove_run_file,
    write_run_file,
)


def test_what_the_node_writes_is_read(tmp_path: Path) -> None:
    write_run_file(tmp_path, node_id="ab", http_port=1, ws_port=2)
    info = read_run_info(tmp_path)
    assert info == RunInfo(info.pid, "ab", 1, 2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '"a"',
        "[" * 4000,
        json.dumps({"pid": 1, "nodeId": "a", "httpPort": "1", "wsPort": 2}),
        json.dumps({"pid": 1, "nodeId": "a", "httpPort": True, "wsPort": 2}),
        json.dumps({"pid": 1, "nodeId": 5, "httpPort": 1, "wsPort": 2}),
        " " * 5000 + "{}",
    ],
)
def test_another_file_of_that_name_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError):
        read_run_info(tmp_path)


def test_the_token_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "operator.token").write_text("abc-DEF_1\n")
    assert read_token(tmp_path) == "abc-DEF_1"


@pytest.mark.parametrize("content", ["", "\n", "a b", "a\r\nX-Header: b", "ä", "a" * 5000])
def test_what_cannot_go_into_a_header_is_no_token(tmp_path: Path, content: str) -> None:
    (tmp_path / "operator.token").write_text(content)
    with pytest.raises(ValueError):
        read_token(tmp_path)


def test_every_user_may_read_where_the_node_is(tmp_path: Path) -> None:
    write_run_file(tmp_path, node_id="a", http_port=1, ws_port=2)
    assert (tmp_path / RUN_FILE).stat().st_mode & 0o777 == 0o644
    remove_run_file(tmp_path)
    assert not (tmp_path / RUN_FILE).exists()
