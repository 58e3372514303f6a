"""What home routers answer: PCP, NAT-PMP, SSDP, HTTP, descriptions and SOAP."""

import re
from pathlib import Path

from edgenode.core import natpmp, pcp
from edgenode.core.errors import DecodeError
from edgenode.core.ip import parse_ip
from edgenode.reach.igd.description import Url, parse_url, read_services
from edgenode.reach.igd.http import MAX_BODY, BadAnswer, read_body, read_head
from edgenode.reach.igd.soap import read_answer as read_soap
from edgenode.reach.igd.soap import write_answer
from edgenode.reach.igd.ssdp import read_answer as read_ssdp
from edgenode.reach.igd.xmlscan import BadXml
from tests.fuzz.engine import Target
from tests.unit.core.portmap_corpus import lines

CORPUS = Path(__file__).parents[2] / "corpus" / "upnp"
GATEWAY = bytes((192, 0, 2, 1))


def pcp_answer(data: bytes) -> str:
    """A mapping is there for its opcode alone."""
    found = pcp.decode_response(data)
    assert found.mapping is None or found.opcode == pcp.MAP
    return f"{found.opcode} {found.result}"


def natpmp_answer(data: bytes) -> str:
    """An address has 4 bytes."""
    found = natpmp.decode_response(data)
    assert found.address is None or len(found.address) == 4
    return f"{found.opcode} {found.result}"


def ssdp(data: bytes) -> bool:
    """A URL has a port and a path that fits into a request line."""
    found = read_ssdp(data)
    if found is not None:
        _check_place(found.url.port, found.url.path)
    return found is not None


def url(data: bytes) -> bool:
    """The same for a URL by itself."""
    found = parse_url(data.decode("latin-1"))
    if found is not None:
        _check_place(found.port, found.path)
    return found is not None


def _check_place(port: int, path: str) -> None:
    assert 0 < port <= 65535
    assert re.fullmatch("/[!-~]*", path)


def description(data: bytes) -> int:
    """Services are at the gateway, and few."""
    found = read_services(data, Url(GATEWAY, 5000, "/desc.xml"), {GATEWAY})
    assert 0 < len(found) <= 5
    for service in found:
        _check_place(service.port, service.path)
    return len(found)


def soap(data: bytes) -> str:
    """What was read can be handed on, and reads as the same."""
    found = read_soap(data)
    assert read_soap(write_answer(found)).fault == found.fault
    return f"{len(found.values)} {found.fault}"


def http(data: bytes) -> str:
    """However it comes in pieces, an answer is one of a bounded size, or none."""
    seen = bytearray()
    step = max(1, len(data) // 3)
    for at in range(0, len(data) + 1, step):
        seen += data[at : at + step]
        head = read_head(seen)
        if head is not None:
            body = read_body(head, seen, ended=at + step >= len(data))
            if body is not None:
                assert len(body) <= MAX_BODY
                return f"{head.status} {head.chunked}"
    return "more"


def _upnp(kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]


_ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\n\nhello",
    b"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
]
_XML = (b"<", b">", b"/>", b"</", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"&#x41;", b"<?")
_LINES = (b"\r\n", b":", b"LOCATION: http://192.0.2.1:5000/", b"ST: ", b"\x85", b"HTTP/1.1 200")

assert parse_ip("192.0.2.1") == GATEWAY

TARGETS = (
    Target("pcp", pcp_answer, (DecodeError,), lambda: [each[0] for each in lines("pcp.txt")]),
    Target(
        "nat-pmp", natpmp_answer, (DecodeError,), lambda: [each[0] for each in lines("natpmp.txt")]
    ),
    Target("ssdp", ssdp, (), lambda: _upnp("ssdp"), _LINES),
    Target("url", url, (), lambda: [b"http://192.0.2.1:5000/a#b", b"http://[fe80::1%25eth0]/"]),
    Target("description", description, (BadXml,), lambda: _upnp("description"), _XML, 3),
    Target("soap", soap, (BadXml,), lambda: _upnp("answer"), _XML),
    Target(
        "gateway-http", http, (BadAnswer,), lambda: _ANSWERS, (b"\r\n", b"chunked", b"0", b"f" * 9)
    ),
)
