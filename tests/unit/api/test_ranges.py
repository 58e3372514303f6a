"""Parts of a block, and conditions on reading it."""

import pytest

from .conftest import Node, Served
from .test_upload import problem

SMALL = b"a block of bytes"
LARGE = bytes(range(256)) * 1024  # 256 KiB: sent from the file


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def data(request: pytest.FixtureRequest) -> bytes:
    """Give a block that is sent from memory, and one that is sent from its file."""
    assert isinstance(request.param, bytes)
    return request.param


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=3-5", 3, 5),
        ("BYTES=3-5", 3, 5),
        ("bytes=15-15", 15, 15),
        ("bytes=3-", 3, None),
        ("bytes=0-", 0, None),
        ("bytes=3-99999999999", 3, None),
        ("bytes=-1", -1, None),
        ("bytes=-99999999999", 0, None),
    ],
)
async def test_one_range_is_served(
    public: Served, node: Node, data: bytes, header: str, first: int, last: int | None
) -> None:
    block_id = node.store.keep(data)
    start = first % len(data)
    end = len(data) if last is None else last + 1
    async with public.client.get(f"/blocks/{block_id}", headers={"Range": header}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(data)}"
        assert response.headers["ETag"] == f'"{block_id}"'
        assert await response.read() == data[start:end]
    assert node.counters.bytes_out == end - start


@pytest.mark.parametrize("header", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
async def test_a_range_without_a_byte_is_416(
    public: Served, node: Node, data: bytes, header: str
) -> None:
    path = f"/blocks/{node.store.keep(data)}"
    async with public.client.get(path, headers={"Range": header}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{len(data)}"
        assert await problem(response) == "range-not-satisfiable"


@pytest.mark.parametrize(
    "header",
    ["bytes=0-1,3-4", "lines=0-1", "bytes=5-3", "bytes=a-b", "bytes=", "bytes=-", "bytes=٣-",
     "bytes=" + "9" * 5000 + "-"],
)  # fmt: skip
async def test_other_ranges_are_ignored(public: Served, node: Node, header: str) -> None:
    path = f"/blocks/{node.store.keep(SMALL)}"
    async with public.client.get(path, headers={"Range": header}) as response:
        assert response.status == 200
        assert await response.read() == SMALL


async def test_if_range_decides_whether_the_range_counts(public: Served, node: Node) -> None:
    block_id = node.store.keep(SMALL)
    for value, status in (
        (f'"{block_id}"', 206),
        (f'W/"{block_id}"', 200),
        ('"other"', 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
    ):
        headers = {"Range": "bytes=0-3", "If-Range": value}
        async with public.client.get(f"/blocks/{block_id}", headers=headers) as response:
            assert response.status == status, value


async def test_a_caller_who_has_the_block_gets_304(public: Served, node: Node, data: bytes) -> None:
    block_id = node.store.keep(data)
    for value, status in (
        (f'"{block_id}"', 304),
        (f'"x", W/"{block_id}"', 304),
        ("*", 304),
        ('"x"', 200),
        ("nonsense", 200),
    ):
        for method in ("GET", "HEAD"):
            async with public.client.request(
                method, f"/blocks/{block_id}", headers={"If-None-Match": value}
            ) as response:
                assert response.status == status, value
                assert response.headers["ETag"] == f'"{block_id}"'
                assert "immutable" in response.headers["Cache-Control"]
                if status == 304:
                    assert await response.read() == b""


async def test_if_match_is_heeded(public: Served, node: Node) -> None:
    block_id = node.store.keep(SMALL)
    for value, status in (
        (f'"{block_id}"', 200),
        ("*", 200),
        ('"x"', 412),
        (f'W/"{block_id}"', 412),
    ):
        async with public.client.get(
            f"/blocks/{block_id}", headers={"If-Match": value}
        ) as response:
            assert response.status == status, value
            if status == 412:
                assert await problem(response) == "precondition-failed"
