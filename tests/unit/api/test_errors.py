"""Every error is a problem, and says nothing it should not."""

import re

import pytest
from aiohttp import web

from edgenode.api.problems import CATALOGUE
from edgenode.core import errors

from .conftest import OPERATOR, Node, Served
from .test_upload import problem


def test_every_block_error_has_a_problem_type() -> None:
    of_requests = (errors.BlockError, errors.Busy)
    codes = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, of_requests)
    }
    assert codes - {"block-error"} <= CATALOGUE.keys()


def test_the_codes_are_kebab_case_and_the_statuses_are_errors() -> None:
    for code, (status, title) in CATALOGUE.items():
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", code)
        assert 400 <= status < 600
        assert title


@pytest.mark.parametrize("path", ["/nothing", "/node", "/node/info/", "/blocks/", "/favicon.ico"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_an_unknown_path_is_404(
    local: Served, public: Served, path: str, method: str
) -> None:
    for served in (local, public):
        async with served.client.request(method, path) as response:
            if path == "/blocks/":  # an empty id
                assert response.status in (400, 404, 405)
                continue
            assert response.status == 404
            assert await problem(response) == "not-found"


@pytest.mark.parametrize(
    ("port", "method", "path", "allowed"),
    [
        ("local", "POST", "/node/info", "GET, HEAD"),
        ("local", "PUT", "/blocks", "GET, HEAD, POST"),
        ("local", "PATCH", "/blocks/" + "a" * 128, "DELETE, GET, HEAD, PUT"),
        ("local", "OPTIONS", "/", "GET, HEAD"),
        ("public", "PUT", "/blocks/" + "a" * 128, "GET, HEAD"),
        ("public", "DELETE", "/blocks/" + "a" * 128, "GET, HEAD"),
        ("public", "HEAD", "/ws", "GET"),
    ],
)
async def test_an_unknown_method_is_405(
    local: Served, public: Served, port: str, method: str, path: str, allowed: str
) -> None:
    served = {"local": local, "public": public}[port]
    async with served.client.request(method, path, headers=OPERATOR) as response:
        assert response.status == 405
        assert response.headers["Allow"] == allowed
        if method != "HEAD":
            assert await problem(response) == "method-not-allowed"


async def test_the_bytes_of_problems_are_counted(local: Served, public: Served, node: Node) -> None:
    for served in (local, public):
        node.counters.bytes_out = 0
        async with served.client.get("/nothing") as response:
            assert node.counters.bytes_out == len(await response.read()) > 0


@pytest.mark.parametrize("path", ["/", "/node/peers", "/blocks"])
async def test_the_peer_port_has_no_more_than_it_should(public: Served, path: str) -> None:
    async with public.client.get(path, headers=OPERATOR) as response:
        assert response.status == 404


async def test_the_unexpected_is_logged_and_not_told(
    local: Served, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.store.failure = RuntimeError("a secret")
    async with local.client.get("/blocks/" + "a" * 128) as response:
        assert response.status == 500
        assert "secret" not in await response.text()
        assert await problem(response) == "internal-error"
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (web.HTTPBadRequest(text="<input>"), 400, "bad-request"),
        (web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2), 413, "body-too-large"),
        (web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"}), 426, "upgrade-required"),
        (web.HTTPConflict(text="<input>"), 500, "internal-error"),
        (errors.Busy("<input>"), 503, "busy"),
    ],
)
async def test_the_errors_of_the_framework_become_problems(
    public: Served, node: Node, error: Exception, status: int, code: str
) -> None:
    node.links_error = error
    async with public.client.get("/ws") as response:
        assert response.status == status
        assert "<input>" not in await response.text()
        assert await problem(response) == code
        assert (response.headers.get("Upgrade") == "websocket") == (status == 426)


MARK = "zq7canary"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", f"/{MARK}", {}),
        ("GET", f"/blocks/{MARK}", {}),
        ("GET", f"/blocks?cursor={MARK}", OPERATOR),
        ("GET", f"/blocks?limit={MARK}", OPERATOR),
        ("GET", "/blocks/" + "a" * 128 + f"?local={MARK}", OPERATOR),
        ("GET", "/", {"Host": MARK}),
        ("POST", "/blocks", OPERATOR | {"Origin": f"http://{MARK}"}),
        ("POST", "/blocks", OPERATOR | {"Expect": MARK, "Content-Length": "0"}),
        ("POST", "/blocks", {"Authorization": f"Bearer {MARK}"}),
    ],
)
async def test_no_error_repeats_what_the_request_said(
    local: Served, method: str, path: str, headers: dict[str, str]
) -> None:
    lines = {"Host": "localhost", "Connection": "close"} | headers
    request = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    answer = await local.exchange(request.encode() + b"\r\n")
    assert answer.split(b" ", 2)[1].startswith(b"4")
    assert MARK.encode() not in answer.lower()


async def test_what_is_not_http_is_refused_without_a_log_line(
    public: Served, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await public.exchange(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"urn:edgenode:problem:bad-request" in answer
    assert not caplog.records


async def test_headers_above_the_bound_are_refused_without_a_log_line(
    public: Served, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await public.exchange(
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"
    )
    assert b" 431 " in answer.split(b"\r\n")[0]
    assert not caplog.records
