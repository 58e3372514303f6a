import re
from dataclasses import fields
from pathlib import Path

from edgenode.daemon.config.example import example_toml
from edgenode.daemon.config.load import Config, parse_config
from edgenode.daemon.config.toml import plain

FILE = Path(__file__).parents[3] / "docs" / "edgenode.toml.example"

WRITE_IT = (
    'python -c "from edgenode.daemon.config.example import example_toml as e; '
    "print(e(), end='')\" > docs/edgenode.toml.example"
)


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_text() == example_toml(), f"write it again: {WRITE_IT}"


def test_as_it_stands_it_changes_nothing() -> None:
    assert parse_config(example_toml(), "example") == Config()


def test_with_every_setting_uncommented_it_says_the_defaults() -> None:
    text = re.sub(r"^#(?=\w)", "", example_toml(), flags=re.MULTILINE)
    assert parse_config(text, "example") == Config()
    defaults = plain(Config())
    assert isinstance(defaults, dict)
    for name in (item.name for item in fields(Config)):
        keys = defaults[name] if isinstance(defaults[name], dict) else [name]
        for key in keys:
            assert re.search(rf"^{key} = ", text, re.MULTILINE), f"{name}.{key}"


def test_the_example_of_a_node_can_be_used() -> None:
    [shown] = re.findall(r"For example: (nodes = .*)", example_toml())
    [node] = parse_config(f"[bootstrap]\n{shown}", "example").bootstrap.nodes
    assert node.is_static


def test_no_line_is_long() -> None:
    assert max(map(len, example_toml().splitlines())) <= 100
