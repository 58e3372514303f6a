"""The example file: every setting with its meaning, its rule and its default, commented out."""

import textwrap
from dataclasses import MISSING, fields
from typing import Any

from edgenode.daemon.config.records import meta
from edgenode.daemon.config.sections import BootstrapNode, Config
from edgenode.daemon.config.toml import toml_value

_HEAD = """\
Settings of an edgenode, for /etc/edgenode/edgenode.toml. None is needed: each line below shows
the default. Remove the # before a line to change it, then run: edgenode config check
Durations are in milliseconds and sizes in bytes unless it says otherwise."""


def example_toml() -> str:
    """Write `docs/edgenode.toml.example`."""
    blocks = ["\n".join(_comment(line) for line in _HEAD.splitlines())]
    blocks += [_setting(item) for item in fields(Config) if meta(item).rule is not None]
    for item in fields(Config):
        if meta(item).rule is None:
            record: Any = item.default_factory
            blocks.append(_comment(meta(item).doc) + f"\n[{item.name}]")
            blocks += [_setting(inner) for inner in fields(record)]
    return "\n\n".join(blocks) + "\n"


def _setting(item: Any) -> str:
    carried = meta(item)
    rule = carried.rule.expected if carried.rule else ""
    written = [_comment(f"{carried.doc} Takes {rule}.")]
    if (item.name, item.default) == ("nodes", ()):
        written += [_comment(line) for line in _node_lines()]
    return "\n".join([*written, f"#{item.name} = {toml_value(item.default)}"])


def _node_lines() -> list[str]:
    """Explain the keys of a bootstrap node, and show one."""
    lines = []
    for item in fields(BootstrapNode):
        default = "" if item.default is MISSING else f" Default {toml_value(item.default)}."
        lines.append(f"{item.name}: {meta(item).doc}{default}")
    shown = toml_value((BootstrapNode(address="node.example.org", is_static=True),))
    return [*lines, f"For example: nodes = {shown}"]


def _comment(text: str) -> str:
    # "# text" explains, "#key = value" is a setting: so they can be told apart.
    wrapped = textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in wrapped)
