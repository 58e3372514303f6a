"""The arguments of the `edgenode` command, and its help."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from edgenode import __version__
from edgenode.cli import exits
from edgenode.core.ids import is_block_id
from edgenode.core.records import TEMPERATURES

AUTO = "auto"


def parser() -> argparse.ArgumentParser:
    """Build the parser; `command` in its result names the subcommand, `config check` in full."""
    common = _common()
    top = argparse.ArgumentParser(
        "edgenode", description="A node of the BrightChain block network.", **_style(common)
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(group: Any, name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
        full = f"config {name}" if group is not commands else name
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
    _json(add(commands, "id", "print the id of the running node"))
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
    config = add(commands, "config", "check or show the configuration")
    actions = config.add_subparsers(metavar="ACTION", required=True)
    _json(add(actions, "check", "say whether the configuration can be used, and what is wrong"))
    _json(add(actions, "show", "print every setting in force"))
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


def _temperature(text: str) -> str:
    if text.lower() == AUTO:
        return AUTO
    name = text.upper()
    if name not in TEMPERATURES:
        known = ", ".join(reversed(TEMPERATURES))
        raise argparse.ArgumentTypeError(f"not a temperature: that is {known} or {AUTO}")
    return name
