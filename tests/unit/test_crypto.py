"""Signatures, key agreement, the seal and block ids, with libsodium itself."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from edgenode.core.pae import (
    CONTEXTS,
    HANDSHAKE_CONTEXTS,
    SESSION_CONTEXTS,
    handshake_bytes,
    session_bytes,
    signed_bytes,
)
from edgenode.crypto import (
    SEAL_OVERHEAD_BYTES,
    SEED_BYTES,
    SIGNATURE_BYTES,
    STREAM_HEADER_BYTES,
    EphemeralKey,
    Opener,
    SealBroken,
    Sealer,
    SigningKey,
    new_block_hasher,
    new_seed,
    random_bytes,
    verify,
)
from tests.unit.eddsa_vectors import VECTORS

KEY = SigningKey(bytes(range(32)))
MESSAGE = b"a message"
# RFC 8032, section 5.1: the order of the group.
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD_PRIME = 2**255 - 19
# The points of order 1, 2, 4 and 8, canonical; with the sign bit where x is not 0.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


# Signatures


def test_rfc_8032_vectors() -> None:
    """RFC 8032, section 7.1, tests 1 and 2."""
    first = SigningKey(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert first.public_key.hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert first.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    second = SigningKey(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert second.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@given(st.binary(max_size=300))
def test_what_was_signed_verifies(message: bytes) -> None:
    signature = KEY.sign(message)
    assert len(signature) == SIGNATURE_BYTES == 64
    assert verify(KEY.public_key, message, signature)


def test_any_change_is_refused() -> None:
    signature = KEY.sign(MESSAGE)
    for place in range(SIGNATURE_BYTES):
        assert not verify(KEY.public_key, MESSAGE, flip(signature, place))
    for place in range(len(MESSAGE)):
        assert not verify(KEY.public_key, flip(MESSAGE, place), signature)
    for place in range(32):
        assert not verify(flip(KEY.public_key, place), MESSAGE, signature)
    assert not verify(KEY.public_key, MESSAGE + b"\0", signature)


def test_wrong_lengths_are_refused() -> None:
    signature = KEY.sign(MESSAGE)
    for key in (b"", KEY.public_key[:31], KEY.public_key + b"\0"):
        assert not verify(key, MESSAGE, signature)
    for wrong in (b"", signature[:63], signature + b"\0"):
        assert not verify(KEY.public_key, MESSAGE, wrong)
    # The bytes that are missing at one end may not come from the other.
    assert not verify(KEY.public_key, signature[63:] + MESSAGE, signature[:63])


def test_there_is_no_second_signature_of_a_message() -> None:
    """With S + L instead of S a careless check would pass (RFC 8032, section 8.4)."""
    signature = KEY.sign(MESSAGE)
    s = int.from_bytes(signature[32:], "little")
    for multiple in range(1, 16):
        moved = s + multiple * GROUP_ORDER
        if moved < 2**256:
            forged = signature[:32] + moved.to_bytes(32, "little")
            assert not verify(KEY.public_key, MESSAGE, forged)


def test_keys_of_small_order_are_refused() -> None:
    """With such a key S = 0 and R of small order would sign many messages at once."""
    for key in map(bytes.fromhex, SMALL_ORDER):
        for r in (*map(bytes.fromhex, SMALL_ORDER), KEY.public_key):
            for message in (MESSAGE, b"", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
                assert not verify(key, message, r + bytes(32))


def test_points_that_are_not_canonical_are_refused() -> None:
    """The 19 numbers from the prime up to 2^255 name points that have a smaller name."""
    for excess in range(19):
        for sign in (0, 1 << 255):
            name = (FIELD_PRIME + excess | sign).to_bytes(32, "little")
            assert not verify(name, MESSAGE, KEY.sign(MESSAGE))
            assert not verify(name, MESSAGE, bytes.fromhex(SMALL_ORDER[0]) + bytes(32))


def test_seeds_and_random_bytes_are_fresh() -> None:
    assert len(new_seed()) == SEED_BYTES == 32
    assert new_seed() != new_seed()
    assert len(random_bytes(16)) == 16
    assert random_bytes(16) != random_bytes(16)


# Key agreement


def test_both_sides_agree_on_two_keys() -> None:
    a, b = EphemeralKey(), EphemeralKey()
    receive_a, send_a = a.session_keys(b.public_key, initiator=True)
    receive_b, send_b = b.session_keys(a.public_key, initiator=False)
    assert (receive_a, send_a) == (send_b, receive_b)
    assert receive_a != send_a
    assert len(receive_a) == len(send_a) == 32


def test_the_keys_are_those_of_the_document() -> None:
    a, b = EphemeralKey(bytes(32)), EphemeralKey(b"\1" * 32)
    secret = hashlib.blake2b(bytes(32), digest_size=32).digest()
    shared = bindings.crypto_scalarmult(secret, b.public_key)
    both = hashlib.blake2b(shared + a.public_key + b.public_key, digest_size=64).digest()
    assert a.session_keys(b.public_key, initiator=True) == (both[:32], both[32:])


def test_two_initiators_do_not_agree() -> None:
    a, b = EphemeralKey(), EphemeralKey()
    assert (
        a.session_keys(b.public_key, initiator=True)[0]
        != (b.session_keys(a.public_key, initiator=True)[1])
    )


@pytest.mark.parametrize("u", [0, 1, FIELD_PRIME - 1, FIELD_PRIME, FIELD_PRIME + 1])
def test_ephemeral_keys_of_small_order_are_refused(u: int) -> None:
    """RFC 7748, section 6.1: the shared secret would be all zeros, whoever we are."""
    for initiator in (True, False):
        with pytest.raises(SealBroken):
            EphemeralKey().session_keys(u.to_bytes(32, "little"), initiator=initiator)


def test_a_seed_makes_the_same_key() -> None:
    assert EphemeralKey(bytes(32)).public_key == EphemeralKey(bytes(32)).public_key
    assert EphemeralKey().public_key != EphemeralKey().public_key


# The seal


def stream() -> tuple[Sealer, Opener]:
    key = os.urandom(32)
    sealer = Sealer(key)
    return sealer, Opener(key, sealer.header)


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_what_was_sealed_opens_in_order(plaintexts: list[bytes]) -> None:
    sealer, opener = stream()
    for plaintext in plaintexts:
        frame = sealer.seal(plaintext)
        assert len(frame) == len(plaintext) + SEAL_OVERHEAD_BYTES
        assert opener.open(frame) == (plaintext, False)
    assert opener.open(sealer.seal(b"bye", final=True)) == (b"bye", True)


def test_a_full_frame() -> None:
    sealer, opener = stream()
    plaintext = os.urandom(256 * 1024 - SEAL_OVERHEAD_BYTES)
    assert opener.open(sealer.seal(plaintext)) == (plaintext, False)


def test_headers_are_fresh_and_need_their_length() -> None:
    key = os.urandom(32)
    assert len(Sealer(key).header) == STREAM_HEADER_BYTES == 24
    assert Sealer(key).header != Sealer(key).header
    for header in (b"", bytes(23), bytes(25)):
        with pytest.raises(SealBroken):
            Opener(key, header)


def test_altered_frames_do_not_open() -> None:
    sealer, opener = stream()
    frame = sealer.seal(MESSAGE)
    for place in range(len(frame)):
        with pytest.raises(SealBroken):
            opener.open(flip(frame, place))
    # None of it has moved the stream.
    assert opener.open(frame) == (MESSAGE, False)


def test_truncated_and_extended_frames_do_not_open() -> None:
    sealer, opener = stream()
    frame = sealer.seal(MESSAGE)
    for length in range(len(frame)):
        with pytest.raises(SealBroken):
            opener.open(frame[:length])
    with pytest.raises(SealBroken):
        opener.open(frame + b"\0")


def test_replayed_dropped_and_reordered_frames_do_not_open() -> None:
    sealer, opener = stream()
    first, second, third = (sealer.seal(bytes((number,))) for number in range(3))
    with pytest.raises(SealBroken):
        opener.open(second)
    assert opener.open(first)[0] == b"\x00"
    for wrong in (first, third):
        with pytest.raises(SealBroken):
            opener.open(wrong)
    assert opener.open(second)[0] == b"\x01"


def test_frames_of_another_stream_do_not_open() -> None:
    key = os.urandom(32)
    one, other = Sealer(key), Sealer(key)
    with pytest.raises(SealBroken):
        Opener(key, one.header).open(other.seal(MESSAGE))
    with pytest.raises(SealBroken):
        Opener(os.urandom(32), one.header).open(one.seal(MESSAGE))


def test_a_changed_header_opens_nothing() -> None:
    key = os.urandom(32)
    for place in range(STREAM_HEADER_BYTES):
        sealer = Sealer(key)
        with pytest.raises(SealBroken):
            Opener(key, flip(sealer.header, place)).open(sealer.seal(MESSAGE))


def test_a_frame_cannot_be_made_final() -> None:
    sealer, opener = stream()
    frame = sealer.seal(b"\x00bye")
    tags = (
        bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
        ^ bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
    )
    with pytest.raises(SealBroken):
        opener.open(bytes((frame[0] ^ tags,)) + frame[1:])


# Block ids


def test_sha3_512() -> None:
    """FIPS 202, as the standard library has it; of b"" and b"abc" also as NIST publishes them."""
    for data in (b"", b"abc", os.urandom(300_000)):
        hasher = new_block_hasher()
        for start in range(0, len(data), 70_001):
            hasher.update(data[start : start + 70_001])
        assert hasher.hexdigest() == hashlib.sha3_512(data).hexdigest()
    hasher = new_block_hasher()
    assert hasher.hexdigest().startswith("a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1")
    hasher.update(b"abc")
    assert hasher.hexdigest().startswith("b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d02")


# The published edge cases


def test_taming_the_many_eddsas() -> None:
    """Small orders, malleable S, other forms of a point: refused, as the paper has of libsodium.

    The third alone is taken. Its key has a part of small order besides its large one, which only
    its owner can have given it, and no second signature can be made of it.
    """
    taken = [
        number
        for number, (message, key, signature) in enumerate(VECTORS)
        if verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))
    ]
    assert len(VECTORS) == 12
    assert taken == [3]


def bytes_of(context: str, key: bytes, fill: bytes) -> bytes:
    """Return what is signed in a context, everything else as alike as can be."""
    if context in HANDSHAKE_CONTEXTS:
        return handshake_bytes(context, "main", key, fill, fill)
    if context in SESSION_CONTEXTS:
        return session_bytes("main", key, key, fill)
    return signed_bytes(context, "main", key, 32, 32, 32, fill)


def test_no_signature_serves_in_another_context() -> None:
    key = SigningKey(new_seed())
    for fill in (b"", key.public_key, b'{"nodeId":"x"}'):
        for one in CONTEXTS:
            signature = key.sign(bytes_of(one, key.public_key, fill))
            for other in CONTEXTS:
                serves = verify(key.public_key, bytes_of(other, key.public_key, fill), signature)
                assert serves == (one == other), (one, other)
