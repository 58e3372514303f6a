import time
import tomllib

from edgenode.daemon.config.lines import key_lines, line_of

TEXT = '''\
# [server]
network = "a"
  "data_dir" = "/x"  # network = 2
[ server ]  # the two
http_port = 1
text = """
ws_port = 5
"""
ws_port = 6
[[bootstrap.nodes]]
address = "a"
[[ bootstrap . nodes ]]
address = "b"
[dns]
seeds = [
  "timeout",
]
nat.methods = []
'''


def test_lines_of_keys() -> None:
    assert tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert line_of(("network",), lines) == 2
    assert line_of(("data_dir",), lines) == 3
    assert line_of(("server",), lines) == 4
    assert line_of(("server", "http_port"), lines) == 5
    assert line_of(("server", "ws_port"), lines) == 9
    assert line_of(("bootstrap", "nodes"), lines) == 10
    assert line_of(("bootstrap", "nodes", 0, "address"), lines) == 11
    assert line_of(("bootstrap", "nodes", 1), lines) == 12
    assert line_of(("bootstrap", "nodes", 1, "address"), lines) == 13
    assert line_of(("dns", "seeds", 0), lines) == 15
    assert line_of(("dns", "nat", "methods"), lines) == 18


def test_a_table_that_only_its_keys_make_is_found_by_them() -> None:
    assert line_of(("server",), key_lines("\nserver.http_port = 1\n")) == 2


def test_what_is_not_there_has_no_line() -> None:
    assert line_of(("x",), key_lines(TEXT)) is None
    assert line_of((), key_lines(TEXT)) is None


def test_a_long_line_takes_no_long_time() -> None:
    start = time.monotonic()
    for unit in ("a", "a.", "'", '"a"', "[", " "):
        key_lines(unit * 50_000)
    assert time.monotonic() - start < 5
