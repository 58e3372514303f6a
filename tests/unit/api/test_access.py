"""Who may use the HTTP port."""

import hashlib

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from edgenode.api.access import (
    OperatorToken,
    allowed_names,
    is_allowed_host,
    is_operator,
    is_same_origin,
)
from edgenode.api.addresses import is_local, packed_address
from edgenode.api.problems import Problem

from .conftest import OPERATOR, Node, Served
from .test_upload import problem


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
     "169.254.7.7", "::1", "fe80::1", "fe80::1%eth0", "febf::1", "fc00::1", "fdff::1",
     "::ffff:192.168.1.1", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_local_sources(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize(
    "address",
    ["", "8.8.8.8", "126.255.255.255", "128.0.0.1", "11.0.0.1", "172.15.255.255", "172.32.0.0",
     "192.169.0.1", "169.253.0.1", "100.64.0.1", "0.0.0.0", "::", "::2", "2001:db8::1", "fec0::1",
     "fe00::1", "fbff::1", "::ffff:8.8.8.8", "::ffff:100.64.0.1", "64:ff9b::7f00:1", "nonsense",
     "127.1", "0x7f.0.0.1", "127.0.0.1\0", "::127.0.0.1"],
)  # fmt: skip
def test_sources_that_are_not_local(address: str) -> None:
    assert not is_local(address)


def test_packed_addresses() -> None:
    assert packed_address("1.2.3.4") == bytes([1, 2, 3, 4])
    assert packed_address("::ffff:1.2.3.4") == bytes([1, 2, 3, 4])
    assert packed_address("::1") == bytes(15) + b"\1"
    assert packed_address("host") is None


NAMES = allowed_names(["Pi.example"])


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:4280", "localhost.", "pi", "PI:80", "pi.local", "pi.lan", "pi.home",
     "pi.home.arpa", "pi.internal", "pi.example", "127.0.0.1:4280", "192.0.2.1", "8.8.8.8:1",
     "[::1]", "[::1]:4280", "[2001:db8::1]:80", "[fe80::1%25eth0]:80", "localhost:"],
)  # fmt: skip
def test_hosts_that_name_this_node(host: str) -> None:
    assert is_allowed_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    ["", ":80", "evil.example", "pi.evil.example", "localhost.evil.example", "evil.local", ".",
     "pi.example.com", "127.0.0.1.evil.example", "::1", "[::1", "[localhost]", "[127.0.0.1]",
     "localhost:80:80", "localhost:x", "localhost:-1", "[::1]x", "[]", "user@localhost",
     "127.0.0.1:80\0", "localhost/", "2130706433"],
)  # fmt: skip
def test_other_hosts(host: str) -> None:
    assert not is_allowed_host(host, NAMES)


def test_origins() -> None:
    assert is_same_origin("http://pi.local:4280", "PI.local:4280")
    assert is_same_origin("https://pi.local", "pi.local")
    for origin in ("null", "", "http://pi.local", "http://evil.example", "ftp://pi.local:4280"):
        assert not is_same_origin(origin, "pi.local:4280")


def test_an_empty_host_name_allows_nothing_more() -> None:
    assert allowed_names(["", "."]) == {"localhost"}


@pytest.mark.parametrize("path", ["/", "/node/info", "/blocks", "/nothing", "/openapi.json"])
async def test_a_foreign_host_is_refused_on_the_http_port(
    local: Served, public: Served, path: str
) -> None:
    headers = {"Host": "evil.example"}
    async with local.client.get(path, headers=headers) as response:
        assert response.status == 403
        assert await problem(response) == "forbidden-host"
    async with public.client.get(path, headers=headers) as response:
        assert response.status != 403


@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: evil.example\r\n"])
async def test_a_host_that_is_missing_or_double_is_refused(local: Served, hosts: str) -> None:
    answer = await local.exchange(f"GET / HTTP/1.0\r\n{hosts}\r\n".encode())
    assert answer.split(b" ", 2)[1] in (b"400", b"403")


async def test_the_name_of_the_host_is_let_in(local: Served) -> None:
    async with local.client.get("/node/info", headers={"Host": "pi.home.arpa:1"}) as response:
        assert response.status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
async def test_a_write_from_a_foreign_page_is_refused(
    local: Served, node: Node, origin: str
) -> None:
    headers = OPERATOR | {"Origin": origin}
    async with local.client.post("/blocks", data=b"x", headers=headers) as response:
        assert response.status == 403
        assert await problem(response) == "forbidden-origin"
    assert node.store.files() == []
    async with local.client.get("/node/info", headers=headers) as response:
        assert response.status == 200


async def test_a_write_from_the_same_origin_is_taken(local: Served) -> None:
    headers = OPERATOR | {"Origin": f"http://127.0.0.1:{local.port}"}
    async with local.client.post("/blocks", data=b"x", headers=headers) as response:
        assert response.status == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/ws"), ("GET", "/node/info"), ("POST", "/auth/challenge"), ("POST", "/sync/request")],
)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
async def test_no_page_uses_the_peer_port(
    public: Served, method: str, path: str, origin: str
) -> None:
    """Its own origin neither: a name may have been made to point here."""
    for given in (origin, f"http://127.0.0.1:{public.port}"):
        headers = {"Origin": given}
        async with public.client.request(method, path, headers=headers) as response:
            assert response.status == 403
            assert await problem(response) == "forbidden-origin"


async def test_a_global_source_is_refused_on_the_http_port_only(
    local: Served, public: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "remote", "198.51.100.7")
    async with local.client.get("/node/info") as response:
        assert response.status == 403
        assert await problem(response) == "forbidden-source"
    async with public.client.get("/node/info") as response:
        assert response.status == 200


async def test_an_unauthorized_write_is_refused_for_its_source_first(
    local: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "remote", None)
    async with local.client.post("/blocks", data=b"x") as response:
        assert response.status == 403


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("Bearer token", True),
        ("bearer  token ", True),
        ("Bearer", False),
        ("Basic token", False),
        ("Bearer token x", False),
        ("Bearer tokén", False),
        ("token", False),
    ],
)
def test_the_authorization_header(value: str, accepted: bool) -> None:
    operator = OperatorToken("token", hashlib.sha3_512)
    request = make_mocked_request("GET", "/", headers={"Authorization": value})
    if accepted:
        assert is_operator(request, operator)
    else:
        with pytest.raises(Problem, match="not-authorized"):
            is_operator(request, operator)
    assert not is_operator(make_mocked_request("GET", "/"), operator)


def test_two_authorization_headers_are_one_too_many() -> None:
    operator = OperatorToken("token", hashlib.sha3_512)
    headers = CIMultiDict([("Authorization", "Bearer token"), ("Authorization", "Bearer x")])
    with pytest.raises(Problem, match="not-authorized"):
        is_operator(make_mocked_request("GET", "/", headers=headers), operator)


def test_only_a_digest_of_the_token_is_kept() -> None:
    operator = OperatorToken("the-token", hashlib.sha3_512)
    assert operator.matches("the-token")
    assert not operator.matches("the-toke")
    assert not operator.matches("")
    assert not operator.matches("\udcff")
    assert "the-token" not in repr(vars(operator))


async def test_a_neighbour_with_a_global_address_is_let_in(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.on_link = {packed_address("2a01:4f8:1:2::6")}
    for remote, status in (("2a01:4f8:1:2::6", 200), ("2a01:4f8:1:2::7", 403)):
        monkeypatch.setattr(web.Request, "remote", remote)
        async with local.client.get("/node/info") as response:
            assert response.status == status


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/node/info"), ("GET", "/x"), ("PUT", "/"), ("GET", "/page.css")]
)
async def test_every_answer_of_the_http_port_has_the_security_headers(
    local: Served, method: str, path: str
) -> None:
    async with local.client.request(method, path) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Server"] == "edgenode"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_what_is_refused_before_a_request_has_them_too(public: Served) -> None:
    answer = await public.exchange(b"\x16\x03\x01")
    head = answer.partition(b"\r\n\r\n")[0]
    for line in (b"X-Content-Type-Options: nosniff", b"Server: edgenode", b"Connection: close"):
        assert line in head
