"""The status page: one HTML document without scripts, made anew for each request."""

import os
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.ports import Snapshot
from edgenode.core.reachability import IPV6_ONLY, REACHABLE, UNKNOWN

TEMPLATE_PATH = Path(__file__).with_name("page.html")

_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_answer(*, info: Snapshot, peers: Snapshot, status: Snapshot) -> Handler:
    """Return the handler of the page; its template is read now."""
    template = Template(TEMPLATE_PATH.read_text("utf-8"))

    async def answer(request: web.Request) -> web.StreamResponse:
        nonce = os.urandom(16).hex()
        values = {"nonce": nonce, **page_values(info(), peers()["peers"], status())}
        text = template.substitute(values, host=escape(request.headers["Host"]))
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": _POLICY.format(nonce=nonce),
            "Cache-Control": "no-store",
        }
        return web.Response(body=text.encode(), headers=headers)

    return answer


def page_values(
    info: Mapping[str, Any], peers: Iterable[Mapping[str, Any]], status: Mapping[str, Any]
) -> dict[str, str]:
    """Return the values of the template, as HTML."""
    operations = status["operations"]
    reachability = status["reachability"]
    return {
        "reach": escape(_reach(reachability)),
        "reach_class": "good" if reachability["verdict"] in REACHABLE else "warn",
        "advice": escape(reachability["advice"]),
        "outside": _outside(reachability),
        "state": escape(
            f"Running · {_count(status['peers'], 'peer')} · {_count(status['blocks'], 'block')}"
        ),
        "node_id": escape(info["nodeId"]),
        "network": escape(info["network"]),
        "version": escape(info["version"]),
        "region": escape(info["region"] or "not set"),
        "addresses": _addresses(info["addresses"]),
        "http_port": escape(str(info["httpPort"])),
        "ws_port": escape(str(info["wsPort"])),
        "uptime": escape(duration(status["uptime"])),
        "bytes_in": escape(amount(status["bandwidth"]["in"])),
        "bytes_out": escape(amount(status["bandwidth"]["out"])),
        "operations": escape(f"{operations['success']} done, {operations['failed']} failed"),
        "pending": escape(_count(status["pendingSync"], "block")),
        "peer_rows": "".join(_peer_row(peer) for peer in peers)
        or '<tr><td colspan="4">No peer is known yet.</td></tr>',
    }


def _reach(reachability: Mapping[str, Any]) -> str:
    verdict = reachability["verdict"]
    if verdict == UNKNOWN:
        return "Not known yet whether other networks can reach it"
    if verdict not in REACHABLE:
        return "Not reachable from other networks"
    words = "Reachable from other networks"
    if verdict == IPV6_ONLY:
        words += " by IPv6"
    return words if reachability["verified"] else words + ", not confirmed yet"


def _outside(reachability: Mapping[str, Any]) -> str:
    address, port = reachability["externalAddress"], reachability["externalPort"]
    if address is None:
        return "not known"
    host = f"[{address}]" if ":" in address else address
    shown = f"<code>{escape(host if port is None else f'{host}:{port}')}</code>"
    if reachability["verified"]:
        shown += f", confirmed by {escape(_count(reachability['confirmations'], 'node'))}"
    return shown


def duration(seconds: float) -> str:
    """Return a time span in its two largest units: `3 d 4 h`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next((index for index, (value, _) in enumerate(units) if value), len(units) - 1)
    return " ".join(f"{value} {unit}" for value, unit in units[first : first + 2])


def amount(size: float) -> str:
    """Return a number of bytes in decimal units: `1.5 MB`."""
    if size < 1000:  # noqa: PLR2004
        return f"{size} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:  # noqa: PLR2004 -- what still rounds to 999.9
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _addresses(addresses: Iterable[str]) -> str:
    items = "".join(f"<li><code>{escape(address)}</code></li>" for address in addresses)
    return f"<ul>{items}</ul>" if items else "none known yet"


def _peer_row(peer: Mapping[str, Any]) -> str:
    node_id = peer["nodeId"]
    state = peer["status"]
    if "lastError" in peer:
        state = f"{state}: {peer['lastError']}"
    cells = (
        f'<code title="{escape(node_id)}">{escape(node_id[:16])}…</code>' if node_id else "unknown",
        f"<code>{escape(peer['address'])}</code>",
        escape(state),
        escape(peer["lastSeen"] or "never"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
