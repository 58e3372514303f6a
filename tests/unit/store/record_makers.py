"""Ids, updates and signed batches for the tests; nothing here is really signed."""

import hashlib
from collections.abc import Sequence

from edgenode.core.batch import encode_batch
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, Update
from edgenode.store.records import BatchRow, Records

Batch = tuple[BatchRow, Sequence[Update]]

TIMESTAMP = 1_700_000_000_000


def block(number: int) -> str:
    return hashlib.sha3_512(f"block {number}".encode()).hexdigest()


def node(number: int) -> str:
    return hashlib.sha256(f"node {number}".encode()).hexdigest()


def heat(number: int, temperature: str | None) -> Update:
    return Update(TEMPERATURE, block(number), {"class": temperature} if temperature else None)


def place(number: int, size: int | None) -> Update:
    return Update(LOCATION, block(number), None if size is None else {"size": size})


def meta(number: int, **user: str) -> Update:
    return Update(METADATA, block(number), {"user": user})


def batch(origin: int, epoch: int, seq: int, *updates: Update, batch_id: str = "b") -> Batch:
    payload = encode_batch(batch_id, TIMESTAMP + seq, updates)
    signature = hashlib.sha512(f"{origin} {epoch} {seq} {payload}".encode()).digest()
    digest = hashlib.sha256(signature).digest()[:16]
    return BatchRow(node(origin), epoch, seq, digest, TIMESTAMP + seq, payload, signature), updates


def by_digest(*batches: Batch) -> list[Batch]:
    return sorted(batches, key=lambda made: made[0].digest)


async def temperature(records: Records, number: int, origin: int = 1) -> object:
    row = await records.own_record(block(number), TEMPERATURE, node(origin))
    return row and row.data and row.data["class"]
