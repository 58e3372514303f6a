"""Sessions and requests whose bytes were changed: none is taken, and nothing else is raised."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgenode.core.errors import DecodeError
from edgenode.core.pae import session_bytes
from edgenode.core.peersessions import TOKEN_BYTES, PeerSessions, SessionRefused
from edgenode.core.request import (
    RequestRefused,
    encode_request,
    open_request,
    read_signed,
    sign_request,
)
from edgenode.core.strictjson import decode, encode
from edgenode.crypto import SigningKey, digest16, verify

RUNS = 10_000
NETWORK = "main"
KEY = SigningKey(bytes(range(32)))
NODE_ID = KEY.public_key.hex()
OWN = SigningKey(bytes(range(32, 64))).public_key.hex()
TOKEN = bytes(range(TOKEN_BYTES))
PATH = "/sync/request"
REQUEST = encode(
    sign_request(
        NETWORK,
        KEY.public_key,
        (1, 1),
        1,
        encode_request(OWN, "POST", PATH, digest16(TOKEN), {"blockIds": []}),
        KEY.sign,
    ).to_data()
)
MEANING: Any = json.loads(REQUEST)


def take(data: bytes) -> "dict[str, Any]":
    """Take a request as the peer port does; raises EdgenodeError alone."""
    return open_request(
        read_signed(decode(data, max_bytes=256 * 1024), "body"),  # type: ignore[arg-type]
        node_id=NODE_ID,
        network=NETWORK,
        audience=OWN,
        method="POST",
        path=PATH,
        token_hash=digest16(TOKEN),
        verify_fn=verify,
    )


def sessions() -> PeerSessions:
    return PeerSessions(
        own_id=OWN,
        network=NETWORK,
        mac=lambda data: digest16(b"secret" + data),
        hash16=digest16,
        verify_fn=verify,
    )


def same_meaning(data: bytes) -> bool:
    """Tell whether all that is signed is there still: white space, or a field nobody knows."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(value.get(name) == MEANING[name] for name in MEANING)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change, remove, insert, repeat or exchange some bytes of `data`."""
    one, other = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    how = chance.randrange(5)
    if how == 0 and one < len(data):
        return data[:one] + bytes([data[one] ^ chance.randrange(1, 256)]) + data[one + 1 :]
    if how == 1:
        return data[:one] + data[other:]
    if how == 2:
        return data[:one] + chance.randbytes(chance.randrange(1, 8)) + data[one:]
    if how == 3:
        return data[:other] + data[one:]
    return data[:one] + data[one:other].swapcase() + data[other:]


def try_request(data: bytes) -> None:
    """Take what may be a request: only one that means the same is taken."""
    try:
        take(data)
    except (DecodeError, RequestRefused):
        return
    assert same_meaning(data), data


def try_session(chance: random.Random) -> None:
    """Open a session with a challenge, a signature and a token of which some are changed."""
    table = sessions()
    challenge = table.challenge(NODE_ID, 0)
    signature = KEY.sign(session_bytes(NETWORK, KEY.public_key, bytes.fromhex(OWN), challenge))
    given_challenge = mutated(challenge, chance) if chance.random() < 0.5 else challenge
    given_signature = mutated(signature, chance) if chance.random() < 0.5 else signature
    good = (given_challenge, given_signature) == (challenge, signature)
    try:
        table.begin(NODE_ID, given_challenge, given_signature, TOKEN, b"", 1)
    except SessionRefused:
        assert not good
        return
    assert good
    token = mutated(TOKEN, chance)
    assert (table.find(token, 1) is not None) == (token == TOKEN)


def test_the_request_as_it_is() -> None:
    assert take(REQUEST) == {"blockIds": []}


def test_changed_requests_are_not_taken() -> None:
    chance = random.Random(1)
    for _ in range(RUNS):
        try_request(mutated(REQUEST, chance))


def test_changed_sessions_are_not_taken() -> None:
    chance = random.Random(2)
    for _ in range(RUNS):
        try_session(chance)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    try_request(data)


def test_replays() -> None:
    table = sessions()
    challenge = table.challenge(NODE_ID, 0)
    signature = KEY.sign(session_bytes(NETWORK, KEY.public_key, bytes.fromhex(OWN), challenge))
    session = table.begin(NODE_ID, challenge, signature, TOKEN, b"", 0)
    taken = sum(session.window.take(1, 1) for _ in range(100_000))
    assert taken == 1
    again = 0
    for _ in range(1000):
        try:
            table.begin(NODE_ID, challenge, signature, TOKEN, b"", 0)
        except SessionRefused:
            again += 1
    assert again == 1000
