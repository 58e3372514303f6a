"""The routes of the status page: the page, made anew for each request, its style and its script."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from zlib import crc32

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.display import Display
from edgenode.api.page import peers as peer_part
from edgenode.api.page import plots, sections, state
from edgenode.api.ports import Snapshot
from edgenode.api.routes import Routes, read
from edgenode.core.errors import StoreFailed

FOLDER = Path(__file__).parent
ASSETS = {"page.css": "text/css", "page.js": "text/javascript"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline. What else `self` serves is no script: blocks are
`application/octet-stream` with nosniff."""

DATABASE_SECONDS = 2.0
"""How long the page waits for what the database knows."""

_YEAR_SECONDS = 365 * 86400

Health = Callable[[], Awaitable[Mapping[str, Any]]]


def page_routes(
    *, info: Snapshot, peers: Snapshot, status: Snapshot, display: Display, health: Health
) -> Routes:
    """Return the routes; what they serve is read now."""
    template = Template((FOLDER / "page.html").read_text("utf-8"))
    bodies = {name: (FOLDER / name).read_bytes() for name in ASSETS}
    marks = {name: f"{crc32(body):08x}" for name, body in bodies.items()}
    names = {
        name.partition(".")[2]: f"/{name}?v={mark}" for name, mark in marks.items()
    }  # css, js → URL that changes with the content

    async def page(request: web.Request) -> web.StreamResponse:
        values = page_values(
            info=info(),
            peers=peers()["peers"],
            status=status(),
            storage=await display.storage(),
            sync=display.sync(),
            history=display.history(),
            health=await _within(health),
        )
        text = template.substitute(values, **names, host=escape(request.headers["Host"]))
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
        }
        return web.Response(body=text.encode(), headers=headers)

    def asset(name: str) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            # For ever under the name with its mark; without it, it may be another one tomorrow.
            whole = request.query.get("v") == marks[name]
            keep = f"public, max-age={_YEAR_SECONDS}, immutable" if whole else "no-store"
            headers = {"Content-Type": f"{ASSETS[name]}; charset=utf-8", "Cache-Control": keep}
            return web.Response(body=bodies[name], headers=headers)

        return answer

    return {"/": read(page), **{f"/{name}": read(asset(name)) for name in ASSETS}}


def page_values(
    *,
    info: Mapping[str, Any],
    peers: Any,
    status: Mapping[str, Any],
    storage: Mapping[str, Any],
    sync: Mapping[str, Any],
    history: Mapping[str, Any],
    health: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return the values of the template, as HTML."""
    now_s = time.time()
    well = health is not None and state.is_well(status, storage)
    return {
        "state": escape(state.headline(status)),
        "reach": escape(state.reach(status["reachability"])),
        "counts": escape(state.headline(status).partition(" · ")[2]),
        "level": "good" if well else "warn",
        "advice": _lead(status) + state.advice(status, storage, database=health is not None),
        "figures": sections.figures(status, storage),
        "peers": peer_part.table(peers, now_s, _seconds),
        "plots": plots.history(history),
        "space": sections.space(storage),
        "temperatures": sections.temperatures(storage),
        "sync": sections.sync(sync),
        "network": sections.network(health),
        "facts": sections.facts(info, status),
        "now": datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }


def _lead(status: Mapping[str, Any]) -> str:
    how = escape(state.how(status["reachability"]))
    return f'<p class="how">{how}</p>' if how else ""


async def _within(health: Health) -> Mapping[str, Any] | None:
    """Return NetworkHealth; None where the database fails, or hangs."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await health()
    except (TimeoutError, StoreFailed):
        return None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
