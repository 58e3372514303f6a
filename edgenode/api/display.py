"""What is shown of the node beside NodeInfo, NodeMetrics and the peers: space, sync, history."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.answers import json_answer
from edgenode.api.ports import Snapshot
from edgenode.api.session import Sessions

AsyncSnapshot = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives the present state as a JSON-ready object, perhaps after a look at the disk."""


class Display(NamedTuple):
    """What those see who look at the node; `storage` and so on as the OpenAPI description says."""

    storage: AsyncSnapshot
    sync: Snapshot
    history: Snapshot
    sessions: Sessions


def storage_answer(storage: AsyncSnapshot) -> Handler:
    """Return a handler that answers with NodeStorage."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return json_answer(await storage())

    return answer
