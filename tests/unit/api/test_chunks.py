"""The end of a body in chunks is found, however it comes in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenode.api.chunks import MAX_LINE_BYTES, Chunks

BODIES = [
    b"0\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"A;name=value\r\n0123456789\r\n1 \r\n\n\r\n000\r\nTrailer: x\r\n\r\n",
]


def fed(body: bytes, cuts: list[int]) -> tuple[int, bool]:
    """Feed `body` cut at these places, the rest of a piece as it should be; return what it took."""
    chunks = Chunks()
    taken = 0
    for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        if not chunks.ended:
            taken += chunks.take(body[begin:end])
    return taken, chunks.ended


@pytest.mark.parametrize("body", BODIES)
@given(data=st.data())
def test_it_takes_the_body_and_nothing_behind_it(body: bytes, data: st.DataObject) -> None:
    sent = body + b"GET / HTTP/1.1\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=9)))
    assert fed(sent, cuts) == (len(body), True)
    assert fed(body[:-1], [cut for cut in cuts if cut < len(body)]) == (len(body) - 1, False)


@pytest.mark.parametrize(
    "body",
    [b"x\r\n", b"-1\r\n", b"\r\n", b"3\nabc", b"f" * 16 + b"\r\n", b"1;" + b"x" * MAX_LINE_BYTES],
)
def test_what_is_broken_is_left_to_its_reader(body: bytes) -> None:
    chunks = Chunks()
    assert chunks.take(body + b"0\r\n\r\n") == len(body) + 5
    assert not chunks.ended
    assert chunks.take(b"0\r\n\r\n") == 5
