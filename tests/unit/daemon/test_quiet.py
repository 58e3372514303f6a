"""Lines that repeat are held back and counted; nothing is lost without a word."""

import logging

import pytest

from edgenode.daemon.watch import quiet
from edgenode.daemon.watch.catalogue import EVENTS
from edgenode.daemon.watch.quiet import MANY, MANY_INFO, MAX_KINDS, MAX_WINDOW_S, WINDOW_S, Quiet


class Lines(logging.Handler):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def taken(self) -> list[str]:
        texts = [record.getMessage() for record in self.records]
        self.records.clear()
        return texts


class Setting:
    def __init__(self) -> None:
        self.now = 0.0
        self.lines = Lines()
        self.quiet = Quiet(self.lines, lambda: self.now)

    def log(self, text: str, *, level: int = logging.WARNING, place: int = 1, **extra: str) -> None:
        record = logging.LogRecord("edgenode.x", level, "x.py", place, "%s", (text,), None)
        record.__dict__.update(extra)
        self.quiet.handle(record)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_the_same_warning_is_said_once_and_then_counted(setting: Setting) -> None:
    for _ in range(5):
        setting.log("no room")
    assert setting.lines.taken() == ["no room"]
    setting.now = WINDOW_S - 1
    setting.quiet.tell()
    assert setting.lines.taken() == []
    setting.now = WINDOW_S
    setting.quiet.tell()
    assert setting.lines.taken() == ["4 more like this in 60 s, the last: no room"]


def test_of_many_that_differ_some_are_said(setting: Setting) -> None:
    for number in range(MANY + 3):
        setting.log(f"peer {number}")
    assert setting.lines.taken() == [f"peer {number}" for number in range(MANY)]
    setting.now = WINDOW_S
    setting.log("elsewhere", place=2)
    assert setting.lines.taken() == [
        f"3 more like this in 60 s, the last: peer {MANY + 2}",
        "elsewhere",
    ]


def test_what_ended_a_minute_ago_is_said_again(setting: Setting) -> None:
    setting.log("no room")
    setting.now = WINDOW_S
    setting.log("no room")
    assert setting.lines.taken() == ["no room", "no room"]


def test_a_flood_of_a_day_is_a_few_lines(setting: Setting) -> None:
    while setting.now < 24 * 3600:
        setting.log("no room")
        setting.now += 5
    lines = setting.lines.taken()
    assert len(lines) < 2 * 24 * 3600 / MAX_WINDOW_S + 20
    counted = sum(int(line.split()[0]) for line in lines if "more like" in line)
    said = sum(line == "no room" for line in lines)
    setting.quiet.close()
    counted += sum(int(line.split()[0]) for line in setting.lines.taken())
    assert counted + said == 24 * 3600 / 5


def test_news_is_said_though_it_repeats(setting: Setting) -> None:
    for _ in range(MANY_INFO + 1):
        setting.log("linked", level=logging.INFO)
    assert setting.lines.taken() == ["linked"] * MANY_INFO


def test_places_are_counted_apart_and_their_table_is_bounded(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "MAX_KINDS", 2)
    for place in (1, 2, 3, 3):
        setting.log("same words", place=place)
    assert setting.lines.taken() == ["same words"] * 4  # said rather than lost
    assert len(setting.quiet._kinds) == 2
    assert MAX_KINDS >= 2


def test_what_was_held_back_keeps_its_level_and_fields(setting: Setting) -> None:
    for _ in range(2):
        setting.log("twice", level=logging.ERROR, event="clone", peer="ab")
    setting.lines.taken()
    setting.quiet.close()
    (record,) = setting.lines.records
    assert record.levelno == logging.ERROR
    assert (record.__dict__["event"], record.__dict__["peer"]) == ("clone", "ab")
    assert record.getMessage() == "1 more like this in 1 s, the last: twice"


def test_warnings_are_counted_by_event_those_held_back_too(setting: Setting) -> None:
    assert setting.quiet.warnings == dict.fromkeys(EVENTS, 0)
    for _ in range(3):
        setting.log("twice", event="clone")
    setting.log("a library's")
    setting.log("news", level=logging.INFO, event="linked")
    assert setting.quiet.warnings == dict.fromkeys(EVENTS, 0) | {"clone": 3, "unexpected": 1}
