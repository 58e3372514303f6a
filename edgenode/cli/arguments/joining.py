"""The arguments of `edgenode discover`, `invite` and `join`."""

from edgenode.cli.arguments.adding import Adder, add_json


def add_joining(add: Adder) -> None:
    """All three."""
    commands = add.commands
    discover = add(
        commands,
        "discover",
        "list the nodes that were found, how, and how long ago",
        "On the local network, by settings, seeds, invitations, or told by peers.",
    )
    discover.add_argument(
        "--watch", action="store_true", help="go on, and print each change, until Ctrl-C"
    )
    add_json(discover, "print JSON; with --watch one object a line")
    invite = add(
        commands,
        "invite",
        "print a line by which another node joins this one's network",
        "It names the network, this node and its addresses. Take it to the other node: 'edgenode "
        "join LINE'.",
    )
    invite.add_argument(
        "--with-secret",
        action="store_true",
        help="put the secret of a closed network into it; needs the operator's token",
    )
    add_json(invite)
    join = add(
        commands,
        "join",
        "join the network of an invitation",
        "Needs the operator's token. A node that runs links at once; another network, or a secret, "
        "is in force from its next start on. What the configuration file says goes before.",
    )
    what = join.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "line",
        nargs="?",
        metavar="LINE",
        help="what 'edgenode invite' has printed; - is standard input, so that a secret in it is "
        "in no list of processes and no history",
    )
    what.add_argument("--list", action="store_true", help="list the invitations that were taken")
    what.add_argument(
        "--forget",
        metavar="NAME",
        help="forget the node of that id, or the network of that name with its secret and nodes",
    )
    add_json(join)
