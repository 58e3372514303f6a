"""Challenges and sessions of peers, with signatures that are no more than hashes."""

from edgenode.core.pae import session_bytes
from edgenode.core.peersessions import (
    CHALLENGE_MS,
    MAX_SESSIONS,
    SESSION_MS,
    PeerSession,
    PeerSessions,
    SessionRefused,
)
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import fake_signature, hash16, verify

OWN = "ee" * 32
NETWORK = "main"
HOME = b"\x0a\x00\x00"


def node(number: int) -> str:
    return number.to_bytes(32, "big").hex()


def token(number: int) -> bytes:
    return number.to_bytes(32, "big")


def sessions(secret: bytes = b"secret") -> PeerSessions:
    return PeerSessions(
        own_id=OWN,
        network=NETWORK,
        mac=lambda data: hash16(secret + data),
        hash16=hash16,
        verify_fn=verify,
    )


def sign(node_id: str, challenge: bytes, audience: str = OWN, network: str = NETWORK) -> bytes:
    key = bytes.fromhex(node_id)
    return fake_signature(key, session_bytes(network, key, bytes.fromhex(audience), challenge))


def begin(
    table: PeerSessions,
    node_id: str,
    now_ms: int,
    *,
    challenge: "bytes | None" = None,
    number: int = 0,
    prefix: bytes = HOME,
) -> PeerSession:
    if challenge is None:
        challenge = table.challenge(node_id, now_ms)
    signature = sign(node_id, challenge)
    return table.begin(node_id, challenge, signature, token(number), prefix, now_ms)


def refused(table: PeerSessions, node_id: str, challenge: bytes, now_ms: int) -> str:
    signature = sign(node_id, challenge)
    error = raises(
        SessionRefused, table.begin, node_id, challenge, signature, token(9), HOME, now_ms
    )
    return error.code


def test_a_session() -> None:
    table = sessions()
    assert table.find(token(1), 0) is None
    session = begin(table, node(1), 1000, number=1)
    assert table.find(token(1), 1000) is session
    assert session.node_id == node(1)
    assert session.token_hash == hash16(token(1))
    assert table.find(token(1), 999 + SESSION_MS) is session
    assert table.find(token(1), 1000 + SESSION_MS) is None
    assert len(table) == 0


def test_a_challenge_serves_once_and_within_its_time() -> None:
    table = sessions()
    first = table.challenge(node(1), 0)
    second = table.challenge(node(1), 0)
    third = table.challenge(node(1), 1)
    assert len({first, second, third}) == 3
    begin(table, node(1), CHALLENGE_MS, challenge=second)
    assert refused(table, node(1), second, CHALLENGE_MS) == "challenge-refused"
    # An older one than that of the session is dead too: it need not be remembered.
    assert refused(table, node(1), first, CHALLENGE_MS) == "challenge-refused"
    assert refused(table, node(1), third, CHALLENGE_MS + 2) == "challenge-refused"
    begin(table, node(1), CHALLENGE_MS + 1, challenge=third)


def test_a_challenge_is_of_this_node_for_one_node() -> None:
    table = sessions()
    challenge = table.challenge(node(1), 0)
    assert refused(table, node(2), challenge, 0) == "challenge-refused"
    assert refused(sessions(b"another"), node(1), challenge, 0) == "challenge-refused"
    assert refused(table, node(1), b"", 0) == "challenge-refused"
    assert refused(table, node(1), challenge + b"\0", 0) == "challenge-refused"
    for place in range(len(challenge)):
        changed = challenge[:place] + bytes([challenge[place] ^ 1]) + challenge[place + 1 :]
        assert refused(table, node(1), changed, 0) == "challenge-refused", place
    begin(table, node(1), 0, challenge=challenge)


def test_what_is_signed() -> None:
    table = sessions()
    challenge = table.challenge(node(1), 0)
    wrong = (
        sign(node(1), challenge, audience=node(1)),
        sign(node(1), challenge, network="other"),
        sign(node(2), challenge),
        bytes(64),
    )
    for signature in wrong:
        error = raises(
            SessionRefused, table.begin, node(1), challenge, signature, token(1), HOME, 0
        )
        assert error.code == "bad-signature"
    begin(table, node(1), 0, challenge=challenge)  # a wrong signature does not use it up


def test_one_session_a_node() -> None:
    table = sessions()
    begin(table, node(1), 0, number=1)
    begin(table, node(1), 0, number=2)
    assert table.find(token(1), 0) is None
    assert table.find(token(2), 0) is not None
    assert len(table) == 1
    table.end(node(1))
    table.end(node(1))
    assert table.find(token(2), 0) is None


def test_a_flood_of_challenges_takes_nothing() -> None:
    table = sessions()
    honest = table.challenge(node(1), 0)
    for number in range(2000):
        table.challenge(node(number), 1)
    begin(table, node(1), 2, challenge=honest)
    assert len(table) == 1


def test_a_crowd_displaces_itself() -> None:
    table = sessions()
    begin(table, node(10**6), 0, number=10**6, prefix=b"\xc0\x00\x02")
    begin(table, node(10**6 + 1), 0, number=10**6 + 1, prefix=b"\xc0\x00\x03")
    first = table.challenge(node(0), 5)
    begin(table, node(0), 5, number=0, challenge=first)
    for number in range(1, MAX_SESSIONS + 50):
        begin(table, node(number), 5, number=number)
        assert len(table) <= MAX_SESSIONS
    for number in (10**6, 10**6 + 1, MAX_SESSIONS + 49):
        assert table.find(token(number), 5) is not None, number
    # The oldest of the crowd went, and their challenges serve nobody again.
    assert table.find(token(0), 5) is None
    assert refused(table, node(0), first, 5) == "challenge-refused"
    begin(table, node(0), 5, number=0)


def test_those_that_have_ended_go_first() -> None:
    table = sessions()
    for number in range(MAX_SESSIONS):
        begin(table, node(number), 0, number=number)
    begin(table, node(999), SESSION_MS, number=999)
    assert len(table) == 1
