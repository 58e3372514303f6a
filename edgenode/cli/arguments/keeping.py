"""The arguments of what keeps a node: who is let in, its archive, its settings."""

import argparse

from edgenode.cli.arguments.adding import Adder, add_json
from edgenode.cli.arguments.values import days, duration, node_id


def add_blacklist(add: Adder) -> None:
    """`blacklist`."""
    commands = add.commands
    blacklist = add(
        commands,
        "blacklist",
        "list who is shut out; shut an address out, or let it in again",
        "Needs the operator's token. Without ACTION it lists.",
    )
    add_json(blacklist)
    shutting = blacklist.add_subparsers(metavar="ACTION")
    add.names[shutting] = "blacklist"
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
        type=duration,
        help="as 90s, 30m, 12h or 7d; until it is removed if left out",
    )
    let_in = add(shutting, "remove", "let an address in again")
    let_in.add_argument("address", metavar="ADDRESS", help="one of the list")
    for action in (listed, shut, let_in):
        # No default: it would undo one that stands before the action.
        action.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON"
        )


def add_archive(add: Adder) -> None:
    """`export` and `import`."""
    commands = add.commands
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


def add_membership(add: Adder) -> None:
    """`membership`."""
    commands = add.commands
    membership = add(
        commands,
        "membership",
        "make a fleet's key, and sign who belongs to its network",
        "Works anywhere: no node is needed.",
    )
    signing = membership.add_subparsers(metavar="ACTION", required=True)
    add.names[signing] = "membership"
    made = add(
        signing,
        "new-key",
        "make a fleet's key in a new file and print its public half",
        "That goes into [fleet] operators of every node.",
    )
    made.add_argument("file", metavar="FILE", help="a file that is not there yet")
    add_json(made)
    signed = add(
        signing,
        "sign",
        "print the membership of a node",
        "The node keeps it in membership.json of its data folder.",
    )
    signed.add_argument("key", metavar="FILE", help="what 'new-key' made")
    signed.add_argument("id", metavar="NODEID", type=node_id, help="64 hexadecimal digits")
    signed.add_argument(
        "--network", metavar="NAME", default="brightchain", help="the network's name (brightchain)"
    )
    signed.add_argument(
        "--days", metavar="DAYS", type=days, help="how long it is good; without an end if left out"
    )
    said = add(signing, "show", "print what a membership says; whether it is genuine, nodes check")
    said.add_argument("file", metavar="FILE", help="what 'sign' printed")
    add_json(said)


def add_config(add: Adder) -> None:
    """`config`."""
    commands = add.commands
    config = add(commands, "config", "check or show the configuration")
    actions = config.add_subparsers(metavar="ACTION", required=True)
    add.names[actions] = "config"
    add_json(add(actions, "check", "say whether the configuration can be used, and what is wrong"))
    add_json(add(actions, "show", "print every setting in force, but for secrets"))
