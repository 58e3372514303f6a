"""`edgenode top`: the running node, live in the terminal."""

import os
import select
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import out, out_json, paint, writing
from edgenode.cli.topview import Line, Look, view

LOOK_S = 2.0
"""Between looks at the node: often enough to see something begin, and no load for it."""

RESIZE_S = 0.25
"""Between looks at the terminal's size: it is drawn anew when that changes."""

# Another screen, so that what stood in the terminal is there again afterwards; no cursor.
_BEGIN, _END = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


def top(node: Node, *, as_json: bool) -> int:
    """Show the node until q or Ctrl-C; once where there is no terminal to do so."""
    node.token_if_readable()
    look = _look(node)
    if as_json:
        out_json({"info": look.info, "status": look.status, **look.peers})
    elif sys.stdin.isatty() and sys.stdout.isatty():
        with suppress(KeyboardInterrupt), _screen():
            _live(node, look)
    else:
        for line in view(look, None, width=sys.maxsize, height=sys.maxsize):
            out(line.text)
    return exits.OK


def _look(node: Node) -> Look:
    return Look(
        time.monotonic(),
        node.get_json("/node/info"),
        node.get_json("/node/status"),
        node.get_json("/node/peers"),
    )


def _live(node: Node, now: Look) -> None:
    """Look and draw until q."""
    before: Look | None = None
    failure = ""
    while True:
        due = time.monotonic() + LOOK_S
        size = None
        while (left := due - time.monotonic()) > 0:
            if size != (size := os.get_terminal_size(sys.stdout.fileno())):
                # One line is left free: a character in the last place may scroll the screen.
                lines = view(now, before, width=size.columns, height=size.lines - 1)
                _draw([Line(failure[: size.columns], "red"), *lines[1:]] if failure else lines)
            if _is_key("q", min(RESIZE_S, left)):
                return
        try:
            before, now, failure = now, _look(node), ""
        except CommandFailed as error:  # it may be restarting
            failure = str(error)


def _draw(lines: Sequence[Line]) -> None:
    text = "".join(
        (paint(line.text, line.colour, sys.stdout) if line.colour else line.text)
        + _CLEAR_LINE
        + "\r\n"
        for line in lines
    )
    with writing():
        sys.stdout.write(_HOME + text + _CLEAR_REST)
        sys.stdout.flush()


def _is_key(key: str, wait_s: float) -> bool:
    """Tell whether `key` is typed within `wait_s`; what else is typed is dropped."""
    if not select.select([sys.stdin], [], [], wait_s)[0]:
        return False
    typed = os.read(sys.stdin.fileno(), 64)
    # No bytes: the terminal is gone.
    return not typed or key.encode() in typed.lower()


@contextmanager
def _screen() -> Iterator[None]:
    """Take the terminal, keys one by one, and give it back as it was."""
    keyboard = sys.stdin.fileno()
    kept = termios.tcgetattr(keyboard)
    changed = termios.tcgetattr(keyboard)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(keyboard, termios.TCSADRAIN, changed)
    try:
        with writing():
            sys.stdout.write(_BEGIN)
        yield
    finally:
        with suppress(OSError):
            sys.stdout.write(_END)
            sys.stdout.flush()
        with suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSADRAIN, kept)
