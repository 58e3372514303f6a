"""edgenode.toml(5)."""

from dataclasses import MISSING, Field, fields
from typing import Any

from edgenode import __version__
from edgenode.daemon.config.records import meta
from edgenode.daemon.config.sections import BootstrapNode, Config
from edgenode.daemon.config.toml import toml_value
from scripts.pages.roff import bold, heading, item, literal, prose

_INTRODUCTION = """\
The settings of edgenode(8), in TOML (https://toml.io). No file is needed: every setting has a
default, and a file names only what differs. Durations are in milliseconds and sizes in bytes
unless it says otherwise. A setting that is unknown, or not as described here, keeps the node from
starting: 'edgenode config check' tells what is wrong, 'edgenode config show' what is in force.
Changes take effect with 'systemctl restart edgenode'."""

_EXAMPLE = """\
[bootstrap]
nodes = [{ address = "192.168.1.20", port = 4242, is_static = true }]

[storage]
max_bytes = 20000000000"""


def settings_page(date: str) -> str:
    """Return the page as troff."""
    plain = [found for found in fields(Config) if meta(found).rule is not None]
    sections = [found for found in fields(Config) if meta(found).rule is None]
    parts = [
        heading("edgenode.toml", 5, date, __version__, "File Formats"),
        ".SH NAME\nedgenode.toml \\- settings of a node of the BrightChain block network",
        ".SH SYNOPSIS\n.I /etc/edgenode/edgenode.toml",
        f".SH DESCRIPTION\n{prose(_INTRODUCTION)}",
        ".SH SETTINGS\n.SS At the top, above the first section",
        *map(_setting, plain),
    ]
    for section in sections:
        record: Any = section.default_factory
        parts += [
            f".SS [{section.name}]\n{prose(meta(section).doc)}",
            *map(_setting, fields(record)),
        ]
    parts += [
        f".SH EXAMPLE\n{literal(_EXAMPLE)}",
        ".SH SEE ALSO\n.BR edgenode (1),\n.BR edgenode (8)",
    ]
    return "\n".join(parts) + "\n"


def _setting(found: "Field[Any]") -> str:
    carried = meta(found)
    takes = f"Takes {carried.rule.expected}." if carried.rule else ""
    body = prose(f"{carried.doc} {takes}")
    if found.name == "nodes":
        inner = (
            item(bold(key.name), prose(meta(key).doc + _default(key)))
            for key in fields(BootstrapNode)
        )
        body += "\n" + "\n".join([".RS", *inner, ".RE"])
    return item(f"{bold(found.name)} = {prose(toml_value(found.default))}", body)


def _default(found: "Field[Any]") -> str:
    return "" if found.default is MISSING else f" Default {toml_value(found.default)}."
