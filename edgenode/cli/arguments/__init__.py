"""The arguments of the `edgenode` command, and its help."""

import argparse

from edgenode.cli.arguments.adding import Adder
from edgenode.cli.arguments.blocks import add_blocks
from edgenode.cli.arguments.joining import add_joining
from edgenode.cli.arguments.keeping import (
    add_archive,
    add_blacklist,
    add_config,
    add_membership,
)
from edgenode.cli.arguments.node import add_checks, add_running, add_top, add_watching


def parser() -> argparse.ArgumentParser:
    """Build the parser; `command` in its result names the subcommand, `config check` in full."""
    add = Adder()
    # In the order in which the help lists them.
    for add_some in (
        add_running,
        add_joining,
        add_top,
        add_blocks,
        add_checks,
        add_blacklist,
        add_watching,
        add_archive,
        add_membership,
        add_config,
    ):
        add_some(add)
    return add.top
