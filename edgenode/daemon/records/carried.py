"""What is carried of one origin, and what comes of batches that are brought."""

from collections.abc import Sequence
from typing import NamedTuple

from edgenode.core.errors import ProtocolError
from edgenode.core.head import Head
from edgenode.core.records import Update
from edgenode.core.signed import Signed
from edgenode.core.trie import Trie
from edgenode.crypto import digest16
from edgenode.store.rows import BatchRow


class Taken(NamedTuple):
    """A batch that was new here, and its updates."""

    row: BatchRow
    updates: list[Update]


class Judged(NamedTuple):
    """What came of batches that a peer brought."""

    taken: list[Taken]
    digests: list[bytes]
    """Of all that need not come again: new, known, not carried or their origin's fault."""
    refusal: ProtocolError | None
    """The first that its origin did not sign; what came after it was not looked at."""


class Replica:
    """One origin as carried here."""

    __slots__ = ("bytes", "head", "head_position", "refreshed_ms", "signed_head", "trie")

    def __init__(self, digests: Sequence[bytes]) -> None:
        self.trie = Trie(digest16, digests)
        self.bytes = 0  # of its batches
        self.signed_head: Signed | None = None
        self.head: Head | None = None
        self.head_position = (0, 0)
        self.refreshed_ms = 0
