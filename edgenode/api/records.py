"""What is said of blocks: metadata, temperature, location, and the same for many at once."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.access import OperatorToken, for_operator
from edgenode.api.answers import json_answer
from edgenode.api.blocks import counted, path_block_id
from edgenode.api.body import ROOT, Act, takes_json
from edgenode.api.ports import Records
from edgenode.api.problems import Problem
from edgenode.api.routes import Routes, read
from edgenode.core.batch import MAX_UPDATES
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.ids import BLOCK_ID_LENGTH, is_block_id
from edgenode.core.records import METADATA, TEMPERATURES, decode_update

MAX_BODY_BYTES = 64 * 1024
"""For one block: a sixteenth of it would do, but for white space."""

MAX_SYNC_BYTES = 256 * 1024
"""For many: 1000 ids take 132 kB, 100 updates of everyday size less."""

MAX_REQUESTED = 1000
"""Blocks in one `/sync/request`: as many as on a page of the listing."""


def record_routes(*, records: Records, operator: OperatorToken, counters: Counters) -> Routes:
    """Return the routes of the HTTP port. Whoever may call it may read; writes need the token."""
    writes = RecordWrites(records)

    def post(act: Act, max_bytes: int) -> dict[str, Handler]:
        handler = counted(counters, takes_json(max_bytes, counters, act))
        return {"POST": for_operator(operator, handler)}

    return {
        **public_record_routes(records=records, counters=counters),
        "/blocks/{block_id}/temperature": post(writes.temperature, MAX_BODY_BYTES),
        "/blocks/{block_id}/location": post(writes.location, MAX_BODY_BYTES),
        "/sync/request": post(writes.sync_request, MAX_SYNC_BYTES),
        "/sync/metadata": post(writes.sync_metadata, MAX_SYNC_BYTES),
        "/sync/temperature": post(writes.sync_temperature, MAX_SYNC_BYTES),
    }


def public_record_routes(*, records: Records, counters: Counters) -> Routes:
    """Return the routes that both ports have."""

    async def metadata(request: web.Request) -> web.StreamResponse:
        found = await records.metadata(path_block_id(request))
        if found is None:
            raise Problem("block-unknown")
        return json_answer(found)

    return {"/blocks/{block_id}/metadata": read(counted(counters, metadata))}


class RecordWrites:
    """The operator's writes; each takes the request and the object that its body was."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def temperature(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """Set one temperature."""
        block_id = path_block_id(request)
        return json_answer(await self._records.set_temperature(block_id, _class(body, ROOT)))

    async def location(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """Say whether this node is a location of the block."""
        block_id = path_block_id(request)
        held = Fields(body, ROOT).boolean("held")
        return json_answer(await self._records.set_location(block_id, held))

    async def sync_request(self, _request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """Say of many blocks where they are, and fetch them if that is wanted."""
        fields = Fields(body, ROOT)
        asked = block_ids(fields, MAX_REQUESTED)
        queue = fields.boolean("queue", default=False)
        return json_answer(await self._records.sync_request(asked, queue))

    async def sync_metadata(
        self, _request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        """Set the metadata of many blocks."""
        updates = []
        for item, path in _items(body):
            _check_given(item, "data", path)
            # Judged by what judges the updates of other nodes.
            update = decode_update(Fields({**item, "type": METADATA}, path))
            assert update is not None  # a type that is known
            updates.append((update.block_id, update.data))
        return json_answer(await self._records.sync_metadata(updates))

    async def sync_temperature(
        self, _request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        """Set the temperatures of many blocks."""
        updates = [
            (Fields(item, path).block_id("blockId"), _class(item, path))
            for item, path in _items(body)
        ]
        return json_answer(await self._records.sync_temperature(updates))


def block_ids(fields: Fields, max_items: int) -> list[str]:
    """Return the `blockIds` of a body, each once."""
    found = fields.texts("blockIds", max_items, BLOCK_ID_LENGTH)
    for index, block_id in enumerate(found):
        if not is_block_id(block_id):
            raise DecodeError(f"{ROOT}.blockIds[{index}]: expected a block id")
    return list(dict.fromkeys(found))


def _items(body: dict[str, Any]) -> Sequence[tuple[dict[str, Any], str]]:
    """Return the objects of `updates`, each with its path; there is at least one."""
    Fields(body, ROOT).items("updates", MAX_UPDATES)
    found = [(item, f"{ROOT}.updates[{index}]") for index, item in enumerate(body["updates"])]
    if not found:
        raise DecodeError(f"{ROOT}.updates: expected at least one")
    return found


def _class(members: dict[str, Any], path: str) -> str | None:
    """Return the `temperature`, which must be there, though it may be null."""
    _check_given(members, "temperature", path)
    if members["temperature"] is None:
        return None
    return Fields(members, path).one_of("temperature", TEMPERATURES)


def _check_given(members: dict[str, Any], name: str, path: str) -> None:
    """Tell a field that is null, which has a meaning here, from one that was forgotten."""
    if name not in members:
        raise DecodeError(f"{path}.{name}: expected a value or null, which is missing")
