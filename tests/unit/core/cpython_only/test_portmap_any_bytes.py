"""Datagrams of any bytes, and ones near to what is right, before the readers of PCP and NAT-PMP."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenode.core import natpmp, pcp
from edgenode.core.errors import DecodeError
from tests.unit.core.portmap_corpus import lines

known = st.sampled_from([data for name in ("pcp.txt", "natpmp.txt") for data, _ in lines(name)])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A datagram of the corpus with bytes changed, lost or added."""
    data = bytearray(draw(known))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        data[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


datagrams = st.binary(max_size=1200) | damaged()
addresses = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
ports = st.integers(1, 65535)
lifetimes = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("decode", [pcp.decode_response, natpmp.decode_response])
@given(data=datagrams)
def test_any_bytes_are_a_response_or_an_error_of_ours(
    decode: Callable[[bytes], pcp.Response | natpmp.Response], data: bytes
) -> None:
    try:
        told = decode(data)
    except DecodeError as error:
        assert str(error).startswith(("pcp", "nat-pmp"))
        return
    assert len(data) <= 1100
    assert 0 <= told.opcode <= 127
    assert 0 <= told.epoch_s < 2**32
    if isinstance(told, pcp.Response) and told.mapping is not None:
        assert len(told.mapping.nonce) == 12
        assert len(told.mapping.external) in (4, 16)


@given(
    addresses, st.binary(min_size=12, max_size=12), ports, ports, st.none() | addresses, lifetimes
)
def test_a_request_sent_back_is_read_as_it_was(
    client: bytes,
    nonce: bytes,
    internal_port: int,
    external_port: int,
    external: bytes | None,
    lifetime_s: int,
) -> None:
    request = pcp.encode_map(
        client,
        nonce=nonce,
        protocol=pcp.TCP,
        internal_port=internal_port,
        external_port=external_port,
        external=external,
        lifetime_s=lifetime_s,
    )
    told = pcp.decode_response(request[:1] + b"\x81\x00\x00" + request[4:])
    mapping = told.mapping
    assert mapping is not None
    assert (told.lifetime_s, mapping.nonce, mapping.protocol) == (lifetime_s, nonce, pcp.TCP)
    assert (mapping.internal_port, mapping.external_port) == (internal_port, external_port)
    if external is not None:
        assert mapping.external == external or external.endswith(mapping.external)
