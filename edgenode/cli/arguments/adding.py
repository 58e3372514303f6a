"""Adding a command: its help, and what every command takes."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from edgenode import __version__
from edgenode.cli import exits


class Adder:
    """Adds commands: `add(group, name, summary, more)` makes one in a group of sub-parsers.

    `names` is what stands before the commands of each group, "" for the group at the top.
    """

    def __init__(self) -> None:
        """Make the parser `top`, and its group `commands`."""
        self._common = _common()
        self.top = argparse.ArgumentParser(
            "edgenode",
            description="A node of the BrightChain block network.",
            **_style(self._common),
        )
        self.commands: Any = self.top.add_subparsers(metavar="COMMAND", required=True)
        self.names: dict[Any, str] = {self.commands: ""}

    def __call__(
        self, group: Any, name: str, summary: str, more: str = ""
    ) -> argparse.ArgumentParser:
        """Add a command; `command` in what is parsed is its full name."""
        full = f"{self.names[group]} {name}".strip()
        text = textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {more}", 79)
        command: argparse.ArgumentParser = group.add_parser(
            name, help=summary, description=text, **_style(self._common)
        )
        command.set_defaults(command=full)
        return command


def add_json(command: argparse.ArgumentParser, text: str = "print JSON") -> None:
    """Let a command take --json."""
    command.add_argument("--json", action="store_true", help=text)


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
