"""The files that are shipped for Prometheus and Grafana, read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "monitoring"
RULES = FOLDER / "edgenode-rules.yml"
DASHBOARD = FOLDER / "edgenode-dashboard.json"
CONFIG = FOLDER / "prometheus.yml"


def rules() -> dict[str, str]:
    """Return the expression of each alert by its name; each stands in one line of the file."""
    found = re.findall(r"- alert: (\w+)\n +expr: (.+)\n", RULES.read_text())
    assert len(found) == RULES.read_text().count("alert:")
    return dict(found)


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def expressions() -> Iterator[str]:
    """Give every expression of alerts and panels."""
    yield from rules().values()
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
