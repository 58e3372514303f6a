"""The sensors of docs/home-assistant.md find what they name in a real node's answers."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from edgenode.core.reachability import REACHABLE
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

PAGE = Path(__file__).resolve().parents[2] / "docs/home-assistant.md"
CONFIG, AUTOMATIONS = (
    yaml.safe_load(text)
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
)
(REST,) = CONFIG["rest"]
SENSORS: list[dict[str, Any]] = REST["sensor"] + REST["binary_sensor"]


def found(answer: dict[str, Any], path: str) -> Any:
    """Follow a dotted path; a KeyError tells what is not there."""
    value: Any = answer
    for name in path.split("."):
        value = value[name]
    return value


@pytest.fixture
async def node(nodes: Nodes) -> Node:
    return await nodes.start("node")


async def test_every_template_names_what_a_node_answers(nodes: Nodes, node: Node) -> None:
    path = re.sub(r"^http://[\d.]+:4280", node.rest.base, REST["resource"])
    async with nodes.session.get(path) as response:
        status = await response.json()
    named = set()
    for sensor in SENSORS:
        (name,) = re.findall(r"value_json\.([\w.]+)", sensor["value_template"])
        value = found(status, name)
        assert isinstance(value, int | str), name
        assert isinstance(value, int) == ("state_class" in sensor or "unit" in str(sensor)), name
        named.add(name)
    numbers = {
        "uptime": status["uptime"],
        "peers": status["peers"],
        "blocks": status["blocks"],
        "pendingSync": status["pendingSync"],
        **{f"bandwidth.{name}": value for name, value in status["bandwidth"].items()},
        **{f"operations.{name}": value for name, value in status["operations"].items()},
    }
    assert named == {*numbers, "reachability.verdict"}


async def test_every_attribute_is_there(node: Node) -> None:
    (sensor,) = [sensor for sensor in SENSORS if "json_attributes" in sensor]
    assert sensor["json_attributes_path"] == "$.reachability"
    reachability = (await node.rest.status())["reachability"]
    assert set(sensor["json_attributes"]) == reachability.keys() - {"verdict"}


def test_reachable_is_what_the_node_calls_so() -> None:
    (sensor,) = REST["binary_sensor"]
    listed = re.findall(r"'([\w-]+)'", sensor["value_template"])
    assert set(listed) == set(REACHABLE)


def test_automations_name_sensors_that_there_are() -> None:
    # An entity's id is made of its name.
    ids = {
        f"{kind}.{re.sub(r'[^a-z]', '_', sensor['name'])}"
        for kind in ("sensor", "binary_sensor")
        for sensor in REST[kind]
    }
    assert len(ids) == len(SENSORS) == len({sensor["unique_id"] for sensor in SENSORS})
    named = set(re.findall(r"\b(?:binary_)?sensor\.\w+", str(AUTOMATIONS)))
    assert len(named) == 3
    assert named <= ids
