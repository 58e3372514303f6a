"""Logs in the journal's own form, with fields to search by (systemd.journal-fields(7))."""

import logging
from collections.abc import Callable, Mapping

from edgenode.daemon.watch.catalogue import EVENTS, UNEXPECTED

# syslog(3) levels.
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))

# What `extra` of a log call may name, and the field that it becomes.
FIELDS = {"event": "EVENT", "peer": "PEER", "block": "BLOCK", "address": "ADDRESS"}

Send = Callable[..., None]
"""Takes `FIELD=value` texts: systemd.journal.sendv."""


class OneLineFormatter(logging.Formatter):
    """A message is one line that steers no terminal, whatever a peer has said that stands in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the message with escapes for what cannot be printed; a traceback comes later."""
        text = super().formatMessage(record)
        if text.isprintable():
            return text
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )


class JournalHandler(logging.Handler):
    """Sends each record as one entry; `fields` stand in every one."""

    def __init__(self, send: Send, fields: Mapping[str, str]) -> None:
        super().__init__()
        self.setFormatter(OneLineFormatter())
        self._send = send
        self._fields = fields

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; where the journal does not take it, it is lost, as on a closed pipe."""
        try:
            entry = {
                "MESSAGE": self.format(record),
                "PRIORITY": str(priority(record)),
                "SYSLOG_IDENTIFIER": "edgenode",
                "LOGGER": record.name,
                **self._fields,
                **fields_of(record),
            }
            if entry.get("EVENT") in EVENTS:
                entry["MESSAGE_ID"] = EVENTS[entry["EVENT"]].message_id
            self._send(*(f"{name}={value}" for name, value in entry.items()))
        except Exception:  # logging must not end what it tells of
            self.handleError(record)


def priority(record: logging.LogRecord) -> int:
    """Return the syslog level of a record."""
    return next(number for level, number in _PRIORITIES if record.levelno >= level)


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the fields that the log call named; every warning has an EVENT."""
    fields = {
        field: str(getattr(record, name)) for name, field in FIELDS.items() if hasattr(record, name)
    }
    if record.levelno >= logging.WARNING:
        fields.setdefault("EVENT", UNEXPECTED)
    return fields
