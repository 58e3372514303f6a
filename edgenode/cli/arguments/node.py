"""The arguments of what runs, shows and checks a node."""

from edgenode.cli.arguments.adding import Adder, add_json


def add_running(add: Adder) -> None:
    """`run`, `id`, `status` and `peers`."""
    commands = add.commands
    run = add(commands, "run", "run a node in the foreground", "Ctrl-C or SIGTERM stops it.")
    run.add_argument(
        "--any-port", action="store_true", help="take another free port where one is busy"
    )
    identity = add(
        commands,
        "id",
        "print the id of the running node",
        "With 'rotate' the node, which must be stopped, gets a new key and id; both keys sign that "
        "it is the same node, and the old one is deleted. In a closed network lists of members and "
        "memberships name the old id: put the new one there, or sign a new membership, before the "
        "node is started.",
    )
    identity.add_argument(
        "action", nargs="?", metavar="CHANGE", choices=("rotate",), help="rotate: change the key"
    )
    add_json(identity)
    add_json(add(commands, "status", "print what the running node does"))
    add_json(add(commands, "peers", "list the nodes that the running node knows"))


def add_top(add: Adder) -> None:
    """`top`."""
    commands = add.commands
    add_json(
        add(
            commands,
            "top",
            "show the running node live",
            "Until q or Ctrl-C. Where there is no terminal, or with --json, it prints once.",
        )
    )


def add_checks(add: Adder) -> None:
    """`doctor` and `health`."""
    commands = add.commands
    add_json(
        add(
            commands,
            "doctor",
            "check the node, this machine and its network, and say what to do",
            "Works whether the node runs or not. Exits with 0 where all is well, with 7 where "
            "there are warnings alone, and with 1 where a check has failed.",
        )
    )
    add_json(add(commands, "health", "print how the network is, as far as the node knows"))


def add_watching(add: Adder) -> None:
    """`watch` and `open`."""
    commands = add.commands
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
    add_json(watch, "print one JSON object a line")
    add_json(
        add(
            commands,
            "open",
            "print a link that opens the status page and lets you act there",
            "Needs the operator's token. The link works once, within two minutes.",
        )
    )
