"""Live events: rooms, coming back with a cursor, and long polls."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from edgenode.api import eventring, events
from edgenode.api.eventrooms import ALL, MAX_ROOMS, check_room, checked_rooms, rooms_of
from edgenode.core.errors import DecodeError

from .conftest import NODE_ID, Node, Served, until
from .test_upload import problem

PEER = "cd" * 32
BLOCK = "0" * 128
OTHER = "1" * 128


@asynccontextmanager
async def viewer(
    served: Served, *rooms: str, since: str | None = None
) -> AsyncIterator[tuple[ClientWebSocketResponse, dict[str, Any]]]:
    """Watch some rooms; give the opening too."""
    params = [("room", room) for room in rooms]
    if since is not None:
        params.append(("since", since))
    async with served.client.ws_connect("/events", params=params) as watching:
        yield watching, await receive(watching)


async def receive(watching: ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next event, within 5 s."""
    message = await watching.receive(timeout=5)
    assert message.type is WSMsgType.TEXT, message
    event: dict[str, Any] = json.loads(message.data)
    return event


async def say(watching: ClientWebSocketResponse, type_: str, *rooms: str) -> list[str]:
    """Join or leave rooms; return those that the answer names."""
    await watching.send_str(json.dumps({"type": type_, "data": {"rooms": rooms}}))
    answer = await receive(watching)
    assert answer["type"] == "events:rooms"
    found: list[str] = answer["data"]["rooms"]
    return found


async def poll(served: Served, since: str, *rooms: str) -> dict[str, Any]:
    """Ask for the events after a cursor."""
    params = [("since", since), *(("room", room) for room in rooms)]
    async with served.client.get("/events", params=params) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        answer: dict[str, Any] = await response.json()
        return answer


def leave(node: Node, reason: str) -> None:
    """Publish a small event."""
    node.feed.publish("node:leave", {"reason": reason}, sender=PEER)


def reasons(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return which events these are."""
    return [event["data"]["reason"] for event in found]


def test_the_rooms_of_an_event() -> None:
    assert rooms_of("node:leave", {"reason": "x"}, PEER, "") == {
        "all",
        "type:node:leave",
        f"peer:{PEER}",
    }
    assert rooms_of("block:location", {"blockId": BLOCK}, PEER, "eu") == {
        "all",
        "type:block:location",
        f"peer:{PEER}",
        f"block:{BLOCK}",
        "region:eu",
    }


@pytest.mark.parametrize(
    "room",
    [
        "",
        "all:",
        "type:",
        "type:" + "x" * 65,
        "block:" + "0" * 127,
        "block:" + "G" * 128,
        "peer:" + "a" * 63,
        "peer:" + "x" * 64,
        "region:",
        "region:" + "x" * 65,
        "user:x",
    ],
)
def test_what_is_no_room(room: str) -> None:
    with pytest.raises(DecodeError):
        check_room(room)


def test_there_are_so_many_rooms_and_no_more() -> None:
    rooms = [f"region:{number}" for number in range(MAX_ROOMS)]
    assert checked_rooms([*rooms, *rooms]) == set(rooms)
    with pytest.raises(DecodeError):
        checked_rooms([*rooms, ALL])


async def test_a_viewer_is_sent_what_his_rooms_have(local: Served, node: Node) -> None:
    node.regions = {PEER: "eu"}
    rooms = {
        f"block:{BLOCK}": 1,
        f"peer:{PEER}": 2,
        "region:eu": 2,
        "type:block:location": 1,
        "all": 0,
    }
    for room, first in rooms.items():
        async with viewer(local, room) as (watching, opening):
            assert opening["data"] == {"missed": False, "rooms": [room]}
            node.feed.publish("metadata:update", {"blockId": OTHER, "n": 0}, sender=NODE_ID)
            node.feed.publish("block:location", {"blockId": BLOCK, "n": 1}, sender=NODE_ID)
            node.feed.publish("node:leave", {"n": 2}, sender=PEER)
            assert (await receive(watching))["data"]["n"] == first, room


async def test_rooms_are_joined_and_left(local: Served, node: Node) -> None:
    async with viewer(local) as (watching, opening):
        assert opening["data"]["rooms"] == ["all"]
        assert await say(watching, "room:leave", "all") == []
        leave(node, "to nobody")
        assert await say(watching, "room:join", f"peer:{PEER}", "region:eu") == [
            f"peer:{PEER}",
            "region:eu",
        ]
        leave(node, "heard")
        assert reasons([await receive(watching)]) == ["heard"]
        assert await say(watching, "room:leave", f"peer:{PEER}", "region:us") == ["region:eu"]


@pytest.mark.parametrize(
    "said",
    [
        '{"type":"room:join","data":{"rooms":["x"]}}',
        '{"type":"room:join","data":{}}',
        '{"type":5}',
        "[]",
        json.dumps({"type": "room:join", "data": {"rooms": ["all"] * (MAX_ROOMS + 1)}}),
    ],
)
async def test_who_says_nonsense_is_left(local: Served, said: str) -> None:
    async with viewer(local) as (watching, _):
        await watching.send_str(said)
        message = await watching.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4007)


async def test_a_viewer_cannot_be_in_too_many_rooms(local: Served) -> None:
    async with viewer(local) as (watching, _):
        rooms = [f"region:{number}" for number in range(MAX_ROOMS)]
        await watching.send_str(json.dumps({"type": "room:join", "data": {"rooms": rooms}}))
        message = await watching.receive(timeout=5)  # with `all` there are too many
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4007)


async def test_what_a_later_version_says_is_ignored(local: Served, node: Node) -> None:
    async with viewer(local) as (watching, _):
        await watching.send_str('{"type":"room:later","data":{}}')
        leave(node, "x")
        assert reasons([await receive(watching)]) == ["x"]


@pytest.mark.parametrize("query", ["room=x", "since=a&since=b", "room=block:0"])
async def test_a_query_that_is_wrong(local: Served, node: Node, query: str) -> None:
    async with local.client.get(f"/events?{query}") as response:
        assert response.status == 400
        assert await problem(response) == "bad-parameter"
    with pytest.raises(WSServerHandshakeError, match="400"):
        await local.client.ws_connect(f"/events?{query}")
    assert not node.feed.viewers


async def test_who_comes_back_is_sent_what_came_meanwhile(local: Served, node: Node) -> None:
    async with viewer(local) as (watching, opening):
        leave(node, "seen")
        cursor = (await receive(watching))["cursor"]
    await until(lambda: not node.feed.viewers)
    leave(node, "missed")
    node.feed.publish("metadata:update", {"reason": "not wanted"}, sender=NODE_ID)
    async with viewer(local, f"peer:{PEER}", since=cursor) as (watching, opening):
        assert opening["data"]["missed"] is False
        leave(node, "new")
        assert reasons([await receive(watching), await receive(watching)]) == ["missed", "new"]


async def test_who_comes_back_late_is_told_so(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventring, "MAX_KEPT", 3)
    async with viewer(local) as (_, opening):
        cursor = opening["cursor"]
    for number in range(4):
        leave(node, str(number))
    async with viewer(local, since=cursor) as (watching, opening):
        assert opening["data"]["missed"] is True
        assert reasons([await receive(watching) for _ in range(3)]) == ["1", "2", "3"]


async def test_what_nobody_watched_may_be_missing(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with viewer(local) as (_, opening):
        cursor = opening["cursor"]
    monkeypatch.setattr(events, "LINGER_SECONDS", 0)
    await until(lambda: not node.feed.is_watched)
    async with viewer(local, since=cursor) as (_, opening):
        assert opening["data"]["missed"] is True
        cursor = opening["cursor"]
        async with viewer(local, since=cursor) as (_, again):
            assert again["data"]["missed"] is False


@pytest.mark.parametrize("cursor", ["0", "x", "abc.1", ".", "-1"])
async def test_a_cursor_of_another_run_gives_all_that_is_kept(
    local: Served, node: Node, cursor: str
) -> None:
    leave(node, "before")
    async with viewer(local, since=cursor) as (watching, opening):
        assert opening["data"]["missed"] is True
        assert reasons([await receive(watching)]) == ["before"]


def test_the_ring_is_bounded_by_bytes() -> None:
    ring = eventring.EventRing("run")
    size = eventring.MAX_KEPT_BYTES // 4
    for number in range(1, 7):
        ring.add(eventring.Kept(number, bytes(size), frozenset()))
    kept, missed = ring.since("run.1")
    assert ([event.number for event in kept], missed) == ([3, 4, 5, 6], True)
    assert ring.since("run.2") == (kept, False)
    assert ring.since("run.6") == ([], False)
    assert ring.since("run.7") == (kept, True)


async def test_a_poll_gives_what_there_is(local: Served, node: Node) -> None:
    first = await poll(local, "")
    assert first["events"] == []
    assert first["missed"] is False
    leave(node, "one")
    node.feed.publish("metadata:update", {"reason": "other"}, sender=NODE_ID)
    answer = await poll(local, first["cursor"], f"peer:{PEER}")
    assert (reasons(answer["events"]), answer["missed"]) == (["one"], False)
    again = await poll(local, first["cursor"])
    assert reasons(again["events"]) == ["one", "other"]
    assert again["cursor"] == again["events"][-1]["cursor"] == answer["cursor"]


async def test_a_poll_waits_for_the_next_event(local: Served, node: Node) -> None:
    cursor = (await poll(local, ""))["cursor"]
    waiting = asyncio.create_task(poll(local, cursor, f"peer:{PEER}"))
    await until(lambda: node.feed.viewers)
    node.feed.publish("metadata:update", {"reason": "other"}, sender=NODE_ID)
    leave(node, "one")
    assert reasons((await waiting)["events"]) == ["one"]
    assert not node.feed.viewers


async def test_a_poll_ends_in_time(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.01)
    cursor = (await poll(local, ""))["cursor"]
    assert await poll(local, cursor) == {"events": [], "cursor": cursor, "missed": False}


async def test_a_poll_that_is_given_up_is_forgotten(local: Served, node: Node) -> None:
    cursor = (await poll(local, ""))["cursor"]
    waiting = asyncio.create_task(poll(local, cursor))
    await until(lambda: node.feed.viewers)
    waiting.cancel()
    await until(lambda: not node.feed.viewers)


async def test_a_poll_ends_when_the_node_stops(local: Served, node: Node) -> None:
    cursor = (await poll(local, ""))["cursor"]
    waiting = asyncio.create_task(poll(local, cursor))
    await until(lambda: node.feed.viewers)
    await node.feed.close()
    assert (await waiting)["events"] == []


async def test_a_burst_beyond_the_ring_is_told_to_a_poll(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventring, "MAX_KEPT", 2)
    cursor = (await poll(local, ""))["cursor"]
    waiting = asyncio.create_task(poll(local, cursor))
    await until(lambda: node.feed.viewers)
    for number in range(300):
        leave(node, str(number))
    answer = await waiting
    assert (reasons(answer["events"]), answer["missed"]) == (["298", "299"], True)
