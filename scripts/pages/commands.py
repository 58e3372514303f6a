"""The commands of `edgenode` as argparse has them."""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from edgenode.cli.arguments import parser


class Command(NamedTuple):
    """One command: its name (`config check` in full, "" for `edgenode` itself) and its parts."""

    name: str
    description: str
    options: list[argparse.Action]
    arguments: list[argparse.Action]
    commands: list[str]


def commands() -> list[Command]:
    """Return every command, `edgenode` itself first, in the order of the help."""
    return list(_walk("", parser()))


def common_options() -> list[argparse.Action]:
    """Return the options that every command takes."""
    return commands()[0].options


def own_options(command: Command) -> list[argparse.Action]:
    """Return the options of a command that not every one takes."""
    common = {tuple(option.option_strings) for option in common_options()}
    return [option for option in command.options if tuple(option.option_strings) not in common]


def metavar(action: argparse.Action) -> str:
    """Return the name of an action's value, "" where it takes none."""
    return "" if action.nargs == 0 else str(action.metavar)


def _walk(name: str, found: argparse.ArgumentParser) -> Iterator[Command]:
    options: list[argparse.Action] = []
    arguments: list[argparse.Action] = []
    below: dict[str, argparse.ArgumentParser] = {}
    # argparse has no public way to what was added to it.
    for action in found._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = action.choices
        elif action.option_strings:
            options.append(action)
        else:
            arguments.append(action)
    yield Command(name, found.description or "", options, arguments, list(below))
    for word, inner in below.items():
        yield from _walk(f"{name} {word}".strip(), inner)
