"""SSDP answers, descriptions, SOAP and HTTP: what is taken and what is refused, from a corpus."""

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenode.core.ip import parse_ip
from edgenode.reach.igd import http, soap, ssdp
from edgenode.reach.igd.description import Service, Url, parse_url, read_services
from edgenode.reach.igd.xmlscan import MAX_BYTES, BadXml, escape, scan, unescape

CORPUS = Path(__file__).resolve().parents[3] / "corpus" / "upnp"
GATEWAY = bytes((192, 0, 2, 1))
LOCATION = Url(GATEWAY, 5000, "/desc.xml")


def corpus(folder: str, kind: str) -> list[Path]:
    found = sorted((CORPUS / folder).glob(f"{kind}-*"))
    assert found
    return found


def by_name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", corpus("description", "taken"), ids=by_name)
def test_descriptions_that_are_taken(path: Path) -> None:
    (service,) = read_services(path.read_bytes(), LOCATION, {GATEWAY})
    assert (service.kind, service.version) == ("WANIPConnection", 1)
    assert (service.port, service.path) == (5000, "/ctl")


@pytest.mark.parametrize("path", corpus("description", "refused"), ids=by_name)
def test_descriptions_that_are_refused(path: Path) -> None:
    document = path.read_bytes()
    tracemalloc.start()
    begun = time.thread_time()
    with pytest.raises(BadXml):
        read_services(document, LOCATION, {GATEWAY})
    took = time.thread_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.2
    assert peak < 2**20


@pytest.mark.parametrize("path", corpus("answer", "taken"), ids=by_name)
def test_answers_that_are_taken(path: Path) -> None:
    assert soap.read_answer(path.read_bytes()) == soap.Answer({"V": "1"}, 0)


@pytest.mark.parametrize("path", corpus("answer", "fault"), ids=by_name)
def test_faults(path: Path) -> None:
    code = int(path.stem.split("-")[1])
    assert soap.read_answer(path.read_bytes()) == soap.Answer({}, code)


@pytest.mark.parametrize("path", corpus("answer", "refused"), ids=by_name)
def test_answers_that_are_refused(path: Path) -> None:
    with pytest.raises(BadXml):
        soap.read_answer(path.read_bytes())


@pytest.mark.parametrize("path", corpus("ssdp", "taken"), ids=by_name)
def test_searches_answers_that_are_taken(path: Path) -> None:
    found = ssdp.read_answer(path.read_bytes())
    assert found is not None
    assert found.url == LOCATION


@pytest.mark.parametrize("path", corpus("ssdp", "refused"), ids=by_name)
def test_searches_answers_that_are_refused(path: Path) -> None:
    assert ssdp.read_answer(path.read_bytes()) is None


@given(st.binary(max_size=400))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    ssdp.read_answer(noise)
    for read in (soap.read_answer, lambda data: list(scan(data))):
        try:
            read(noise)
        except BadXml:
            continue


WHOLE = [
    path.read_bytes()
    for folder in ("description", "answer", "ssdp")
    for kind in ("taken", "refused")
    for path in corpus(folder, kind)
    if path.stat().st_size < 4096
]


@given(
    st.sampled_from(WHOLE),
    st.integers(0, 4000),
    st.integers(0, 40),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"<", b">", b"&", b'"', b"<![CDATA["])),
)
def test_what_is_nearly_right_raises_nothing_else(
    whole: bytes, at: int, cut: int, put: bytes
) -> None:
    changed = whole[:at] + put + whole[at + cut :]
    found = ssdp.read_answer(changed)
    assert found is None or 0 < found.url.port < 65536
    try:
        services = read_services(changed, LOCATION, {GATEWAY})
        assert all("\r" not in each.path and " " not in each.path for each in services)
    except BadXml:
        pass
    try:
        answer = soap.read_answer(changed)
        assert len(answer.values) <= soap.MAX_VALUES
    except BadXml:
        pass


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x0b\x0c"), max_size=100))
def test_what_is_written_is_read(text: str) -> None:
    answer = soap.Answer({"V": text.strip()}, 0)
    assert soap.read_answer(soap.write_answer(answer)) == answer
    assert unescape(escape(text)) == text.strip()


@pytest.mark.parametrize("piece", [b"<a>", b"<a ", b"<![CDATA[]]>", b"<!---->", b"&amp;", b"<?a?>"])
def test_time_is_linear(piece: bytes) -> None:
    document = b"<root>" + piece * (MAX_BYTES // len(piece) - 3)
    begun = time.thread_time()
    with pytest.raises(BadXml):
        list(scan(document))
    assert time.thread_time() - begun < 0.5


def test_a_description_has_few_services_of_use() -> None:
    service = (
        "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>/{}</controlURL></service>"
    )
    listed = "".join(service.format(number) for number in range(50))
    listed += service.replace("WANIPConnection", "WANIPv6FirewallControl").format("6")
    found = read_services(f"<root>{listed}</root>".encode(), LOCATION, {GATEWAY})
    assert [each.path for each in found] == ["/0", "/1", "/2", "/3", "/6"]
    firewall = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
    assert found[-1] == Service(firewall, "WANIPv6FirewallControl", 1, 5000, "/6")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://192.0.2.1", Url(GATEWAY, 80, "/")),
        ("HTTP://192.0.2.1:8080/a?b=c#d", Url(GATEWAY, 8080, "/a?b=c")),
        ("http://[2001:db8::1]:5/x", Url(parse_ip("2001:db8::1") or b"", 5, "/x")),
        ("http://[fe80::1%25eth0]:5/x", Url(parse_ip("fe80::1") or b"", 5, "/x")),
        ("http://[fe80::1%eth0]/x", Url(parse_ip("fe80::1") or b"", 80, "/x")),
    ],
)
def test_urls(text: str, url: Url) -> None:
    assert parse_url(text) == url


def response(data: bytes, *, ended: bool) -> tuple[int, bytes] | None:
    head = http.read_head(data)
    body = None if head is None else http.read_body(head, data, ended=ended)
    return None if head is None or body is None else (head.status, body)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\nContent-Length:2\n\nok and more",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0002\nok\n0\n\n",
    ],
)
def test_http_that_is_taken_however_it_comes(data: bytes) -> None:
    assert response(data, ended=False) == (200, b"ok")
    for upto in range(len(data) - 9):
        assert response(data[:upto], ended=False) is None


def test_http_without_a_length_lasts_until_the_end() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nok"
    assert response(data, ended=False) is None
    assert response(data, ended=True) == (200, b"ok")


LARGE = http.MAX_BODY + 1


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-dropbear\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * http.MAX_HEAD,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 400,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * LARGE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n0",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\no\r\n" * LARGE,
    ],
)
def test_http_that_is_refused(data: bytes) -> None:
    with pytest.raises(http.BadAnswer):
        response(data, ended=True)


@given(st.binary(max_size=200), st.booleans())
def test_http_noise(noise: bytes, ended: bool) -> None:
    for data in (noise, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise):
        try:
            response(data, ended=ended)
        except http.BadAnswer:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * http.MAX_HEAD + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 400 + b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_too_large_is_known_from_the_head(data: bytes) -> None:
    with pytest.raises(http.BadAnswer):
        http.read_head(data)


def test_a_document_that_is_too_long_is_not_begun() -> None:
    filler = b" " * (MAX_BYTES - len(b"<a></a>"))
    assert len(list(scan(b"<a>" + filler + b"</a>"))) == 3
    with pytest.raises(BadXml):
        scan(b"<a>" + filler + b" </a>")


def test_no_more_values_are_kept_than_an_answer_has() -> None:
    values = {f"V{number}": "x" for number in range(soap.MAX_VALUES + 10)}
    assert len(soap.read_answer(soap.write_answer(soap.Answer(values, 0))).values) == 32
    long = soap.Answer({"V": "x" * (soap.MAX_VALUE_CHARS + 1), "W": "y"}, 0)
    assert soap.read_answer(soap.write_answer(long)).values == {"W": "y"}
