"""A table of routes, with an answer for every other path and method."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from edgenode.api.problems import Problem

Routes = Mapping[str, Mapping[str, Handler]]
"""Path → method → handler."""


def read(handler: Handler) -> dict[str, Handler]:
    """Return `handler` for GET and for HEAD, whose answer is the same without the body."""
    return {"GET": handler, "HEAD": handler}


def add_routes(app: web.Application, routes: Routes) -> None:
    """Add the table to `app`.

    All routes, those of unknown paths and methods too, are ours, since aiohttp answers an Expect
    header before any middleware sees the request: it would ask for the body of a request that is
    about to be refused.
    """
    for path, methods in routes.items():
        for method, handler in methods.items():
            app.router.add_route(method, path, handler, expect_handler=_expect_nothing)
        refuse = _method_not_allowed(", ".join(sorted(methods)))
        app.router.add_route("*", path, refuse, expect_handler=_expect_nothing)
    app.router.add_route("*", "/{path:.*}", _not_found, expect_handler=_expect_nothing)


def _method_not_allowed(allowed: str) -> Handler:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise Problem("method-not-allowed", headers={"Allow": allowed})

    return refuse


async def _not_found(_request: web.Request) -> web.StreamResponse:
    raise Problem("not-found")


async def _expect_nothing(_request: web.Request) -> None:
    return None
