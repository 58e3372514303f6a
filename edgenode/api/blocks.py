"""The block operations of the REST interface."""

import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.access import OperatorToken, is_operator
from edgenode.api.answers import json_answer
from edgenode.api.ports import BlockStore, Fetch, HeldBlock, Pins
from edgenode.api.problems import Problem
from edgenode.api.send import send_block
from edgenode.api.upload import check_body, read_body
from edgenode.core.counters import Counters
from edgenode.core.errors import BlockTooLarge, BlockUnavailable
from edgenode.core.ids import is_block_id

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
"""Blocks on a page of the listing: about 160 kB of JSON."""

MAX_DETAIL = 2000
"""Characters of what peers said of a failed fetch that are passed on."""

Find = Callable[[web.Request, str], Awaitable[HeldBlock | None]]
"""Looks a block up for a request."""


def held_only(blocks: BlockStore) -> Find:
    """Return the look-up that finds what is held."""

    async def find(_request: web.Request, block_id: str) -> HeldBlock | None:
        return await blocks.get(block_id)

    return find


def fetched_for_operator(blocks: BlockStore, fetch: Fetch, operator: OperatorToken) -> Find:
    """Return the look-up that fetches what is not held if the operator GETs it.

    `?local=1` and HEAD fetch nothing.
    """

    async def find(request: web.Request, block_id: str) -> HeldBlock | None:
        local_only = _local_only(request)
        may_fetch = is_operator(request, operator) and request.method == "GET" and not local_only
        held = await blocks.get(block_id)
        if held is not None or not may_fetch:
            return held
        try:
            await fetch(block_id)
        except BlockUnavailable as error:
            raise Problem("block-unavailable", str(error)[:MAX_DETAIL]) from error
        except BlockTooLarge as error:
            raise Problem(
                "block-unavailable", "The block is larger than this node accepts"
            ) from error
        return await blocks.get(block_id)

    return find


class BlockReads:
    """GET and HEAD of one block, on both ports."""

    def __init__(self, *, find: Find, counters: Counters, on_read: Callable[[str], None]) -> None:
        """Take the look-up for this port; `on_read` is told the id of each block that is sent."""
        self._find = find
        self._counters = counters
        self._on_read = on_read

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send the block."""
        held = await self._find(request, path_block_id(request))
        if held is None:
            raise Problem("block-not-held")
        if request.method == "GET":
            self._on_read(held.block_id)
        return await send_block(request, held, self._counters)


class BlockWrites:
    """What changes or lists the blocks held: for the operator."""

    def __init__(
        self, *, blocks: BlockStore, pins: Pins, max_block_size: int, counters: Counters
    ) -> None:
        """Take the store, and the size in bytes above which it takes no block."""
        self._blocks = blocks
        self._pins = pins
        self._max_block_size = max_block_size
        self._counters = counters

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Store the body under its hash."""
        return await self._store(request, None)

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Store the body under the id of the path, which must be its hash."""
        return await self._store(request, path_block_id(request))

    async def _store(self, request: web.Request, expected_id: str | None) -> web.StreamResponse:
        check_body(request, self._max_block_size, "block-too-large")
        async with aclosing(read_body(request, self._counters)) as body:
            block, is_new = await self._blocks.put(
                body, expected_id=expected_id, size_hint=request.content_length
            )
        return json_answer(
            {"blockId": block.block_id, "size": block.size},
            status=201 if is_new else 200,
            headers={"Location": f"/blocks/{block.block_id}"},
        )

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Remove the block from this node."""
        block_id = path_block_id(request)
        if await self._pins.has(block_id):
            raise Problem("block-pinned")
        if not await self._blocks.delete(block_id):
            raise Problem("block-not-held")
        return web.Response(status=204)

    async def list_page(self, request: web.Request) -> web.StreamResponse:
        """List blocks in the order of their ids, a page at a time."""
        cursor = request.query.get("cursor")
        if cursor is not None and not is_block_id(cursor):
            raise Problem("bad-parameter", "cursor is a block id")
        limit = _limit(request)
        found = await self._blocks.list_blocks(cursor, limit + 1)
        page = found[:limit]
        return json_answer(
            {
                "blocks": [{"blockId": block.block_id, "size": block.size} for block in page],
                "cursor": page[-1].block_id if len(found) > limit else None,
            }
        )


def counted(counters: Counters, handler: Handler) -> Handler:
    """Return a handler of block operations whose outcomes are counted."""

    async def operate(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except BaseException:
            counters.failed += 1
            raise
        counters.succeeded += 1
        return response

    return operate


def path_block_id(request: web.Request) -> str:
    """Return the block id in the path; raises Problem `bad-block-id`."""
    block_id = request.match_info["block_id"]
    if not is_block_id(block_id):
        raise Problem("bad-block-id")
    return block_id


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise Problem("bad-parameter", f"limit is a number from 1 to {MAX_LIMIT}")


def _local_only(request: web.Request) -> bool:
    text = request.query.get("local", "0")
    if text not in ("0", "1"):
        raise Problem("bad-parameter", "local is 0 or 1")
    return text == "1"
