"""The OpenAPI description of records, network and events."""

import json
from typing import Any

import pytest
from aiohttp import ClientResponse
from openapi_schema_validator import OAS31Validator

from edgenode.core.errors import Busy, NotHolder
from edgenode.core.records import TEMPERATURES

from .conftest import OPERATOR, Node, Served
from .plain_records import NODE, metadata_of
from .test_openapi import DOCUMENT, check
from .test_records import ID, NO_ID, OTHER, WRITES

FOREIGN = OPERATOR | {"Origin": "null"}
METADATA, TEMPERATURE, LOCATION = (
    f"/blocks/{ID}/{name}" for name in ("metadata", "temperature", "location")
)
BODIES = dict(WRITES)


def described(path: str) -> str:
    """Return the path as the document has it."""
    for block_id in (ID, OTHER, NO_ID):
        path = path.replace(block_id, "{block_id}")
    return path


@pytest.fixture(autouse=True)
def _known(node: Node) -> None:
    node.records.known[ID] = metadata_of(ID)


@pytest.mark.parametrize("path", BODIES)
async def test_bodies_are_as_described(path: str) -> None:
    operation = DOCUMENT["paths"][described(path)]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
    validator.validate(BODIES[path])
    assert not validator.is_valid({})


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (OPERATOR, None, 0),
        (OPERATOR, b"{}", 400),
        ({}, None, 401),
        (FOREIGN, None, 403),
        (OPERATOR, b" " * 262_145, 413),
        (OPERATOR | {"Content-Encoding": "br"}, None, 415),
        (OPERATOR | {"Expect": "x"}, None, 417),
        (OPERATOR, None, 503),
    ],
)
async def test_answers_to_writes_are_as_described(
    local: Served, node: Node, path: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    if status == 503:
        node.records.failure = Busy("x")
    data = json.dumps(BODIES[path]).encode() if body is None else body
    async with local.client.post(path, data=data, headers=headers) as response:
        assert response.status == status or (not status and response.status < 300)
        await check(response, "POST", described(path))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", METADATA, None, 200),
        ("GET", f"/blocks/{OTHER}/metadata", None, 404),
        ("GET", f"/blocks/{NO_ID}/metadata", None, 400),
        ("GET", "/network/health", None, 200),
        ("POST", f"/blocks/{NO_ID}/temperature", BODIES[TEMPERATURE], 400),
        ("POST", f"/blocks/{NO_ID}/location", BODIES[LOCATION], 400),
        ("POST", TEMPERATURE, {"temperature": None}, 200),
        ("POST", "/sync/request", {"blockIds": [ID, OTHER, "00" * 64], "queue": True}, 200),
        ("POST", "/peers/disconnect", {"nodeId": "ef" * 32}, 404),
        ("GET", "/events", None, 426),
    ],
)
async def test_answers_are_as_described(
    local: Served, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    async with local.client.request(method, path, json=body, headers=OPERATOR) as response:
        assert response.status == status
        await check(response, method, described(path))


async def test_other_answers_are_as_described(local: Served, node: Node) -> None:
    async def checked(response: ClientResponse, path: str, status: int) -> None:
        assert response.status == status
        await check(response, response.method, described(path))

    async with local.client.get("/events", headers={"Origin": "null"}) as response:
        await checked(response, "/events", 403)
    async with local.client.get(METADATA, headers={"Host": "evil.example"}) as response:
        await checked(response, METADATA, 403)
    node.records.failure = NotHolder("x")
    body = {"held": True}
    async with local.client.post(LOCATION, json=body, headers=OPERATOR) as response:
        await checked(response, LOCATION, 409)
    await node.feed.close()
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with local.client.get("/events", headers=upgrade) as response:
        await checked(response, "/events", 503)


def test_the_description_of_metadata_leaves_nothing_out() -> None:
    def names(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        if not isinstance(value, dict):
            return set()
        return set(value).union(*map(names, value.values()))

    schemas = DOCUMENT["components"]["schemas"]
    metadata = metadata_of(ID)
    assert metadata.keys() == schemas["BlockMetadata"]["properties"].keys()
    assert names(metadata) - {"name"} <= names(schemas)


def test_the_temperatures_are_the_protocol_s() -> None:
    assert tuple(DOCUMENT["components"]["schemas"]["Temperature"]["enum"]) == TEMPERATURES


def test_node_is_a_node_id() -> None:
    OAS31Validator(DOCUMENT["components"]["schemas"]["NodeId"]).validate(NODE)
