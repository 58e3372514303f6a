import io
import sys

import pytest

from edgenode.cli import output, progress
from edgenode.cli.output import aligned, clean, human_bytes, human_duration, paint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_text_from_elsewhere_is_cleaned() -> None:
    assert clean("Zürich 東京 a\tb\x1b[0m\u202e\x9b\x7f\ud800") == "Zürich 東京 a?b?[0m????"


def test_columns() -> None:
    assert aligned([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (64 * 2**20, "64.0 MiB"),
        (1.5 * 2**40, "1.5 TiB"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3600, "1 h 0 min"),
        (3725, "1 h 2 min"),
        (86400, "1 d 0 h"),
        (93784, "1 d 2 h"),
        (86400 * 400 + 59, "400 d 0 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_only_where_it_is_wanted(
    stream: io.StringIO,
    environment: dict[str, str],
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert paint("up", "green", stream) == ("\x1b[32mup\x1b[0m" if coloured else "up")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_for_people_who_wait(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    screen = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("edgenode.cli.progress.time.monotonic", lambda: now[0])
    with progress.Progress("na\x1bme", 400) as bar:
        bar.add(100)
        assert not screen.getvalue(), "what may be over at once is not painted"
        now[0] += 1
        bar.add(100)
        bar.add(100)
        shown = screen.getvalue()
    if is_terminal:
        assert shown == "\r\x1b[Kna?me: 200 B of 400 B (50 %), 200 B/s"
        assert screen.getvalue() == shown + "\r\x1b[K"
    else:
        assert not screen.getvalue()


def test_json_output_is_plain_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    output.out_json({"a": "ä\x1b\x7f\x9b"}, indent=None)
    assert capsys.readouterr().out == '{"a": "\\u00e4\\u001b\\u007f\\u009b"}\n'
