"""How far this node is behind what other origins say of themselves."""

from typing import NamedTuple

from edgenode.daemon.records.replicas import Replicas


class Lag(NamedTuple):
    """Counts over the origins carried, but for this node itself."""

    origins: int
    behind: int
    """Those whose newest head does not fit what is here."""
    missing: int
    """Batches that their heads count and that are not here."""


def sync_lag(replicas: Replicas, own_id: str) -> Lag:
    """Compare every origin's newest head with what is carried of it."""
    origins = behind = missing = 0
    for origin in replicas.ids():
        replica = replicas.get(origin)
        if origin == own_id or replica is None:
            continue
        origins += 1
        head = replica.head
        if head is not None and head.root != replica.trie.root():
            behind += 1
            missing += max(0, head.count - len(replica.trie))
    return Lag(origins, behind, missing)
