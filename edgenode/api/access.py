"""Who may use the HTTP port: sources, hosts, origins, and the operator."""

import hmac
from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgenode.api.addresses import is_local, packed_address
from edgenode.api.guard import Guard
from edgenode.api.ports import Hasher
from edgenode.api.problems import Problem

HOME_SUFFIXES = (".local", ".lan", ".home", ".home.arpa", ".internal")
"""What home routers and mDNS put behind a host's name; no public name ends so."""

SAFE_METHODS = ("GET", "HEAD")


class OperatorToken:
    """The operator's token, kept as a digest only."""

    def __init__(self, token: str, new_hasher: Callable[[], Hasher]) -> None:
        """Take the token and a hash to keep and compare it by."""
        self._new_hasher = new_hasher
        self._digest = self._hash(token)
        self._also: Callable[[str], bool] = lambda _: False

    def also(self, matches: Callable[[str], bool]) -> None:
        """Let tokens for which `matches(token)` is True stand for the operator's."""
        self._also = matches

    def matches(self, token: str) -> bool:
        """Tell whether `token` is the operator's, in a time that does not depend on how alike."""
        return hmac.compare_digest(self._hash(token), self._digest) or self._also(token)

    def is_shown(self, request: web.Request) -> bool:
        """Tell whether a request carries the token; one that is wrong is as good as none."""
        token = bearer(request)
        return bool(token) and self.matches(token)

    def _hash(self, token: str) -> str:
        hasher = self._new_hasher()
        hasher.update(token.encode("utf-8", "surrogateescape"))
        return hasher.hexdigest()


def is_operator(request: web.Request, operator: OperatorToken) -> bool:
    """Tell whether the request carries the operator's token (RFC 6750); False if it has none.

    A token that is wrong is an error, not an anonymous request: Problem `not-authorized`.
    """
    if "Authorization" not in request.headers:
        return False
    token = bearer(request)
    if token and operator.matches(token):
        return True
    raise Problem("not-authorized")


def bearer(request: web.Request) -> str:
    """Return the one bearer token of the request, "" where it has none, or several."""
    given = request.headers.getall("Authorization", [])
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def for_operator(operator: OperatorToken, handler: Handler) -> Handler:
    """Return `handler` for the operator alone."""

    async def checked(request: web.Request) -> web.StreamResponse:
        if not is_operator(request, operator):
            raise Problem("not-authorized")
        if (guard := Guard.of(request)) is not None:
            guard.be_patient()  # a block may come over a slow line
        return await handler(request)

    return checked


def local_access(
    host_names: Iterable[str], is_on_link: Callable[[bytes], bool] = lambda _: False
) -> Middleware:
    """Return the middleware that keeps the HTTP port to the local network.

    `is_on_link(address)` tells of the 4 or 16 bytes of a global address whether it is on a network
    of this home. Any other global source is refused, so that a port opened by mistake gives nothing
    away. So is a Host
    that is neither an IP address nor a name of this host: a page that makes its own name point here
    (DNS rebinding) sends that name. A write from a page of another origin is refused as well.
    """
    names = allowed_names(host_names)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        remote = request.remote or ""
        if not is_local(remote):
            packed = packed_address(remote)
            if packed is None or not is_on_link(packed):
                raise Problem("forbidden-source")
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not is_allowed_host(hosts[0], names):
            raise Problem("forbidden-host")
        if request.method not in SAFE_METHODS:
            check_origin(request)
        return await handler(request)

    return check


def check_origin(request: web.Request) -> None:
    """Refuse a page of another origin; raises Problem `forbidden-origin`.

    For all that a browser lets any page do: writing, and opening a WebSocket (RFC 6455, 10.2).
    """
    host = request.headers["Host"]
    if any(not is_same_origin(origin, host) for origin in request.headers.getall("Origin", [])):
        raise Problem("forbidden-origin")


def pages_refused() -> Middleware:
    """Return the middleware that lets no page of a browser use the peer port.

    A browser puts an Origin on each WebSocket and each request that is not a plain read; a node
    never does. Or a page could link from inside a home, and have its visitors' addresses shut out.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Origin" in request.headers:
            raise Problem("forbidden-origin")
        return await handler(request)

    return check


def allowed_names(host_names: Iterable[str]) -> frozenset[str]:
    """Return `localhost`, the names given, and their first labels with each home suffix."""
    names = {"localhost"}
    for name in host_names:
        plain = name.lower().rstrip(".")
        label = plain.partition(".")[0]
        if label:
            names.update((plain, label))
            names.update(label + suffix for suffix in HOME_SUFFIXES)
    return frozenset(names)


def is_allowed_host(authority: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header (RFC 9110, 7.2) is an IP address or one of `names`."""
    if authority.startswith("["):
        host, closing, port = authority[1:].partition("]")
        known = bool(closing) and ":" in host and packed_address(host) is not None
    else:
        host, colon, digits = authority.partition(":")
        port = colon + digits
        known = packed_address(host) is not None or host.lower().removesuffix(".") in names
    return known and (not port or (port[0] == ":" and (port[1:].isdecimal() or port == ":")))


def is_same_origin(origin: str, host: str) -> bool:
    """Tell whether an Origin header (RFC 6454, 7) names the same authority as the Host header.

    Both schemes are taken, since a proxy in front may speak TLS.
    """
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and authority.lower() == host.lower()
