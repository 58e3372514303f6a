"""Counting the bytes of answers, and the headers that every answer has."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgenode.core.counters import Counters

EVERYWHERE = {
    "Server": "edgenode",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""`Server` without the versions that aiohttp puts there. What is sent is data: opened in a browser,
nothing of it is run, framed, or made a part of another page."""

ON_HTTP_PORT = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""The page is in a window that pages of other origins have no hold of."""


def answers_counted(counters: Counters) -> Middleware:
    """Return the middleware that adds the bodies of answers to `bytes_out`.

    A body that is streamed is counted by who streams it.
    """

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if isinstance(response, web.Response) and request.method != "HEAD":
            body = response.body
            if isinstance(body, (bytes, bytearray)):
                counters.bytes_out += len(body)
        return response

    return count


def headers_set(
    headers: dict[str, str],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the `on_response_prepare` signal handler that sets `headers`.

    One that the response has already stays, such as the policy of the page.
    """

    async def set_headers(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            if name == "Server" or name not in response.headers:
                response.headers[name] = value

    return set_headers
