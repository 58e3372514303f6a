"""`edgenode watch`: the live events of the running node."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
)

from edgenode.cli import exits
from edgenode.cli.client import CONNECT_TIMEOUT_S, Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import clean, out, out_json, say
from edgenode.cli.reading import maybe
from edgenode.cli.show import ID_COLUMN
from edgenode.core.errors import DecodeError
from edgenode.core.strictjson import decode

HEARTBEAT_S = 30
"""Between pings: a node that has vanished is noticed after one and a half of it."""

MAX_EVENT_BYTES = 1024 * 1024
"""An event has 64 KiB; more would be none of a node."""

SHOWN_CHARS = 160
"""Of the data of an event, for people; --json gives all of it."""

_BUSY = 503
_OPEN = "events:open"
_RESUMED = ("cut", "too-slow")
"""Ends after which it is worth while to come back with the cursor."""


def watch(node: Node, rooms: Sequence[str], *, as_json: bool) -> int:
    """Print the events of some rooms, all if none is named, one a line, until Ctrl-C.

    After a cut it goes on where it was. An end from the node's side is a failure.
    """
    reason = asyncio.run(_Watch(node, rooms, as_json=as_json).run())
    if reason == "bye":
        raise CommandFailed(exits.NOT_RUNNING, "the node has stopped")
    told = "the connection was cut" if reason == "cut" else clean(reason)
    raise CommandFailed(exits.FAILED, f"the node ended the events: {told}")


class _Watch:
    def __init__(self, node: Node, rooms: Sequence[str], *, as_json: bool) -> None:
        self._node = node
        self._rooms = rooms
        self._as_json = as_json
        self._cursor = ""

    async def run(self) -> str:
        """Watch until the node ends it; return the reason."""
        limit = ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S)
        try:
            async with ClientSession(timeout=limit) as client:
                while True:
                    before = self._cursor
                    reason = await self._connected(client)
                    # Without a word from the node meanwhile, it would be for ever the same.
                    if reason not in _RESUMED or self._cursor == before:
                        return reason
        except WSServerHandshakeError as error:
            why = "too many are watching" if error.status == _BUSY else clean(error.message)
            raise CommandFailed(
                exits.FAILED, f"the node answered: {why} (HTTP {error.status})"
            ) from None
        except (ClientConnectionError, TimeoutError):
            raise self._node.not_running() from None
        except ClientError as error:
            raise CommandFailed(exits.FAILED, f"talking to the node: {clean(str(error))}") from None

    async def _connected(self, client: ClientSession) -> str:
        params = [("room", room) for room in self._rooms]
        if self._cursor:
            params.append(("since", self._cursor))
        async with client.ws_connect(
            self._node.url("/events"),
            params=params,
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_EVENT_BYTES,
        ) as socket:
            return await self._read(socket)

    async def _read(self, socket: ClientWebSocketResponse) -> str:
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.TEXT:
                return _reason(message)
            self._take(message.data)

    def _take(self, line: str) -> None:
        try:
            event = decode(line.encode("utf-8", "surrogatepass"), max_bytes=MAX_EVENT_BYTES)
        except DecodeError:
            event = None
        if not isinstance(event, dict):
            raise CommandFailed(exits.FAILED, "what sends the events does not speak as a node does")
        resumed, self._cursor = bool(self._cursor), str(event.get("cursor") or "")
        if event.get("type") == _OPEN:
            data = event.get("data")
            if resumed and isinstance(data, dict) and data.get("missed") is True:
                say("some events were missed")
        elif self._as_json:
            out_json(event, indent=None)
        else:
            out(event_line(event))


def _reason(message: WSMessage) -> str:
    if message.type is WSMsgType.CLOSE:
        return message.extra or f"code {message.data}"
    return "cut"


def event_line(event: dict[str, Any]) -> str:
    """Return time, type, sender and the beginning of the data, as JSON in ASCII."""
    data = json.dumps(event.get("data"), separators=(",", ":"))
    if len(data) > SHOWN_CHARS:
        data = data[:SHOWN_CHARS] + "..."
    sender = maybe(event, "sender")[:ID_COLUMN]
    return f"{_time(event.get('timestamp'))}  {maybe(event, 'type'):<17}  {sender}  {data}"


def _time(timestamp_ms: object) -> str:
    """Return ms since 1970 in ISO 8601, "-" where there are none that a calendar has."""
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError, OSError):
        return "-"
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
