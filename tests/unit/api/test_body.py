"""Bodies of JSON."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edgenode.api import upload

from .conftest import OPERATOR, TOKEN, Node, Served
from .test_upload import problem

PATH = "/blocks/" + "1a" * 64 + "/temperature"
BODY = b'{"temperature":"HOT"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ""),
        (b"{", ""),
        (b"HOT", ""),
        (b'{"temperature":"HOT"} x', ""),
        (b'{"temperature":"HOT","temperature":"COLD"}', ""),
        (b'{"temperature":"\xff"}', ""),
        (b'\xef\xbb\xbf{"temperature":"HOT"}', ""),
        (b"[" * 60_000, ""),
        (b"[" + b"1," * 25_000 + b"1]", ""),
        (b'["HOT"]', "body: expected an object"),
        (b"null", "body: expected an object"),
    ],
)
async def test_what_is_no_object_of_json_is_refused(
    local: Served, node: Node, body: bytes, said: str
) -> None:
    async with local.client.post(PATH, data=body, headers=OPERATOR) as response:
        assert response.status == 400
        assert await problem(response) == "bad-body"
        assert (await response.json(content_type=None))["detail"].startswith(said)
    assert node.records.calls == []


@pytest.mark.parametrize("name", ["application/json", "text/plain", "nonsense"])
async def test_any_content_type_is_taken(local: Served, name: str) -> None:
    headers = OPERATOR | {"Content-Type": name}
    async with local.client.post(PATH, data=BODY, headers=headers) as response:
        assert response.status == 200


async def test_a_chunked_body_is_taken_up_to_the_bound(local: Served, node: Node) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        yield BODY
        for _ in range(count):
            yield b" " * 1024

    async with local.client.post(PATH, data=pieces(1), headers=OPERATOR) as response:
        assert response.status == 200
    async with local.client.post(PATH, data=pieces(64), headers=OPERATOR) as response:
        assert response.status == 413
        assert await problem(response) == "body-too-large"
    assert len(node.records.calls) == 1


async def test_the_length_alone_is_enough_to_refuse(local: Served) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    answer = await local.exchange(f"{head}Content-Length: 999999999\r\n\r\n".encode())
    assert b" 413 " in answer.split(b"\r\n")[0]


async def test_a_coded_body_is_refused(local: Served) -> None:
    headers = OPERATOR | {"Content-Encoding": "gzip"}
    async with local.client.post(PATH, data=BODY, headers=headers) as response:
        assert response.status == 415
        assert await problem(response) == "unsupported-encoding"


async def test_who_waits_for_it_is_asked_for_the_body(local: Served) -> None:
    async with local.client.post(PATH, data=BODY, headers=OPERATOR, expect100=True) as response:
        assert response.status == 200


async def test_a_body_that_stops_arriving_is_given_up(
    local: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "IDLE_SECONDS", 0.05)
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    async with asyncio.timeout(5):
        answer = await local.exchange(f"{head}Content-Length: 9\r\n\r\n{{".encode())
    assert b" 408 " in answer.split(b"\r\n")[0]


async def test_an_error_repeats_little_of_a_body(local: Served) -> None:
    body = b'{"temperature":"HOT","' + b"k" * 10_000 + b'":1,"' + b"k" * 10_000 + b'":1}'
    async with local.client.post(PATH, data=body, headers=OPERATOR) as response:
        assert response.status == 400
        assert len((await response.json(content_type=None))["detail"]) <= 300
