"""What was said once is not taken again, and nothing that was changed is taken: 10^5 and 10^6."""

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edgenode.core.advertisement import Advertisement, advertise, encode_datagram
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.fields import Fields
from edgenode.core.head import Head
from edgenode.core.pae import session_bytes
from edgenode.core.peersessions import PeerSessions, SessionRefused
from edgenode.core.records import TEMPERATURE, Update
from edgenode.core.request import encode_request, open_request, sign_request
from edgenode.core.signed import Signed, decode_signed
from edgenode.crypto import SigningKey, digest16, network_key, random_bytes, verify
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer, signed_of
from edgenode.discover.interfaces import Interface, Subnet
from edgenode.discover.neighbours import Neighbours
from edgenode.discover.sighting import Sighting
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.fuzz.handshakes import Caller, Listener, caller_takes, identity, recorded

NETWORK = "main"
KEY = SigningKey(bytes(range(32)))
NODE_ID = KEY.public_key.hex()
OWN = SigningKey(bytes(range(32, 64))).public_key.hex()
BLOCK = "cd" * 64
WALL_MS = 1_800_000_000_000
ETH0 = Interface("eth0", 2, (Subnet(bytes((10, 0, 0, 1)), 8),))
SECRETS = [b"", network_key("a secret of a network, long")]

SMOKE, CI_REPLAYS, CI_MUTATIONS = 1_000, 100_000, 100_000
FULL_MUTATIONS = int(os.environ.get("EDGENODE_FUZZ_MUTATIONS", "1_000_000"))
"""A signature costs 110 us to verify: two minutes on one core."""

REPLAYS = [SMOKE, pytest.param(CI_REPLAYS, marks=pytest.mark.ci)]
MUTATIONS = [
    SMOKE,
    pytest.param(CI_MUTATIONS, marks=pytest.mark.ci),
    pytest.param(FULL_MUTATIONS, marks=pytest.mark.full),
]


@asynccontextmanager
async def carrier(folder: Path) -> AsyncIterator[tuple[Replicas, Records]]:
    state = await State.open(folder / "state.db")
    records = Records(state.database)
    replicas = Replicas(records, NETWORK, lambda: WALL_MS)
    await replicas.open()
    yield replicas, records
    await state.close()


def signer() -> Signer:
    return Signer(NETWORK, KEY, 1, lambda: WALL_MS)


def batches(made: Signer, count: int) -> list[Signed]:
    return [
        signed_of(made.batch([Update(TEMPERATURE, BLOCK, {"class": "HOT"})])) for _ in range(count)
    ]


def sessions() -> PeerSessions:
    return PeerSessions(
        own_id=OWN,
        network=NETWORK,
        mac=lambda data: digest16(b"a secret" + data),
        hash16=digest16,
        verify_fn=verify,
    )


def answered(table: PeerSessions) -> tuple[bytes, bytes]:
    """Return a challenge of 0 ms, and the signature that opens a session with it."""
    challenge = table.challenge(NODE_ID, 0)
    message = session_bytes(NETWORK, KEY.public_key, bytes.fromhex(OWN), challenge)
    return challenge, KEY.sign(message)


async def replay_batches(folder: Path, count: int) -> int:
    """Also heads, and after a restart of what judges them."""
    applied = 0
    async with carrier(folder) as (replicas, records):
        made = signer()
        said = batches(made, 16)
        assert len((await replicas.take(said)).taken) == 16
        found = replicas.get(NODE_ID)
        assert found is not None
        bounds = {"batch_epoch": 1, "batch_seq": 16, "floor_epoch": 0, "floor_seq": 0}
        heads = [made.head(Head(root=found.trie.root(), count=16, **bounds)) for _ in range(2)]
        assert await replicas.take_head(heads[0]) and await replicas.take_head(heads[1])
        again = Replicas(records, NETWORK, lambda: WALL_MS)
        await again.open()
        for _ in range(count // 40):
            for judge in (replicas, again):
                applied += len((await judge.take(said)).taken)
                applied += sum([await judge.take_head(head) for head in (*heads, *heads)])
        assert len(await records.digests(NODE_ID)) == 16
    return applied


def replay_handshakes(count: int) -> int:
    """Half to whoever listens, half to whoever calls; and a proof twice in one handshake."""
    applied = 0
    for secret in SECRETS:
        listening, calling = identity(1, secret), identity(2, secret)
        listener, caller = Listener(listening), Caller(calling)
        answer = recorded(listener, caller)
        assert listener.admits(caller.proof, caller.frame)
        for _ in range(count // 4):
            other = Listener(listening)
            other.hear(caller.hello)
            applied += other.admits(caller.proof, caller.frame)
            applied += caller_takes(calling, *answer)
    return applied


def replay_sessions(count: int) -> int:
    """Challenges that have served, and tokens of sessions that are over."""
    applied = 0
    table = sessions()
    used, token = answered(table), bytes(32)
    table.begin(NODE_ID, *used, token, b"net", 0)
    table.begin(NODE_ID, *answered(table), bytes([1]) * 32, b"net", 1)
    for number in range(count // 2):
        try:
            table.begin(NODE_ID, *used, bytes([2]) * 32, b"net", number % 20_000)
            applied += 1
        except SessionRefused:
            pass
        applied += table.find(token, number % 20_000) is not None
    assert table.find(bytes([1]) * 32, 1) is not None
    return applied


def replay_requests(count: int) -> int:
    """The signature is good each time; the numbers are those of before."""
    token_hash = digest16(bytes(32))
    table = sessions()
    session = table.begin(NODE_ID, *answered(table), bytes(32), b"net", 0)
    asked = encode_request(OWN, "POST", "/sync/request", token_hash, {"blockIds": []})
    said = [sign_request(NETWORK, KEY.public_key, (1, seq), 1, asked, KEY.sign) for seq in range(9)]
    applied = 0
    for number in range(count + len(said)):
        signed = said[number % len(said)]
        open_request(
            signed,
            node_id=NODE_ID,
            network=NETWORK,
            audience=OWN,
            method="POST",
            path="/sync/request",
            token_hash=session.token_hash,
            verify_fn=verify,
        )
        applied += session.window.take(signed.epoch, signed.seq)
    return applied - len(said)


def replay_advertisements(count: int) -> int:
    """Those that a newer one has followed, from wherever they come."""
    seen: list[Sighting] = []
    table = Neighbours(
        network=NETWORK,
        node_id=OWN,
        node_timeout_s=10**9,
        verify_fn=verify,
        on_seen=seen.append,
        on_gone=lambda _: None,
    )
    said = [
        encode_datagram(
            advertise(Advertisement(NODE_ID, "", 4242, [], "1"), NETWORK, 1, seq, WALL_MS, KEY.sign)
        )
        for seq in range(9)
    ]
    assert table.take(said[-1], "10.0.0.9", 2, (ETH0,), 0.0) is not None
    for number in range(count):
        table.take(said[number % 8], f"10.0.{number % 250}.9", 2, (ETH0,), number / 4)
    return len(seen) - 1


@pytest.mark.parametrize("count", REPLAYS)
@pytest.mark.timeout(600)
async def test_nothing_is_applied_twice(tmp_path: Path, count: int) -> None:
    tenth = count // 10
    applied = {
        "batches and heads": await replay_batches(tmp_path, 4 * tenth),
        "handshakes": replay_handshakes(tenth),
        "challenges and tokens": replay_sessions(3 * tenth),
        "requests": replay_requests(tenth),
        "advertisements": replay_advertisements(tenth),
    }
    assert set(applied.values()) == {0}, applied


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return other bytes: mostly of the same length, so that more than the length is looked at."""
    how = chance.randrange(8)
    at = chance.randrange(len(data))
    if how == 0:
        other = chance.randrange(len(data))
        found = bytearray(data)
        found[at], found[other] = found[other], found[at]
        return bytes(found) if bytes(found) != data else data[:-1]
    if how == 1:
        return data[:at] if chance.random() < 0.5 else data + chance.randbytes(1)
    if how == 2:
        return data[:at] + chance.randbytes(len(data) - at)
    return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]


def changed_batch(data: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return the message with one field changed, of a form that is decoded."""
    found = dict(data)
    name = chance.choice(
        ("payload", "payload", "signature", "signature", "nodeId", "timestamp", "epoch", "seq")
    )
    if name == "payload":
        found[name] = changed(found[name].encode(), chance).decode("utf-8", "replace")
    elif name in ("signature", "nodeId"):
        old = bytes.fromhex(found[name])
        found[name] = changed(old, chance)[: len(old)].ljust(len(old), b"\0").hex()
    else:
        found[name] += chance.choice((-1, 1, 2**32, 2**52))
    return found


async def mutate_batches(folder: Path, count: int, chance: random.Random) -> tuple[int, int]:
    """Return how many were taken, and how many came as far as the signature."""
    taken = verified = 0
    async with carrier(folder) as (replicas, records):
        original = batches(signer(), 1)[0].to_data()
        for _ in range(count):
            data = changed_batch(original, chance)
            if data == original:
                continue
            try:
                signed = decode_signed(Fields(data, "batch"))
            except DecodeError:
                continue
            judged = await replicas.take([signed])
            taken += len(judged.taken)
            verified += judged.refusal is not None
        assert await records.origins() == []
        assert len((await replicas.take([decode_signed(Fields(original, "batch"))])).taken) == 1
    return taken, verified


def mutate_handshakes(count: int, chance: random.Random) -> int:
    """A changed proof to the listener that waits for it, a changed hello or answer to others."""
    taken = 0
    for secret in SECRETS:
        listening, calling = identity(1, secret), identity(2, secret)
        listener, caller = Listener(listening), Caller(calling)
        hello, proof = recorded(listener, caller)
        for number in range(count // 2):
            if number % 8 == 0:
                other = Listener(listening)
                try:
                    other.hear(changed(caller.hello, chance))
                except (DecodeError, ProtocolError):
                    continue
                taken += other.admits(caller.proof, caller.frame)
            elif number % 8 == 1:
                taken += caller_takes(calling, changed(hello, chance), proof)
            else:
                made = changed(caller.proof, chance)
                taken += made != caller.proof and listener.admits(made, caller.frame)
        assert listener.admits(caller.proof, caller.frame)
    return taken


def mutate_sessions(count: int, chance: random.Random) -> int:
    """A changed challenge, signature, or token."""
    taken = 0
    table = sessions()
    challenge, signature = answered(table)
    live = random_bytes(32)
    table.begin(NODE_ID, *answered(table), live, b"net", 0)
    fresh = sessions()  # where the challenge has not served
    for number in range(count):
        kind = number % 3
        if kind == 0:
            token = changed(live, chance)
            taken += token != live and table.find(token, 1) is not None
            continue
        given = (
            (changed(challenge, chance), signature)
            if kind == 1
            else (challenge, changed(signature, chance))
        )
        if given == (challenge, signature):
            continue
        try:
            fresh.begin(NODE_ID, *given, b"t" * 32, b"net", 1)
            taken += 1
        except SessionRefused:
            pass
    fresh.begin(NODE_ID, challenge, signature, b"t" * 32, b"net", 1)
    return taken


@pytest.mark.parametrize("count", MUTATIONS)
@pytest.mark.timeout(1800)
async def test_nothing_changed_is_taken(tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    third = count // 3
    taken, verified = await mutate_batches(tmp_path, third, chance)
    assert verified > third // 2
    assert (taken, mutate_handshakes(third, chance), mutate_sessions(third, chance)) == (0, 0, 0)
