"""What is said of blocks."""

import json
from typing import Any

import pytest

from edgenode.core import errors
from edgenode.core.records import TEMPERATURES

from .conftest import OPERATOR, Node, Served
from .plain_records import NODE, metadata_of
from .test_upload import problem

ID = "1a" * 64
OTHER = "2b" * 64
THIRD = "3c" * 64
NO_ID = "3C" * 64


async def refusal(served: Served, path: str, body: object) -> str:
    """Post what is refused with 400; return the detail."""
    async with served.client.post(path, json=body, headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "bad-body"
        return str((await response.json(content_type=None))["detail"])


async def post(served: Served, path: str, body: object, status: int = 200) -> dict[str, Any]:
    """Post what is taken; return the answer."""
    async with served.client.post(path, json=body, headers=OPERATOR) as response:
        assert response.status == status
        assert response.headers["Cache-Control"] == "no-store"
        return dict(await response.json())


async def test_metadata_is_for_anyone_on_both_ports(
    local: Served, public: Served, node: Node
) -> None:
    node.records.known[ID] = metadata_of(ID)
    for served in (local, public):
        async with served.client.get(f"/blocks/{ID}/metadata") as response:
            assert response.status == 200
            assert await response.json() == metadata_of(ID)
        async with served.client.get(f"/blocks/{OTHER}/metadata") as response:
            assert response.status == 404
            assert await problem(response) == "block-unknown"
        async with served.client.get(f"/blocks/{NO_ID}/metadata") as response:
            assert response.status == 400
            assert await problem(response) == "bad-block-id"
        async with served.client.head(f"/blocks/{ID}/metadata") as response:
            assert response.status == 200
    assert (node.counters.succeeded, node.counters.failed) == (4, 4)


@pytest.mark.parametrize("name", TEMPERATURES)
async def test_a_temperature_is_set(local: Served, node: Node, name: str) -> None:
    answer = await post(local, f"/blocks/{ID}/temperature", {"temperature": name, "later": 1})
    assert answer == {"blockId": ID, "temperature": name}
    assert node.records.calls == [("temperature", ID, name)]
    assert node.counters.succeeded == 1


async def test_null_gives_the_temperature_back_to_the_node(local: Served, node: Node) -> None:
    answer = await post(local, f"/blocks/{ID}/temperature", {"temperature": None})
    assert answer == {"blockId": ID, "temperature": "COLD"}
    assert node.records.calls == [("temperature", ID, None)]


@pytest.mark.parametrize(
    "body", [{}, {"temprature": "HOT"}, {"temperature": "hot"}, {"temperature": ""},
             {"temperature": 1}, {"temperature": ["HOT"]}, {"temperature": "HOT" * 1000}]
)  # fmt: skip
async def test_what_is_no_temperature_is_refused(
    local: Served, node: Node, body: dict[str, Any]
) -> None:
    detail = await refusal(local, f"/blocks/{ID}/temperature", body)
    assert detail.startswith("body.temperature: ")
    assert node.records.calls == []
    assert node.counters.failed == 1


@pytest.mark.parametrize("held", [True, False])
async def test_a_location_is_told_or_withdrawn(local: Served, node: Node, held: bool) -> None:
    answer = await post(local, f"/blocks/{ID}/location", {"held": held})
    assert answer == {"blockId": ID, "held": held}
    assert node.records.calls == [("location", ID, held)]


async def test_a_node_is_no_location_of_what_it_does_not_hold(local: Served, node: Node) -> None:
    node.records.failure = errors.NotHolder("x")
    path = f"/blocks/{ID}/location"
    async with local.client.post(path, json={"held": True}, headers=OPERATOR) as response:
        assert response.status == 409
        assert await problem(response) == "not-a-holder"


@pytest.mark.parametrize("body", [{}, {"held": None}, {"held": 1}, {"held": "true"}])
async def test_what_is_no_location_is_refused(local: Served, body: dict[str, Any]) -> None:
    assert (await refusal(local, f"/blocks/{ID}/location", body)).startswith("body.held: ")


async def test_many_blocks_are_asked_for_at_once_each_once(local: Served, node: Node) -> None:
    body = {"blockIds": [THIRD, ID, THIRD, OTHER]}
    answer = await post(local, "/sync/request", body)
    assert answer == {
        "available": [THIRD],
        "elsewhere": [{"blockId": ID, "nodeIds": [NODE]}],
        "unknown": [OTHER],
        "queued": 0,
    }
    assert node.records.calls == [("request", [THIRD, ID, OTHER], False)]
    assert (await post(local, "/sync/request", body | {"queue": True}))["queued"] == 1


async def test_as_many_blocks_as_allowed_are_asked_for(local: Served, node: Node) -> None:
    ids = [f"{number:0128x}" for number in range(1001)]
    await post(local, "/sync/request", {"blockIds": ids[:1000]})
    assert node.records.calls == [("request", ids[:1000], False)]
    assert "more than 1000" in await refusal(local, "/sync/request", {"blockIds": ids})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "body.blockIds"),
        ({"blockIds": [ID, NO_ID]}, "body.blockIds[1]"),
        ({"blockIds": [ID, ID[1:]]}, "body.blockIds[1]"),
        ({"blockIds": [1]}, "body.blockIds[0]"),
        ({"blockIds": ID}, "body.blockIds"),
        ({"blockIds": [ID], "queue": 1}, "body.queue"),
    ],
)
async def test_what_is_no_request_is_refused(
    local: Served, node: Node, body: dict[str, Any], path: str
) -> None:
    assert (await refusal(local, "/sync/request", body)).startswith(f"{path}: ")
    assert node.records.calls == []


async def test_metadata_of_many_blocks(local: Served, node: Node) -> None:
    full = {
        "size": 5,
        "createdAt": 1_700_000_000_000,
        "expiresAt": 1_800_000_000_000,
        "durabilityLevel": "high",
        "user": {"name": "x"},
    }
    updates = [{"blockId": ID, "data": full}, {"blockId": OTHER, "data": None}]
    assert await post(local, "/sync/metadata", {"updates": updates}) == {"accepted": 2}
    assert node.records.calls == [("metadata", [(ID, full), (OTHER, None)])]


@pytest.mark.parametrize(
    ("update", "path"),
    [
        ({}, "body.updates[1].data"),
        ({"data": None}, "body.updates[1].blockId"),
        ({"blockId": OTHER}, "body.updates[1].data"),
        ({"blockId": NO_ID, "data": None}, "body.updates[1].blockId"),
        ({"blockId": OTHER, "data": 1}, "body.updates[1].data"),
        ({"blockId": OTHER, "data": {"size": "5"}}, "body.updates[1].data.size"),
        ({"blockId": OTHER, "data": {"expiresAt": -1}}, "body.updates[1].data.expiresAt"),
        (
            {"blockId": OTHER, "data": {"durabilityLevel": "x" * 33}},
            "body.updates[1].data.durabilityLevel",
        ),
        ({"blockId": OTHER, "data": {"user": {"k": 1}}}, "body.updates[1].data.user"),
        (5, "body.updates[1]"),
        (
            {"blockId": OTHER, "data": {"user": {f"{i}": "ü" * 256 for i in range(16)}}},
            "an update of more than 4096 bytes",
        ),
    ],
)
async def test_what_is_no_metadata_is_refused_and_none_of_it_is_taken(
    local: Served, node: Node, update: object, path: str
) -> None:
    updates = [{"blockId": ID, "data": None}, update]
    assert (await refusal(local, "/sync/metadata", {"updates": updates})).startswith(path)
    assert node.records.calls == []


async def test_temperatures_of_many_blocks(local: Served, node: Node) -> None:
    updates = [{"blockId": ID, "temperature": "HOT"}, {"blockId": OTHER, "temperature": None}]
    assert await post(local, "/sync/temperature", {"updates": updates}) == {"accepted": 2}
    assert node.records.calls == [("temperature", [(ID, "HOT"), (OTHER, None)])]


@pytest.mark.parametrize(
    ("update", "path"),
    [
        ({"temperature": "HOT"}, "body.updates[1].blockId"),
        ({"blockId": NO_ID, "temperature": "HOT"}, "body.updates[1].blockId"),
        ({"blockId": OTHER}, "body.updates[1].temperature"),
        ({"blockId": OTHER, "temperature": "LUKEWARM"}, "body.updates[1].temperature"),
    ],
)
async def test_what_is_no_temperature_of_many_is_refused(
    local: Served, node: Node, update: object, path: str
) -> None:
    updates = [{"blockId": ID, "temperature": None}, update]
    assert (await refusal(local, "/sync/temperature", {"updates": updates})).startswith(path)
    assert node.records.calls == []


@pytest.mark.parametrize("path", ["/sync/metadata", "/sync/temperature"])
async def test_updates_are_from_one_to_a_hundred(local: Served, node: Node, path: str) -> None:
    wrong: list[object] = [{}, {"updates": []}, {"updates": {}}, {"updates": None}]
    for body in wrong:
        assert (await refusal(local, path, body)).startswith("body.updates: ")
    update = {"blockId": ID, "temperature": None, "data": None}
    assert await post(local, path, {"updates": [update] * 100}) == {"accepted": 100}
    assert "more than 100" in await refusal(local, path, {"updates": [update] * 101})


WRITES: list[tuple[str, dict[str, Any]]] = [
    (f"/blocks/{ID}/temperature", {"temperature": "HOT"}),
    (f"/blocks/{ID}/location", {"held": False}),
    ("/sync/request", {"blockIds": [ID]}),
    ("/sync/metadata", {"updates": [{"blockId": ID, "data": {}}]}),
    ("/sync/temperature", {"updates": [{"blockId": ID, "temperature": "HOT"}]}),
    ("/peers/announce", {"address": "192.0.2.7", "port": 4242}),
    ("/peers/disconnect", {"nodeId": NODE}),
]


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_writes_need_the_token(
    local: Served, node: Node, path: str, body: dict[str, Any]
) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        async with local.client.post(path, json=body, headers=headers) as response:
            assert response.status == 401
            assert "WWW-Authenticate" in response.headers
            assert await problem(response) == "not-authorized"
    assert node.records.calls == []


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_the_peer_port_takes_no_writes_of_the_operator(
    public: Served, node: Node, path: str, body: dict[str, Any]
) -> None:
    async with public.client.post(path, json=body, headers=OPERATOR) as response:
        assert response.status == 401
    assert node.records.calls == []


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_the_errors_of_the_records_become_problems(
    local: Served, node: Node, path: str, body: dict[str, Any]
) -> None:
    for error, status, code in (
        (errors.Busy("x"), 503, "busy"),
        (errors.StoreFailed("x"), 500, "store-failed"),
        (errors.DecodeError("body: too much for one batch"), 400, "bad-body"),
    ):
        node.records.failure = error
        async with local.client.post(path, json=body, headers=OPERATOR) as response:
            assert response.status == status
            assert await problem(response) == code
            assert ("Retry-After" in response.headers) == (code == "busy")


@pytest.mark.parametrize(
    ("path", "bound"),
    [(path, 262_144 if path.startswith("/sync") else 65_536) for path, _ in WRITES],
)
async def test_the_bound_of_a_body(local: Served, node: Node, path: str, bound: int) -> None:
    body = json.dumps(dict(WRITES)[path]).encode()
    within = body.ljust(bound)
    async with local.client.post(path, data=within, headers=OPERATOR) as response:
        assert response.status in (200, 202, 204)
    assert len(node.records.calls) == 1
    async with local.client.post(path, data=within + b" ", headers=OPERATOR) as response:
        assert response.status == 413
        assert await problem(response) == "body-too-large"
    assert len(node.records.calls) == 1
