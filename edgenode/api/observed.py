"""`GET /observed`: how a caller's end of the connection looks from here."""

from aiohttp import web

from edgenode.api.answers import json_answer


async def observed(request: web.Request) -> web.StreamResponse:
    """Answer with `{"address", "port"}`, the IP literal and port that the caller comes from."""
    peername = request.transport.get_extra_info("peername") if request.transport else None
    address, port = (str(peername[0]), int(peername[1])) if peername else ("", 0)
    return json_answer({"address": address, "port": port})
