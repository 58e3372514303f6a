"""Logs: to the journal with fields where that reads us, or else a line each on standard error."""

import logging
import os
import sys

from edgenode.daemon.watch.journal import JournalHandler, OneLineFormatter, fields_of, priority
from edgenode.daemon.watch.quiet import Quiet


class LineFormatter(OneLineFormatter):
    """The message, and those fields that its words do not have."""

    def format(self, record: logging.LogRecord) -> str:
        """Return it in one line, unless there is a traceback."""
        text, newline, traceback = super().format(record).partition("\n")
        more = [f"{name}={value}" for name, value in fields_of(record).items() if value not in text]
        # What happens every day needs no name to look it up by.
        if more and record.levelno >= logging.WARNING:
            text += f" [{' '.join(more)}]"
        return text + newline + traceback


class _PrefixFormatter(LineFormatter):
    """Level as sd-daemon(3) reads it from the start of a line; the journal has the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{priority(record)}>{super().format(record)}"


class Logs:
    """What `start_logging` has set up."""

    def __init__(self, quiet: Quiet, fields: dict[str, str]) -> None:
        self._fields = fields
        self.warnings = quiet.warnings
        self.tell = quiet.tell

    def identify(self, node_id: str) -> None:
        """Put the node's id into every entry from now on."""
        self._fields["NODE_ID"] = node_id


def start_logging() -> Logs:
    """Log from now on; repetitions are held back until `tell`, which is to be called at times."""
    fields: dict[str, str] = {}
    quiet = Quiet(_handler(fields))
    logging.basicConfig(level=logging.INFO, handlers=[quiet])
    logging.raiseExceptions = False  # a closed stderr must not end in more output
    return Logs(quiet, fields)


def _handler(fields: dict[str, str]) -> logging.Handler:
    if not reaches_journal():
        form = "%(asctime)s %(levelname)-7s %(message)s"
        return _on_stderr(LineFormatter(form, "%H:%M:%S"))
    try:
        from systemd.journal import sendv  # noqa: PLC0415 - not loaded where nobody reads it
    except ImportError:
        return _on_stderr(_PrefixFormatter("%(message)s"))
    return JournalHandler(sendv, fields)


def reaches_journal() -> bool:
    """Tell whether standard error is the journal's (JOURNAL_STREAM of systemd.exec(5)).

    The variable alone says nothing: a program that is started by a service has it too.
    """
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _on_stderr(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    return handler
