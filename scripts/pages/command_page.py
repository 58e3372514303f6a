"""edgenode(1)."""

import argparse
import re
import textwrap

from edgenode import __version__
from edgenode.cli import exits
from scripts.pages.commands import Command, commands, common_options, metavar, own_options
from scripts.pages.roff import bold, heading, italic, item, literal, prose

_INTRODUCTION = """\
edgenode runs a node of the BrightChain block network, and talks to one that runs on the same
machine. A node keeps content-addressed blocks, links with other nodes, and tells them what it
holds. All commands but run, config, doctor, export, import and membership need a node that runs;
they find it by the run.json in its data folder. As a service it is described in edgenode(8), its
settings in edgenode.toml(5)."""

_OPERATOR = """\
What changes the node needs the operator's token, operator.token in its data folder, which only the
user that the node runs as and root can read: use sudo."""

_EXAMPLES = (
    ("Keep a file as a block, and get it back:", "sudo edgenode put FILE\nedgenode get ID -o FILE"),
    ("How the node and the network are:", "edgenode status\nedgenode health"),
    ("Move a node to another machine:", "sudo edgenode export node.tar"),
)


def command_page(date: str) -> str:
    """Return the page as troff."""
    whole, *others = commands()
    groups = {command.name for command in others if command.commands}
    parts = [
        heading("edgenode", 1, date, __version__, "User Commands"),
        ".SH NAME\nedgenode \\- node of the BrightChain block network",
        f".SH SYNOPSIS\n.B edgenode\n{_synopsis(whole)} {italic('COMMAND')} [...]",
        f".SH DESCRIPTION\n{prose(_INTRODUCTION)}\n.PP\n{prose(_OPERATOR)}",
        ".SH COMMANDS",
        *(_command(command) for command in others if command.name not in groups),
        ".SH OPTIONS\nThese stand before or after the name of the command.",
        *(_option(option) for option in common_options()),
        _exit_status(),
        ".SH EXAMPLES",
        "\n.PP\n".join(f"{prose(what)}\n{literal(how)}" for what, how in _EXAMPLES),
        ".SH SEE ALSO\n.BR edgenode.toml (5),\n.BR edgenode (8)",
    ]
    return "\n".join(parts) + "\n"


def _command(command: Command) -> str:
    text = " ".join(command.description.split())
    parts = [f".SS {bold(command.name)} {_synopsis(command)}".rstrip(), prose(text)]
    parts += [item(italic(metavar(taken)), prose(taken.help or "")) for taken in command.arguments]
    parts += [_option(option) for option in own_options(command)]
    return "\n".join(parts)


def _option(option: argparse.Action) -> str:
    value = metavar(option)
    spelled = ", ".join(bold(text) for text in option.option_strings)
    spelled += f" {italic(value)}" if value else ""
    return item(spelled, prose(_sentence(option.help or "")))


def _synopsis(command: Command) -> str:
    words = ["[" + _usage(option) + "]" for option in own_options(command)]
    if not command.name:
        words = ["[" + italic("OPTION") + "]..."]
    for argument in command.arguments:
        name = italic(metavar(argument))
        shapes = {"+": f"{name}...", "?": f"[{name}]"}
        words.append(shapes.get(str(argument.nargs), name))
    return " ".join(words)


def _usage(option: argparse.Action) -> str:
    value = metavar(option)
    return bold(option.option_strings[-1]) + (f" {italic(value)}" if value else "")


def _exit_status() -> str:
    rows = re.findall(r"^ +(\d+) +(.*)$", exits.HELP, re.MULTILINE)
    items = [item(bold(code), prose(_sentence(meaning))) for code, meaning in rows]
    return "\n".join([".SH EXIT STATUS", *items])


def _sentence(text: str) -> str:
    plain = textwrap.dedent(text).strip()
    return plain[:1].upper() + plain[1:] + ("" if plain.endswith(".") else ".")
