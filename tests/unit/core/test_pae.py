"""PAE against the vectors of the PASETO specification (Common.md) and against hand-laid bytes."""

from edgenode.core.pae import (
    CONTEXTS,
    HANDSHAKE_CONTEXTS,
    MESSAGE_CONTEXTS,
    SESSION_CONTEXTS,
    handshake_bytes,
    pae,
    session_bytes,
    signed_bytes,
)
from tests.unit.core.helpers import raises

KEY = bytes(range(32))


def le64(number: int) -> bytes:
    return bytes([(number >> shift) & 255 for shift in range(0, 64, 8)])


def test_paseto_vectors() -> None:
    zero = b"\0" * 8
    one = b"\1" + b"\0" * 7
    assert pae([]) == zero
    assert pae([b""]) == one + zero
    assert pae([b"test"]) == one + b"\4" + b"\0" * 7 + b"test"


def test_integers_are_eight_bytes_little_endian() -> None:
    assert pae([258]) == le64(1) + le64(8) + b"\2\1" + b"\0" * 6
    assert pae([2**63 - 1]) == le64(1) + le64(8) + b"\xff" * 7 + b"\x7f"


def test_integers_out_of_range_are_refused() -> None:
    raises(ValueError, pae, [-1])
    raises(ValueError, pae, [2**63])


def test_where_a_piece_ends_matters() -> None:
    lists = ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""], [b"", b"abc"])
    assert len({pae(pieces) for pieces in lists}) == len(lists)


def test_signed_bytes_to_the_byte() -> None:
    expected = (
        le64(7)
        + le64(16)
        + b"edgenode/1/batch"
        + le64(4)
        + b"main"
        + le64(32)
        + KEY
        + le64(8)
        + le64(3)
        + le64(8)
        + le64(77)
        + le64(8)
        + le64(1700000000123)
        + le64(2)
        + b"{}"
    )
    assert signed_bytes("batch", "main", KEY, 3, 77, 1700000000123, b"{}") == expected


def test_every_part_of_a_message_is_bound() -> None:
    base = ("batch", "main", KEY, 3, 77, 1700000000123, b"{}")
    changes = ("head", "test", bytes(32), 4, 78, 1700000000124, b"[]")
    seen = {signed_bytes(*base)}
    for place, change in enumerate(changes):
        changed = base[:place] + (change,) + base[place + 1 :]
        seen.add(signed_bytes(*changed))  # type: ignore[arg-type]
    assert len(seen) == len(changes) + 1


def test_handshake_bytes_to_the_byte() -> None:
    expected = (
        le64(5)
        + le64(30)
        + b"edgenode/1/handshake-initiator"
        + le64(4)
        + b"main"
        + le64(32)
        + KEY
        + le64(3)
        + b"one"
        + le64(5)
        + b"other"
    )
    assert handshake_bytes("handshake-initiator", "main", KEY, b"one", b"other") == expected


def test_every_part_of_a_handshake_is_bound() -> None:
    base = ("handshake-initiator", "main", KEY, b"one", b"other")
    changes = ("handshake-responder", "test", bytes(32), b"on", b"eother")
    seen = {handshake_bytes(*base), handshake_bytes(*base[:3], b"other", b"one")}
    for place, change in enumerate(changes):
        changed = base[:place] + (change,) + base[place + 1 :]
        seen.add(handshake_bytes(*changed))  # type: ignore[arg-type]
    assert len(seen) == len(changes) + 2


def test_contexts_never_give_the_same_bytes() -> None:
    signed = {signed_bytes(context, "main", KEY, 1, 1, 1, b"") for context in MESSAGE_CONTEXTS}
    signed.update(handshake_bytes(role, "main", KEY, b"", b"") for role in HANDSHAKE_CONTEXTS)
    signed.add(session_bytes("main", KEY, KEY, b""))
    assert len(signed) == len(CONTEXTS)


def test_session_bytes_to_the_byte() -> None:
    expected = (
        le64(5)
        + le64(18)
        + b"edgenode/1/session"
        + le64(4)
        + b"main"
        + le64(32)
        + KEY
        + le64(32)
        + bytes(32)
        + le64(3)
        + b"abc"
    )
    assert session_bytes("main", KEY, bytes(32), b"abc") == expected
    for length in (0, 31, 33):
        raises(ValueError, session_bytes, "main", KEY, bytes(length), b"")
        raises(ValueError, session_bytes, "main", bytes(length), KEY, b"")


def test_an_unknown_context_is_refused() -> None:
    for context in ("", "Batch", "batch ", "edgenode/1/batch", "session"):
        raises(ValueError, signed_bytes, context, "main", KEY, 1, 1, 1, b"")
        raises(ValueError, handshake_bytes, context, "main", KEY, b"", b"")


def test_each_context_has_its_one_use() -> None:
    for context in HANDSHAKE_CONTEXTS + SESSION_CONTEXTS:
        raises(ValueError, signed_bytes, context, "main", KEY, 1, 1, 1, b"")
    for context in MESSAGE_CONTEXTS + SESSION_CONTEXTS:
        raises(ValueError, handshake_bytes, context, "main", KEY, b"", b"")


def test_a_key_of_another_length_is_refused() -> None:
    for length in (0, 31, 33, 64):
        raises(ValueError, signed_bytes, "batch", "main", bytes(length), 1, 1, 1, b"")
        raises(ValueError, handshake_bytes, HANDSHAKE_CONTEXTS[0], "main", bytes(length), b"", b"")


def test_numbers_out_of_range_are_refused() -> None:
    raises(ValueError, signed_bytes, "batch", "main", KEY, -1, 1, 1, b"")
    raises(ValueError, signed_bytes, "batch", "main", KEY, 1, 2**63, 1, b"")
    raises(ValueError, signed_bytes, "batch", "main", KEY, 1, 1, -1, b"")
