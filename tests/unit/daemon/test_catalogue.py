"""The warnings in the code, their table, and the explanations that are shipped."""

import ast
import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from edgenode.daemon.watch.catalogue import EVENTS, UNEXPECTED
from edgenode.daemon.watch.journal import FIELDS

ROOT = Path(__file__).resolve().parents[3]
CATALOG = ROOT / "systemd" / "edgenode.catalog"
LEVELS = ("warning", "error", "critical", "exception")


class Call(NamedTuple):
    """A log call: where, its level, and what its `extra` names, None where it has none."""

    where: str
    level: str
    extra: dict[str, str] | None


@functools.cache
def log_calls() -> list[Call]:
    """Return every log call of the node; the command line tells people in other ways."""
    calls = []
    for path in sorted((ROOT / "edgenode").rglob("*.py")):
        tree = ast.parse(path.read_text())
        # What `extra` may be handed over by, as a name.
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("log", "_log")
            ):
                given = {word.arg: word.value for word in node.keywords}.get("extra")
                if isinstance(given, ast.Name):
                    given = named[given.id]
                extra = None
                if isinstance(given, ast.Dict):
                    pairs = zip(given.keys, given.values, strict=True)
                    extra = {
                        str(key.value): str(getattr(value, "value", ""))
                        for key, value in pairs
                        if isinstance(key, ast.Constant)
                    }
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                calls.append(Call(where, node.func.attr, extra))
    return calls


def test_every_warning_has_an_event_of_the_table() -> None:
    calls = [call for call in log_calls() if call.level in LEVELS]
    assert len(calls) > 25
    nameless = [call.where for call in calls if (call.extra or {}).get("event") not in EVENTS]
    assert nameless == []


def test_every_event_of_the_table_is_said_somewhere() -> None:
    said = {(call.extra or {}).get("event") for call in log_calls() if call.level in LEVELS}
    assert EVENTS.keys() - said == {UNEXPECTED}


def test_only_known_fields_are_named() -> None:
    for call in log_calls():
        assert set(call.extra or ()) <= FIELDS.keys(), call.where


def entries() -> dict[str, tuple[str, str]]:
    """Return subject and text of the explanations by id, as systemd reads them."""
    found = {}
    for part in re.split(r"^-- ", CATALOG.read_text(), flags=re.MULTILINE)[1:]:
        id_, _, rest = part.partition("\n")
        head, _, body = rest.partition("\n\n")
        subject = re.search(r"^Subject: (.+)$", head, re.MULTILINE)
        assert subject is not None
        assert "Defined-By: edgenode" in head
        found[id_] = (subject[1], body)
    return found


def test_the_catalogue_has_the_same_ids_and_subjects() -> None:
    table = {event.message_id: event.subject for event in EVENTS.values()}
    assert len(table) == len(EVENTS)
    assert {id_: subject for id_, (subject, _) in entries().items()} == table


def test_every_explanation_says_what_to_do() -> None:
    for id_, (_, body) in entries().items():
        assert re.fullmatch(r"[0-9a-f]{32}", id_)
        what, _, remedy = body.partition("\n\nWhat to do: ")
        assert len(what) > 60, id_
        assert len(remedy) > 15, id_
        assert all(len(line) <= 79 for line in body.splitlines())


def test_explanations_speak_of_fields_that_the_warning_has() -> None:
    for name, event in EVENTS.items():
        _, body = entries()[event.message_id]
        extras = [call.extra for call in log_calls() if (call.extra or {}).get("event") == name]
        for word, field in (("peer", "PEER"), ("block", "BLOCK")):
            if re.search(rf"\b{field}\b", body):
                assert all(word in (extra or {}) for extra in extras), (name, word)


@pytest.mark.ci
def test_systemd_takes_the_catalogue(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    shutil.copy(CATALOG, folder)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    for arguments in (["--update-catalog"], ["--list-catalog"]):
        done = subprocess.run(
            ["journalctl", f"--root={tmp_path}", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.count("edgenode: ") == len(EVENTS)
