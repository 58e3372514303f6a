"""Showing a peer how high its own numbers are, where the head that it is told does not.

A node whose disk was set back begins with numbers that it has used. It believes what it has signed
itself: its head, or else its highest batch.
"""

from edgenode.core.batch import decode_batch
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.exchange import Exchange
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import stored_head
from edgenode.store.records import Records


async def show_epoch(exchange: Exchange, replicas: Replicas, records: Records) -> None:
    """Tell the peer what proves the highest epoch it is known by; to be told before a round.

    Nothing where the round says it, or nothing is known. Errors as of Database.
    """
    last_head = await records.last_head(exchange.peer)
    if last_head is not None:
        exchange.telling.tell_head(stored_head(last_head))
        return
    row = await records.highest_batch(exchange.peer)
    replica = replicas.get(exchange.peer)
    head = None if replica is None else replica.signed_head
    if row is not None and (head is None or head.epoch < row.epoch):
        taken = Taken(row, decode_batch(row.payload).updates)
        exchange.telling.push(taken, acknowledged=False)
