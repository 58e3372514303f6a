"""Who belongs to a closed network."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.hello import MAX_HELLO_BYTES, decode_hello
from edgenode.core.membership import (
    CONTEXT,
    Members,
    Membership,
    decode_membership,
    decode_text,
    encode_text,
    sign_membership,
)
from edgenode.core.signed import Signed, decode_signed, sign
from tests.unit.core.helpers import raises
from tests.unit.core.test_handshake import Node, digest, verify
from tests.unit.core.vectors import load

OPERATOR = bytes((7,)) * 32
STRANGER = bytes((8,)) * 32
MEMBER = "ab" * 32
NOW = 1_700_000_000_000


def granted(
    node_id: str = MEMBER,
    until: "int | None" = None,
    key: bytes = OPERATOR,
    network: str = "main",
) -> Signed:
    def sign_fn(message: bytes) -> bytes:
        return digest(key + message)

    return sign_membership(Membership(node_id, until), network, key, NOW, sign_fn)


def members(ids: "list[str]", now: "int | None" = NOW) -> Members:
    return Members("main", ids, [OPERATOR.hex()], verify, lambda: now)


def refused(by: Members, node_id: str, membership: "Signed | None") -> str:
    error = raises(ProtocolError, by.check, node_id, membership)
    assert error.code == "not-a-member"
    return str(error)


def test_by_the_list() -> None:
    by_list = members([MEMBER])
    by_list.check(MEMBER, None)
    assert by_list.lists(MEMBER)
    assert not by_list.lists("cd" * 32)
    assert "not a member" in refused(by_list, "cd" * 32, None)


def test_by_a_membership() -> None:
    fleet = members([])
    fleet.check(MEMBER, granted())
    fleet.check(MEMBER, granted(until=NOW))
    assert "another node" in refused(fleet, "cd" * 32, granted())
    assert "key unknown" in refused(fleet, MEMBER, granted(key=STRANGER))
    assert "not genuine" in refused(fleet, MEMBER, granted(network="other"))
    altered = granted()
    altered.payload = altered.payload.replace("ab", "cd")
    assert "not genuine" in refused(fleet, "cd" * 32, altered)
    claimed = granted(key=STRANGER)
    claimed.node_id = OPERATOR.hex()
    assert "not genuine" in refused(fleet, MEMBER, claimed)


def test_another_context_is_no_membership() -> None:
    text = granted().payload
    for context in ("batch", "head", "advertisement", "request", "rotation"):
        signed = sign(context, "main", OPERATOR, 1, 0, NOW, text, lambda m: digest(OPERATOR + m))
        assert "not genuine" in refused(members([]), MEMBER, signed)


def test_an_end_counts_by_a_clock_that_is_right() -> None:
    ended = granted(until=NOW - 1)
    assert "ended" in refused(members([]), MEMBER, ended)
    members([], now=None).check(MEMBER, ended)


def test_without_operators_no_membership_counts() -> None:
    nobody = Members("main", [], [], verify, lambda: NOW)
    refused(nobody, MEMBER, granted())


def test_malformed_ones() -> None:
    def of(payload: str) -> Signed:
        return sign(CONTEXT, "main", OPERATOR, 1, 0, NOW, payload, lambda m: digest(OPERATOR + m))

    for payload in (
        "",
        "[]",
        "{}",
        '{"nodeId":"ab"}',
        '{"nodeId":"' + MEMBER + '","notAfter":"x"}',
    ):
        assert "not genuine" in refused(members([]), MEMBER, of(payload))
        raises(DecodeError, decode_membership, of(payload))


def test_the_text_of_a_file() -> None:
    again = decode_text(encode_text(granted(until=NOW)))
    members([]).check(MEMBER, again)
    for text in (b"", b"{}", b"x" * 4000):
        raises(DecodeError, decode_text, text)


def test_a_hello_carries_it() -> None:
    node = Node(1)
    node.membership = granted(node.node_id, until=NOW)
    hello = node.hello("ab" * 32)
    assert len(hello.raw) < MAX_HELLO_BYTES // 2
    carried = decode_hello(hello.raw).membership
    members([]).check(node.node_id, carried)
    assert decode_hello(Node(1).hello("").raw).membership is None
    raises(
        DecodeError,
        decode_hello,
        hello.raw.replace(b"notAfter", b"notAfter").replace(b'"seq":0', b'"seq":-1'),
    )


def test_vectors() -> None:
    closed = load()["closed"]
    first, second = (decode_signed(Fields(message, "vector")) for message in closed["memberships"])
    assert first.node_id == second.node_id == closed["operator"]["publicKey"]
    assert decode_membership(first).not_after_ms is None
    assert decode_membership(second).not_after_ms == 1_800_000_000_000
