"""The arguments of what keeps blocks, and says things of them."""

from edgenode.cli.arguments.adding import Adder, add_json
from edgenode.cli.arguments.values import block_id, temperature
from edgenode.core.records import TEMPERATURES


def add_blocks(add: Adder) -> None:
    """All of them, from `put` to `temp`."""
    commands = add.commands
    put = add(
        commands,
        "put",
        "store files as blocks and print their ids",
        "Needs the operator's token. Whoever knows an id can read the block, and deleting it does "
        "not recall copies.",
    )
    put.add_argument("files", nargs="+", metavar="FILE", help="a file; - is standard input")
    add_json(put, "print one JSON object a line")
    get = add(
        commands,
        "get",
        "fetch a block by its id, verified",
        "With the operator's token, blocks that the node does not hold are fetched from its peers.",
    )
    get.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    get.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to FILE, which is replaced only when all is there and verified; "
        "- is standard output, even a terminal",
    )
    delete = add(commands, "delete", "delete a block from the running node")
    delete.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    add_json(delete)
    add_json(
        add(commands, "blocks", "list the blocks that the node holds", "Needs the token."),
        "print one JSON object a line",
    )
    pin = add(
        commands,
        "pin",
        "keep a block: fetched where it is missing, and not deleted",
        "Until 'unpin'. A block that no node has is fetched as soon as one does.",
    )
    pin.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    add_json(pin)
    unpin = add(commands, "unpin", "let a pinned block be deleted again")
    unpin.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    add_json(unpin)
    add_json(add(commands, "pins", "list the pinned blocks", "Needs the token."))
    meta = add(commands, "meta", "print what is known of a block, and who holds it")
    meta.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    add_json(meta)
    temp = add(
        commands,
        "temp",
        "print or set the temperature of a block",
        "Without CLASS it prints the one that all nodes' words give. With CLASS it sets what this "
        "node says, until 'auto' leaves it to the accesses again; that needs the token.",
    )
    temp.add_argument("id", metavar="ID", type=block_id, help="128 hexadecimal digits")
    temp.add_argument(
        "wanted",
        metavar="CLASS",
        nargs="?",
        type=temperature,
        help=", ".join(reversed(TEMPERATURES)) + " or auto",
    )
    add_json(temp)
