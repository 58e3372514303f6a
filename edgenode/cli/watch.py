"""`edgenode watch`: the live events of the running node."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientSession,
    ClientTimeout,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
)

from edgenode.cli import exits
from edgenode.cli.client import CONNECT_TIMEOUT_S, Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import clean, out, out_json
from edgenode.cli.reading import maybe
from edgenode.cli.show import ID_COLUMN

HEARTBEAT_S = 30
"""Between pings: a node that has vanished is noticed after one and a half of it."""

MAX_EVENT_BYTES = 1024 * 1024
"""An event has 64 KiB; more would be none of a node."""

SHOWN_CHARS = 160
"""Of the data of an event, for people; --json gives all of it."""

_BUSY = 503


def watch(node: Node, *, as_json: bool) -> int:
    """Print events, one a line, until Ctrl-C; an end from the node's side is a failure."""
    reason = asyncio.run(_watch(node, as_json=as_json))
    if reason == "bye":
        raise CommandFailed(exits.NOT_RUNNING, "the node has stopped")
    raise CommandFailed(exits.FAILED, f"the node ended the events: {clean(reason)}")


async def _watch(node: Node, *, as_json: bool) -> str:
    limit = ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S)
    try:
        async with (
            ClientSession(timeout=limit) as client,
            client.ws_connect(
                node.url("/events"), heartbeat=HEARTBEAT_S, max_msg_size=MAX_EVENT_BYTES
            ) as socket,
        ):
            while True:
                message = await socket.receive()
                if message.type is not WSMsgType.TEXT:
                    return _reason(message)
                _print(message.data, as_json=as_json)
    except WSServerHandshakeError as error:
        why = "too many are watching" if error.status == _BUSY else clean(error.message)
        raise CommandFailed(
            exits.FAILED, f"the node answered: {why} (HTTP {error.status})"
        ) from None
    except (ClientConnectionError, TimeoutError):
        raise node.not_running() from None
    except ClientError as error:
        raise CommandFailed(exits.FAILED, f"talking to the node: {clean(str(error))}") from None


def _reason(message: WSMessage) -> str:
    if message.type is WSMsgType.CLOSE:
        return message.extra or f"code {message.data}"
    return "the connection was cut"


def _print(line: str, *, as_json: bool) -> None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise CommandFailed(exits.FAILED, "what sends the events does not speak as a node does")
    if as_json:
        out_json(event, indent=None)
    else:
        out(event_line(event))


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
