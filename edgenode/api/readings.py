"""What is read of the node's parts for `GET /metrics`, beside NodeInfo and NodeMetrics."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgenode.api.exposition import Buckets


class OpenPort(NamedTuple):
    """A port that a gateway passes on."""

    family: str
    """`ipv4` or `ipv6`."""
    method: str
    gateway: str
    age_s: float
    """Since it was opened; renewing it does not change that."""


class Readings(NamedTuple):
    """What NodeMetrics does not say. None: not known here, and left out."""

    mapping_wanted: bool
    ports: Sequence[OpenPort]
    ports_lost: int
    failures: Mapping[tuple[str, str], int]
    """(method, reason) → gateways where it fails now."""
    links_dialled: int
    links_accepted: int
    dials: Mapping[str, int]
    """`success` or `failed` → links that were dialled since the start."""
    addresses: Mapping[str, int]
    """`new` or `tried` → addresses of nodes that are known."""
    link_queue_bytes: int
    viewers: int
    block_bytes: int
    block_bytes_max: int
    """0: no bound."""
    blocks_damaged: int
    """Since the start."""
    blocks_wanted: int
    disk_free_bytes: int | None
    disk_reserve_bytes: int
    fetches: int
    outbox_updates: int
    database_waiting: int
    origins: int
    origins_behind: int
    batches_missing: int
    loop_lag: Buckets
    warnings: Mapping[str, int]
    """Event → how often since the start."""
    rate_limited: Mapping[str, int]
    """Limit → requests that were refused for it since the start."""
    shut_out: Mapping[str, int]
    """`node` or `operator` → addresses that are shut out now."""
    turned_away: int
    """Who came since the start though it was shut out."""
    clock_trusted: bool | None
    resident_bytes: int | None
    anonymous_bytes: int | None
    written_bytes: int | None
    """Handed to the disks by this process since its start."""
    cpu_s: float
    started_s: float
    """Seconds since 1970."""
    open_files: int | None
