"""What `[server] profile` stands for: bounds on links, threads and memory."""

from typing import NamedTuple

from edgenode.daemon.config.sections import LOW_POWER, STANDARD
from edgenode.daemon.datadir import DATABASE_CACHE_KIB
from edgenode.link.table import MAX_INBOUND, MAX_LINKS, MAX_NEAR


class Profile(NamedTuple):
    """Bounds that go together."""

    max_links: int
    max_inbound: int
    max_near: int
    outbound_target: int
    max_threads: int
    """For disk, hashing and name look-ups."""
    database_cache_kib: int


PROFILES = {
    # A card serves one request at a time; four threads keep a long hash from holding up short
    # reads, and each costs about 100 kB once it was used.
    STANDARD: Profile(MAX_LINKS, MAX_INBOUND, MAX_NEAR, 16, 4, DATABASE_CACHE_KIB),
    # 512 MiB of RAM that others need too, a home router that collapses under connections: links
    # for the 8 peers that updates go to, and as many again that come and go.
    LOW_POWER: Profile(16, 10, 16, 6, 2, 512),
}
