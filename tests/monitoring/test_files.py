"""Dashboard and alerts name metrics and labels that a node has."""

import re
from pathlib import Path

import pytest

from edgenode.api.metrics import families
from edgenode.core.reachability import REACHABLE
from edgenode.daemon.watch.catalogue import EVENTS
from tests.monitoring.files import RULES, dashboard, expressions, rules
from tests.unit.api.conftest import READINGS, Node

# What Prometheus itself adds.
TARGET = {"job", "instance"}


@pytest.fixture
def metrics(tmp_path: Path) -> dict[str, set[str]]:
    """The labels of each metric that a node with all its parts has, by name."""
    node = Node(tmp_path)
    found: dict[str, set[str]] = {"up": set()}
    for family in families(node.info(), node.status(), READINGS):
        for sample in family.samples:
            found.setdefault(family.name + sample.suffix, set()).update(sample.labels)
    return found


def test_they_name_metrics_that_exist(metrics: dict[str, set[str]]) -> None:
    named = {
        name
        for expression in expressions()
        for name in re.findall(r"\b(?:up|(?:edgenode|process)_\w+)\b", _no_strings(expression))
    }
    assert len(named) > 30
    assert named <= metrics.keys()


def test_they_name_labels_that_exist(metrics: dict[str, set[str]]) -> None:
    for expression in expressions():
        for name, selector in re.findall(r"(\w+)\{(.*?)\}", expression):
            labels = set(re.findall(r"(\w+)=", selector))
            assert labels <= metrics[name] | TARGET, expression


def test_values_of_labels_exist() -> None:
    for expression in expressions():
        for verdicts in re.findall(r'verdict=~"(.*?)"', expression):
            assert set(verdicts.split("|")) == set(REACHABLE)
        for events in re.findall(r'event=~"(.*?)"', expression):
            assert set(events.split("|")) <= EVENTS.keys()


def test_legends_name_labels_that_exist(metrics: dict[str, set[str]]) -> None:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            names = set(re.findall(r"\w+", _no_strings(target["expr"]))) & metrics.keys()
            known = set().union(*(metrics[name] for name in names)) | TARGET
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_every_alert_shows_on_which_node_and_what_to_do() -> None:
    text = RULES.read_text()
    for kept in ("summary:", "description:", "severity:"):
        assert text.count(kept) == len(rules())
    assert all("$labels.instance" in line for line in re.findall(r"summary: .*", text))


def test_panels_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        taken = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not places & taken, panel["title"]
        places |= taken


def _no_strings(expression: str) -> str:
    return re.sub(r'"[^"]*"', '""', expression)
