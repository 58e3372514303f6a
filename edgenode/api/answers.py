"""JSON answers."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


def json_answer(
    data: Mapping[str, Any],
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return `data` as compact JSON that no cache keeps."""
    return web.Response(
        body=json.dumps(data, separators=(",", ":"), allow_nan=False).encode(),
        status=status,
        headers={"Content-Type": content_type, "Cache-Control": "no-store", **(headers or {})},
    )
