"""Where a peer knocks that was asked to dial back."""

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.ports import Arrived
from edgenode.api.problems import Problem


def knock_answer(arrived: Arrived) -> Handler:
    """Return the handler of `/reach/{nonce}`: 204 to whom was asked, else as for no path at all."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if not arrived(request.match_info["nonce"], request.remote or ""):
            raise Problem("not-found")
        return web.Response(status=204, headers={"Cache-Control": "no-store"})

    return answer
