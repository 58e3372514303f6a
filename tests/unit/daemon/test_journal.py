"""What stands in the journal, and on standard error where there is none."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import pytest

from edgenode.daemon.watch.catalogue import EVENTS
from edgenode.daemon.watch.journal import JournalHandler
from edgenode.daemon.watch.logs import LineFormatter, reaches_journal

ROOT = Path(__file__).resolve().parents[3]


def record(level: int = logging.WARNING, text: str = "hello", **extra: str) -> logging.LogRecord:
    made = logging.LogRecord("edgenode.link.table", level, "x.py", 1, "%s", (text,), None)
    made.__dict__.update(extra)
    return made


def an_error() -> tuple[type[BaseException], BaseException, TracebackType | None]:
    try:
        int("no number")
    except ValueError as error:
        return ValueError, error, error.__traceback__
    raise AssertionError


class Journal:
    """Takes entries as systemd's library does."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.fails = False

    def send(self, *fields: str) -> None:
        if self.fails:
            raise OSError("no journal")
        self.entries.append(dict(field.split("=", 1) for field in fields))


def test_an_entry_has_its_fields_and_the_id_of_its_explanation() -> None:
    journal = Journal()
    fields = {"NODE_ID": "ab" * 32}
    handler = JournalHandler(journal.send, fields)
    handler.handle(record(event="clone", peer="cd" * 32, address="192.0.2.1"))
    handler.handle(record(event="block-damaged", block="ef" * 64))
    assert journal.entries == [
        {
            "MESSAGE": "hello",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "edgenode",
            "LOGGER": "edgenode.link.table",
            "NODE_ID": "ab" * 32,
            "EVENT": "clone",
            "PEER": "cd" * 32,
            "ADDRESS": "192.0.2.1",
            "MESSAGE_ID": EVENTS["clone"].message_id,
        },
        journal.entries[1],
    ]
    assert journal.entries[1]["BLOCK"] == "ef" * 64
    assert journal.entries[1]["MESSAGE_ID"] == EVENTS["block-damaged"].message_id


def test_news_has_no_explanation_and_a_library_s_warning_has_one() -> None:
    journal = Journal()
    handler = JournalHandler(journal.send, {})
    handler.handle(record(logging.INFO, event="linked", peer="cd"))
    handler.handle(record(logging.INFO))
    handler.handle(record(logging.ERROR))
    handler.handle(record(logging.DEBUG))
    news, plain, error, debug = journal.entries
    assert (news["EVENT"], news["PEER"], news["PRIORITY"]) == ("linked", "cd", "6")
    assert "EVENT" not in plain
    assert not {"MESSAGE_ID"} & (news.keys() | plain.keys() | debug.keys())
    assert (error["EVENT"], error["PRIORITY"]) == ("unexpected", "3")
    assert error["MESSAGE_ID"] == EVENTS["unexpected"].message_id
    assert debug["PRIORITY"] == "7"


def test_a_traceback_is_in_the_message() -> None:
    journal = Journal()
    failed = record(logging.ERROR)
    failed.exc_info = an_error()
    JournalHandler(journal.send, {}).handle(failed)
    assert journal.entries[0]["MESSAGE"].startswith("hello\nTraceback")
    assert "ValueError: invalid literal" in journal.entries[0]["MESSAGE"]


def test_a_journal_that_is_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    journal = Journal()
    journal.fails = True
    JournalHandler(journal.send, {}).handle(record())


def line(made: logging.LogRecord) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    handler.handle(made)
    return stream.getvalue()


def test_a_line_has_what_its_words_do_not_say() -> None:
    assert line(record(event="clone", peer="cd" * 32, text="x")) == (
        f"WARNING x [EVENT=clone PEER={'cd' * 32}]\n"
    )
    assert line(record(text="peer cdcd is a clone", event="clone", peer="cdcd")) == (
        "WARNING peer cdcd is a clone\n"
    )
    assert line(record(logging.INFO, text="x", event="linked", peer="cd")) == "INFO x\n"
    assert line(record(text="x")) == "WARNING x [EVENT=unexpected]\n"


def test_what_a_peer_said_forges_no_line_and_steers_no_terminal() -> None:
    said = "bye\n<0>x ends: \x1b[2J\u202ecut\x00"
    plain = "bye\\n<0>x ends: \\x1b[2J\\u202ecut\\x00"
    assert line(record(logging.INFO, text=said)) == f"INFO {plain}\n"
    journal = Journal()
    JournalHandler(journal.send, {}).handle(record(text=said))
    assert journal.entries[0]["MESSAGE"] == plain


def test_the_fields_stand_before_the_traceback() -> None:
    failed = record(logging.ERROR, event="part-failed")
    failed.exc_info = an_error()
    assert line(failed).startswith("ERROR hello [EVENT=part-failed]\nTraceback")


def test_the_journal_is_only_what_standard_error_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "err").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        found = os.fstat(stream.fileno())
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not reaches_journal()
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")  # of the service that started us
        assert not reaches_journal()
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert reaches_journal()
    assert not reaches_journal()
    monkeypatch.setattr(sys, "stderr", None)
    assert not reaches_journal()


SCRIPT = """
import logging, sys
if sys.argv[1] == "without":
    sys.modules["systemd.journal"] = None
else:
    import systemd.journal
    systemd.journal.sendv = lambda *fields: print(sorted(fields))
from edgenode.daemon.watch.logs import start_logging
logs = start_logging()
logs.identify("ab")
logging.getLogger("edgenode.x").warning("hello", extra={"event": "clone", "peer": "cd"})
logging.getLogger("edgenode.x").warning("hello", extra={"event": "clone", "peer": "cd"})
assert logs.warnings["clone"] == 2
"""


@pytest.mark.parametrize("package", ["with", "without"])
def test_as_a_service(package: str, tmp_path: Path) -> None:
    path = tmp_path / "err"
    with path.open("w") as stream:
        found = os.fstat(stream.fileno())
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, package],
            env={**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stream,
            check=False,
        )
    assert done.returncode == 0, path.read_text()
    if package == "without":
        assert (
            path.read_text() == "<4>hello [EVENT=clone PEER=cd]\n<4>hello [EVENT=clone PEER=cd]\n"
        )
    else:
        assert path.read_text() == ""
        first, _ = done.stdout.decode().splitlines()
        for field in ("MESSAGE=hello", "NODE_ID=ab", "EVENT=clone", "PEER=cd", "PRIORITY=4"):
            assert repr(field) in first
