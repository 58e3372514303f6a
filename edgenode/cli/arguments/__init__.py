"""The arguments of the `edgenode` command, and its help."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from edgenode import __version__
from edgenode.cli import exits
from edgenode.core.blacklist import MAX_DURATION_S
from edgenode.core.ids import NODE_ID_LENGTH, is_block_id
from edgenode.core.records import TEMPERATURES

AUTO = "auto"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

MAX_DAYS = 36_500
"""A hundred years: beyond it, leave the end out."""


def parser() -> argparse.ArgumentParser:
    """Build the parser; `command` in its result names the subcommand, `config check` in full."""
    common = _common()
    top = argparse.ArgumentParser(
        "edgenode", description="A node of the BrightChain block network.", **_style(common)
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    groups = {commands: ""}

    def add(group: Any, name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
        full = f"{groups[group]} {name}".strip()
        text = textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {more}", 79)
        command: argparse.ArgumentParser = group.add_parser(
            name, help=summary, description=text, **_style(common)
        )
        command.set_defaults(command=full)
        return command

    run = add(commands, "run", "run a node in the foreground", "Ctrl-C or SIGTERM stops it.")
    run.add_argument(
        "--any-port", action="store_true", help="take another free port where one is busy"
    )
    identity = add(
        commands,
        "id",
        "print the id of the running node",
        "With 'rotate' the node, which must be stopped, gets a new key and id; both keys sign that "
        "it is the same node, and the old one is deleted.",
    )
    identity.add_argument(
        "action", nargs="?", metavar="CHANGE", choices=("rotate",), help="rotate: change the key"
    )
    _json(identity)
    _json(add(commands, "status", "print what the running node does"))
    _json(add(commands, "peers", "list the nodes that the running node knows"))
    _json(
        add(
            commands,
            "top",
            "show the running node live",
            "Until q or Ctrl-C. Where there is no terminal, or with --json, it prints once.",
        )
    )
    put = add(
        commands,
        "put",
        "store files as blocks and print their ids",
        "Needs the operator's token. Whoever knows an id can read the block, and deleting it does "
        "not recall copies.",
    )
    put.add_argument("files", nargs="+", metavar="FILE", help="a file; - is standard input")
    _json(put, "print one JSON object a line")
    get = add(
        commands,
        "get",
        "fetch a block by its id, verified",
        "With the operator's token, blocks that the node does not hold are fetched from its peers.",
    )
    get.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    get.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE, which is replaced only when all is there and verified; "
        "- is standard output, even a terminal",
    )
    delete = add(commands, "delete", "delete a block from the running node")
    delete.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    _json(delete)
    _json(
        add(commands, "blocks", "list the blocks that the node holds", "Needs the token."),
        "print one JSON object a line",
    )
    pin = add(
        commands,
        "pin",
        "keep a block: fetched where it is missing, and not deleted",
        "Until 'unpin'. A block that no node has is fetched as soon as one does.",
    )
    pin.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    _json(pin)
    unpin = add(commands, "unpin", "let a pinned block be deleted again")
    unpin.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    _json(unpin)
    _json(add(commands, "pins", "list the pinned blocks", "Needs the token."))
    meta = add(commands, "meta", "print what is known of a block, and who holds it")
    meta.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    _json(meta)
    temp = add(
        commands,
        "temp",
        "print or set the temperature of a block",
        "Without CLASS it prints the one that all nodes' words give. With CLASS it sets what this "
        "node says, until 'auto' leaves it to the accesses again; that needs the token.",
    )
    temp.add_argument("id", metavar="ID", type=_block_id, help="128 hexadecimal digits")
    temp.add_argument(
        "wanted",
        metavar="CLASS",
        nargs="?",
        type=_temperature,
        help=", ".join(reversed(TEMPERATURES)) + " or auto",
    )
    _json(temp)
    _json(
        add(
            commands,
            "doctor",
            "check the node, this machine and its network, and say what to do",
            "Works whether the node runs or not. Exits with 0 where all is well, with 7 where "
            "there are warnings alone, and with 1 where a check has failed.",
        )
    )
    _json(add(commands, "health", "print how the network is, as far as the node knows"))
    blacklist = add(
        commands,
        "blacklist",
        "list who is shut out; shut an address out, or let it in again",
        "Needs the operator's token. Without ACTION it lists.",
    )
    _json(blacklist)
    shutting = blacklist.add_subparsers(metavar="ACTION")
    groups[shutting] = "blacklist"
    listed = add(shutting, "list", "list who is shut out, until when, by whom and why")
    shut = add(
        shutting,
        "add",
        "shut an address out",
        "Of IPv6 its whole /64. Its links are ended; loopback and static peers are never shut out.",
    )
    shut.add_argument("address", metavar="ADDRESS", help="an IPv4 or IPv6 address")
    shut.add_argument(
        "--for",
        dest="duration",
        metavar="DURATION",
        type=_duration,
        help="as 90s, 30m, 12h or 7d; until it is removed if left out",
    )
    let_in = add(shutting, "remove", "let an address in again")
    let_in.add_argument("address", metavar="ADDRESS", help="one of the list")
    for action in (listed, shut, let_in):
        # No default: it would undo one that stands before the action.
        action.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON"
        )
    watch = add(
        commands,
        "watch",
        "print the events of the running node as they come",
        "All of them, or those that any of the options names; each may be given several times.",
    )
    for room, metavar, what in (
        ("type", "EVENT", "events of this type, such as node:leave"),
        ("block", "ID", "events about this block"),
        ("peer", "NODEID", "events from this node"),
        ("region", "NAME", "events from nodes of this region"),
    ):
        watch.add_argument(
            f"--{room}",
            metavar=metavar,
            dest="rooms",
            action="append",
            type=f"{room}:{{}}".format,
            help=what,
        )
    _json(watch, "print one JSON object a line")
    _json(
        add(
            commands,
            "open",
            "print a link that opens the status page and lets you act there",
            "Needs the operator's token. The link works once, within two minutes.",
        )
    )
    export = add(
        commands,
        "export",
        "write the node's identity and state to a file",
        "For a backup, or to move the node. The node must be stopped, but for --identity. Whoever "
        "has the file has the node, and the same node must never run twice.",
    )
    export.add_argument(
        "--identity", action="store_true", help="only the key and the operator's token"
    )
    export.add_argument(
        "file", metavar="FILE", help="a file that is not there yet; - is standard output"
    )
    imported = add(
        commands,
        "import",
        "put a node that was exported into an empty data folder",
        "All of it is checked first, and nothing is overwritten.",
    )
    imported.add_argument("file", metavar="FILE", help="what 'export' wrote; - is standard input")
    membership = add(
        commands,
        "membership",
        "make a fleet's key, and sign who belongs to its network",
        "Works anywhere: no node is needed.",
    )
    signing = membership.add_subparsers(metavar="ACTION", required=True)
    groups[signing] = "membership"
    made = add(
        signing,
        "new-key",
        "make a fleet's key in a new file and print its public half",
        "That goes into [fleet] operators of every node.",
    )
    made.add_argument("file", metavar="FILE", help="a file that is not there yet")
    _json(made)
    signed = add(
        signing,
        "sign",
        "print the membership of a node",
        "The node keeps it in membership.json of its data folder.",
    )
    signed.add_argument("key", metavar="FILE", help="what 'new-key' made")
    signed.add_argument("id", metavar="NODEID", type=_node_id, help="64 hexadecimal digits")
    signed.add_argument(
        "--network", metavar="NAME", default="brightchain", help="the network's name (brightchain)"
    )
    signed.add_argument(
        "--days", metavar="DAYS", type=_days, help="how long it is good; without an end if left out"
    )
    said = add(signing, "show", "print what a membership says; whether it is genuine, nodes check")
    said.add_argument("file", metavar="FILE", help="what 'sign' printed")
    _json(said)
    config = add(commands, "config", "check or show the configuration")
    actions = config.add_subparsers(metavar="ACTION", required=True)
    groups[actions] = "config"
    _json(add(actions, "check", "say whether the configuration can be used, and what is wrong"))
    _json(add(actions, "show", "print every setting in force, but for secrets"))
    return top


def _common() -> argparse.ArgumentParser:
    """Build what every command takes, before or after its name (hence no defaults)."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (default: /etc/edgenode/edgenode.toml, which need not exist)",
    )
    common.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="data folder of the node, in the place of the configuration's",
    )
    common.add_argument("--version", action="version", version=f"edgenode {__version__}")
    return common


def _style(common: argparse.ArgumentParser) -> dict[str, Any]:
    return {
        "parents": [common],
        "epilog": exits.HELP,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _json(command: argparse.ArgumentParser, text: str = "print JSON") -> None:
    command.add_argument("--json", action="store_true", help=text)


def _block_id(text: str) -> str:
    folded = text.strip().lower()
    if not is_block_id(folded):
        raise argparse.ArgumentTypeError("not a block id: that is 128 hexadecimal digits")
    return folded


def _node_id(text: str) -> str:
    folded = text.strip().lower()
    if len(folded) != NODE_ID_LENGTH or folded.strip("0123456789abcdef"):
        raise argparse.ArgumentTypeError("not a nodeId: that is 64 hexadecimal digits")
    return folded


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"not a number of days: that is 1 to {MAX_DAYS}")
    return int(text[:6])


def _duration(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdecimal():
        seconds = int(number[:12]) * _UNITS[unit]
        if 1 <= seconds <= MAX_DURATION_S:
            return seconds
    raise argparse.ArgumentTypeError("not a duration: that is 90s, 30m, 12h or 7d, at most 366d")


def _temperature(text: str) -> str:
    if text.lower() == AUTO:
        return AUTO
    name = text.upper()
    if name not in TEMPERATURES:
        known = ", ".join(reversed(TEMPERATURES))
        raise argparse.ArgumentTypeError(f"not a temperature: that is {known} or {AUTO}")
    return name
