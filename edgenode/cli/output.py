"""Writing: data to standard output, everything else to standard error."""

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed

_KIB = 1024
_COLOURS = {"green": "32", "yellow": "33", "red": "31"}


@contextmanager
def writing() -> Iterator[None]:
    """Tell a failure to write data in one line; a broken pipe is no failure of ours."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailed(exits.FAILED, f"cannot write: {error.strerror or error}") from None


def out(text: str) -> None:
    """Write one line of data, at once: a reader of the pipe may be waiting for it."""
    with writing():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def out_json(value: object, *, indent: int | None = 2) -> None:
    """Write data as JSON, ASCII only, so that nothing in it can steer a terminal."""
    out(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"))


def say(text: str) -> None:
    """Tell the person at the terminal something that is not data."""
    sys.stderr.write(f"edgenode: {text}\n")
    sys.stderr.flush()


def clean(text: str) -> str:
    """Replace what could steer a terminal: text from a node is not to be trusted."""
    return "".join(char if char.isprintable() else "?" for char in text)


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Colour the text if the stream is a terminal and NO_COLOR (no-color.org) is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows of equal length out in columns, two spaces apart."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def with_status(rows: Sequence[Sequence[str]], colours: Mapping[str, str]) -> list[str]:
    """Align rows as `aligned`, the first their header; what stands below STATUS is coloured."""
    column = list(rows[0]).index("STATUS")
    first, *lines = aligned(rows)
    start = first.index("STATUS")
    shown = [first]
    for row, line in zip(rows[1:], lines, strict=True):
        # Coloured after alignment, which counts characters.
        status = row[column]
        end = start + len(status)
        shown.append(line[:start] + painted(status, colours) + line[end:])
    return shown


def painted(status: str, colours: Mapping[str, str]) -> str:
    """Return a status for standard output, in its colour if it has one."""
    colour = colours.get(status)
    return status if colour is None else paint(status, colour, sys.stdout)


def human_bytes(count: float) -> str:
    """Write a size in binary units: 64.0 MiB."""
    if count < _KIB:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        count /= _KIB
        if count < _KIB:
            return f"{count:.1f} {unit}"
    return f"{count / _KIB:.1f} PiB"


def human_duration(seconds: float) -> str:
    """Write a duration by its two largest units: 3 d 4 h."""
    rest = int(seconds)
    parts: list[tuple[int, str]] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, length)
        if amount or (parts and unit != "s") or unit == "s":
            parts.append((amount, unit))
    return " ".join(f"{amount} {unit}" for amount, unit in parts[:2])


def prepare_streams() -> None:
    """Make the standard streams safe to write to, whatever the caller made of them.

    A terminal without UTF-8 is shown escapes; a stream that is closed leads nowhere.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the very end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_stdout() -> None:
    """Point standard output nowhere, so that what could not be written does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
