"""The OpenAPI description says what the listeners do, and they do what it says."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from edgenode.api.node import OPENAPI_PATH
from edgenode.api.problems import CATALOGUE, TYPE_PREFIX
from edgenode.core.errors import Busy
from edgenode.core.reachability import VERDICTS

from .conftest import OPERATOR, Node, Served
from .test_node import PEER, UNLINKED

DOCUMENT = json.loads(OPENAPI_PATH.read_text())
DATA = b"a block of bytes"
ID = hashlib.sha3_512(DATA).hexdigest()
ABSENT = "0" * 128
METHODS = ("get", "head", "put", "post", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (METHOD, path, operation) of the document."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def routes(app: web.Application) -> set[tuple[str, str]]:
    """Return (METHOD, path) of an application, but what answers for all others."""
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "*"
    }


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_the_document_and_the_routes_agree(node: Node) -> None:
    for listener, app in (("http", node.local_app()), ("peer", node.public_app())):
        described = {
            (method, path) for method, path, op in operations() if listener in op["x-listeners"]
        }
        served = routes(app)
        assert described <= served
        # "HEAD is answered wherever GET is": described once, for all but blocks.
        assert served - described == {
            ("HEAD", path) for method, path in described if method == "GET"
        } - described - {("HEAD", "/ws"), ("HEAD", "/events")}


def test_the_document_and_the_catalogue_agree() -> None:
    text = json.dumps(DOCUMENT)
    described = set(re.findall(TYPE_PREFIX + "([a-z-]+)", text)) - {""}
    # Answers of no particular operation are in the text; the rest of aiohttp's are never seen.
    general = {"not-found", "method-not-allowed", "forbidden"}
    general |= {"target-too-long", "headers-too-large"}
    assert described == CATALOGUE.keys() - general
    for code, status in re.findall(
        r'\{"enum": \["' + TYPE_PREFIX + r'([a-z-]+)".*?"const": (\d+)', text
    ):
        assert CATALOGUE[code][0] == int(status)


def test_operator_operations_are_marked() -> None:
    for method, path, op in operations():
        ways = op.get("security", [])
        needs_token = {"operatorToken": []} in ways and {} not in ways
        assert not needs_token or "401" in op["responses"]
        by_peers = {"peerSession": []} in ways
        assert by_peers == (needs_token and "peer" in op["x-listeners"])
        if path in ("/auth/challenge", "/auth/session") or (method, path) == ("POST", "/session"):
            assert not needs_token  # what is signed, or the code, stands for it
            continue
        assert needs_token == (
            method not in ("GET", "HEAD") or path in ("/blocks", "/blacklist", "/joined", "/pins")
        )


async def test_the_document_is_served(local: Served, public: Served) -> None:
    for served in (local, public):
        async with served.client.get("/openapi.json") as response:
            assert response.content_type == "application/json"
            assert await response.json() == DOCUMENT


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference."""
    if "$ref" not in part:
        return part
    found: dict[str, Any] = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


async def check(response: ClientResponse, method: str, path: str) -> None:
    """Check a response against the document."""
    described = DOCUMENT["paths"][path][method.lower()]["responses"][str(response.status)]
    described = resolved(described)
    for name in described.get("headers", {}):
        assert name in response.headers, name
    content = described.get("content", {})
    body = await response.read()
    if not content:
        assert body == b""
        return
    ((content_type, media),) = content.items()
    assert response.content_type == content_type
    if content_type.endswith("json"):
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        OAS31Validator(schema).validate(json.loads(body))


BLOCK = f"/blocks/{ID}"
CODE = b"a code that is good"
HERE = "/blocks/{block_id}"


@pytest.mark.parametrize(
    ("method", "path", "described", "headers", "data", "status"),
    [
        ("GET", "/", "/", {}, None, 200),
        ("GET", "/", "/", {"Host": "evil.example"}, None, 403),
        ("GET", "/page.css", "/page.css", {}, None, 200),
        ("GET", "/page.js?v=x", "/page.js", {}, None, 200),
        ("GET", "/node/storage", "/node/storage", {}, None, 200),
        ("GET", "/node/sync", "/node/sync", {}, None, 200),
        ("GET", "/node/history", "/node/history", {}, None, 200),
        ("GET", "/events?since=", "/events", {}, None, 200),
        ("GET", "/events?since=0", "/events", {}, None, 200),
        ("GET", "/events?room=x", "/events", {}, None, 400),
        ("GET", "/events", "/events", {}, None, 426),
        ("POST", "/session/link", "/session/link", OPERATOR, None, 201),
        ("POST", "/session/link", "/session/link", {}, None, 401),
        ("POST", "/session", "/session", {}, CODE, 201),
        ("POST", "/session", "/session", {}, b'{"code":"x"}', 403),
        ("POST", "/session", "/session", {}, b"x", 400),
        ("POST", "/session", "/session", {"Origin": "null"}, CODE, 403),
        ("DELETE", "/session", "/session", OPERATOR, None, 204),
        ("DELETE", "/session", "/session", {}, None, 401),
        ("GET", "/node/info", "/node/info", {}, None, 200),
        ("GET", "/node/peers", "/node/peers", {}, None, 200),
        ("GET", "/node/discovered", "/node/discovered", {}, None, 200),
        ("GET", "/node/status", "/node/status", {}, None, 200),
        ("GET", "/openapi.json", "/openapi.json", {}, None, 200),
        ("GET", "/metrics", "/metrics", {}, None, 200),
        ("GET", "/metrics", "/metrics", {"Host": "evil.example"}, None, 403),
        ("GET", "/healthz", "/healthz", {}, None, 200),
        ("GET", "/readyz", "/readyz", {}, None, 200),
        ("GET", "/blocks", "/blocks", OPERATOR, None, 200),
        ("GET", "/blocks?limit=1", "/blocks", OPERATOR, None, 200),
        ("GET", "/blocks?limit=0", "/blocks", OPERATOR, None, 400),
        ("GET", "/blocks", "/blocks", {}, None, 401),
        ("GET", "/blocks", "/blocks", {"Host": "evil.example"}, None, 403),
        ("POST", "/blocks", "/blocks", OPERATOR, DATA, 200),
        ("POST", "/blocks", "/blocks", OPERATOR, b"new", 201),
        ("POST", "/blocks", "/blocks", OPERATOR, b"", 400),
        ("POST", "/blocks", "/blocks", {}, DATA, 401),
        ("POST", "/blocks", "/blocks", OPERATOR | {"Origin": "null"}, DATA, 403),
        ("POST", "/blocks", "/blocks", OPERATOR | {"Content-Encoding": "br"}, DATA, 415),
        ("POST", "/blocks", "/blocks", OPERATOR | {"Expect": "x"}, DATA, 417),
        ("POST", "/blocks", "/blocks", OPERATOR, b"x" * 1001, 507),
        ("GET", BLOCK, HERE, {}, None, 200),
        ("GET", BLOCK, HERE, {"Range": "bytes=1-2"}, None, 206),
        ("GET", BLOCK, HERE, {"If-None-Match": "*"}, None, 304),
        ("GET", "/blocks/x", HERE, {}, None, 400),
        ("GET", BLOCK, HERE, {"Authorization": "Bearer x"}, None, 401),
        ("GET", f"/blocks/{ABSENT}", HERE, {}, None, 404),
        ("GET", f"/blocks/{ABSENT}", HERE, OPERATOR, None, 503),
        ("GET", BLOCK, HERE, {"If-Match": '"x"'}, None, 412),
        ("GET", BLOCK, HERE, {"Range": "bytes=99-"}, None, 416),
        ("HEAD", BLOCK, HERE, {}, None, 200),
        ("HEAD", BLOCK, HERE, {"If-None-Match": "*"}, None, 304),
        ("HEAD", "/blocks/x", HERE, {}, None, 400),
        ("HEAD", f"/blocks/{ABSENT}", HERE, {}, None, 404),
        ("HEAD", BLOCK, HERE, {"If-Match": '"x"'}, None, 412),
        ("PUT", BLOCK, HERE, OPERATOR, DATA, 200),
        ("PUT", "/blocks/x", HERE, OPERATOR, DATA, 400),
        ("PUT", BLOCK, HERE, {}, DATA, 401),
        ("PUT", BLOCK, HERE, OPERATOR, b"other", 422),
        ("DELETE", BLOCK, HERE, OPERATOR, None, 204),
        ("DELETE", "/blocks/x", HERE, OPERATOR, None, 400),
        ("DELETE", BLOCK, HERE, {}, None, 401),
        ("DELETE", f"/blocks/{ABSENT}", HERE, OPERATOR, None, 404),
    ],
)
async def test_answers_are_as_described(
    local: Served,
    node: Node,
    method: str,
    path: str,
    described: str,
    headers: dict[str, str],
    data: bytes | None,
    status: int,
) -> None:
    node.store.keep(DATA)
    node.store.keep(b"another")
    node.store.room = 1000
    node.feed.publish("node:leave", {"reason": "x"})
    node.sync["transfers"] = [{"blockId": ID, "received": 1, "size": 2}]
    if data is CODE:
        data = json.dumps({"code": node.sessions.new_code()}).encode()
    node.fetch_error = Busy("x")
    node.peer_list = [PEER, UNLINKED]
    async with local.client.request(method, path, headers=headers, data=data) as response:
        assert response.status == status
        await check(response, method, described)


@pytest.mark.parametrize("nonce", ["ab" * 16, "cd" * 16])
async def test_a_knock_is_as_described(public: Served, nonce: str) -> None:
    async with public.client.get(f"/reach/{nonce}") as response:
        await check(response, "GET", "/reach/{nonce}")


async def test_the_observed_end_is_as_described(public: Served) -> None:
    async with public.client.get("/observed") as response:
        await check(response, "GET", "/observed")


async def test_every_verdict_is_described(local: Served, node: Node) -> None:
    described = DOCUMENT["components"]["schemas"]["Reachability"]["properties"]["verdict"]["enum"]
    assert described == list(VERDICTS)
    nothing = {"method": None, "externalAddress": None, "externalPort": None}
    for verdict in VERDICTS:
        node.reachability |= {"verdict": verdict, **nothing}
        async with local.client.get("/node/status") as response:
            await check(response, "GET", "/node/status")
