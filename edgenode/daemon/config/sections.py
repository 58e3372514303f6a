"""The settings: one frozen record for each section of the file.

Each setting states its default, its rule and its meaning once; reading, `config show` and the
example file all come from here. Durations are milliseconds unless the text says otherwise.
"""
# ruff: noqa: RUF009 - setting() and section() are dataclass fields, made once and never shared.

from dataclasses import dataclass
from pathlib import Path

from edgenode.daemon.config.records import record_of, required, secret, section, setting
from edgenode.daemon.config.rules import (
    absolute_path,
    bind_address,
    choice,
    dns_name,
    file_or_none,
    hex_key,
    host,
    line,
    list_of,
    member,
    multicast_address,
    secret_text,
    switch,
    whole,
    word,
)

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIB = 1024 * 1024
MAX_BYTES = 2**63 - 1
"""What SQLite and a file offset can hold."""

PORT_OR_ANY = whole(0, 65535)
PORT = whole(1, 65535)
PEER_PORT = 4242

STANDARD = "standard"
LOW_POWER = "low-power"
"""Values of `server.profile`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """`[server]`: the two listeners."""

    http_port: int = setting(
        4280,
        PORT_OR_ANY,
        "Status page, whole REST and events, for this machine and the LAN. 0 takes any free port.",
    )
    http_bind: str = setting(
        "",
        bind_address(),
        'Where the HTTP port listens. "" is every interface, IPv4 and IPv6 as far as the machine '
        'has them; "127.0.0.1" keeps it to this machine.',
    )
    ws_port: int = setting(
        PEER_PORT,
        PORT_OR_ANY,
        "Peer port: links between nodes, and what anyone may read. This is the port that a router "
        "maps. 0 takes any free port.",
    )
    ws_bind: str = setting("", bind_address(), "Where the peer port listens; as http_bind.")
    profile: str = setting(
        STANDARD,
        choice(STANDARD, LOW_POWER),
        '"low-power" is for machines with 512 MiB of RAM and for weak home routers: at most 16 '
        "links instead of 48, 10 of them from outside, 16 with neighbours instead of 40, and half "
        "of the threads and caches.",
    )
    upnp: bool = setting(True, switch(), "false turns all port mapping off, whatever [nat] says.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NatConfig:
    """`[nat]`: being reachable from outside, by asking the router for a port."""

    enabled: bool = setting(True, switch(), "Ask the router to map the peer port.")
    methods: tuple[str, ...] = setting(
        ("pcp", "nat-pmp", "upnp"),
        list_of(choice("pcp", "nat-pmp", "upnp")),
        "Protocols to ask with, in this order.",
    )
    protocol: str = setting(
        "TCP", choice("TCP", "UDP"), "Transport to map. Links between nodes need TCP."
    )
    public: int = setting(
        0, PORT_OR_ANY, "External port to ask for. 0 asks for the same number as the peer port."
    )
    port: int = setting(0, PORT_OR_ANY, "Internal port to map. 0 is the peer port (ws_port).")
    private: bool = setting(
        False, switch(), "true keeps the node private: nothing is mapped, no router is asked."
    )
    # RFC 6886 section 3.3 recommends two hours; it also bounds what a dead node leaves behind.
    ttl: int = setting(
        7200,
        whole(0, 2**32 - 1),
        "Lifetime of a mapping in seconds, renewed at half of it. 0 asks for the router's longest.",
    )
    description: str = setting(
        "edgenode", word(64), "Name of the mapping in the router's own list."
    )
    relay: bool = setting(
        True,
        switch(),
        "Pass blocks on between peers that cannot reach each other. false passes nothing on.",
    )
    # An eighth of an uplink of 8 Mbit/s, so that the owner does not notice.
    relay_bandwidth: int = setting(
        128 * 1024,
        whole(4096, 2**30),
        "Bytes a second passed on for all such peers together.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryConfig:
    """`[discovery]`: neighbours on the local network, by mDNS and by announcements of our own."""

    mdns: bool = setting(True, switch(), "Announce this node by mDNS and look for others.")
    multicast: bool = setting(
        True,
        switch(),
        "Send announcements of the node's own to the local network, and listen for others.",
    )
    port: int = setting(4243, PORT, "UDP port of the node's own announcements.")
    # RFC 2365 section 6.1: the local scope, which no router forwards.
    multicast_address: str = setting(
        "239.255.42.42", multicast_address(), "Multicast group of the node's own announcements."
    )
    broadcast_interval: int = setting(
        MINUTE, whole(SECOND, DAY), "Time between the node's own announcements."
    )
    # Three announcements may be lost.
    node_timeout: int = setting(
        200 * SECOND,
        whole(2 * SECOND, 7 * DAY),
        "A neighbour not heard of for this long is forgotten. Longer than broadcast_interval.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapNode:
    """One entry of `bootstrap.nodes`."""

    address: str = required(host(), "Name or IP address.")
    port: int = setting(PEER_PORT, PORT, "Its peer port.")
    # A static peer is also replicated for: that takes the operator's word.
    is_static: bool = setting(
        False,
        switch(),
        "true keeps a link to it always, and treats it as one of your own.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapConfig:
    """`[bootstrap]`: nodes to begin with."""

    nodes: tuple[BootstrapNode, ...] = setting(
        (), list_of(record_of(BootstrapNode)), "Nodes that are dialled at start."
    )
    retry_interval: int = setting(
        5 * SECOND, whole(100, DAY), "Time before an unreachable node is dialled again."
    )
    max_retries: int = setting(
        10,
        whole(0, 10**6),
        "After this many failures in a row a node is dialled seldom, but never given up.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsConfig:
    """`[dns]`: names whose records list nodes."""

    seeds: tuple[str, ...] = setting(
        (), list_of(dns_name()), "DNS names to ask for nodes. [] asks nobody."
    )
    query_interval: int = setting(HOUR, whole(SECOND, 30 * DAY), "Time between queries.")
    timeout: int = setting(5 * SECOND, whole(100, 5 * MINUTE), "A query fails after this long.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    """`[batch]`: updates on their way out are gathered into signed batches."""

    # 100 is also the protocol's own limit: a peer refuses more.
    max_size: int = setting(100, whole(1, 100), "Most updates in one batch.")
    interval: int = setting(SECOND, whole(10, HOUR), "Time between batches.")
    retry_attempts: int = setting(
        5, whole(0, 100), "How often a batch that no peer took is offered again."
    )
    retry_delay: int = setting(2 * SECOND, whole(10, HOUR), "Time before it is offered again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitConfig:
    """`[rate_limit]`: for each address that calls without a token, and for each peer."""

    window: int = setting(MINUTE, whole(100, DAY), "The time over which requests are counted.")
    # A page that polls every second, and as much again for whoever shares its address.
    max_requests: int = setting(
        120,
        whole(1, 10**9),
        "Most requests in one window: what costs more counts more, and large answers by their "
        "size. A linked peer may send 1000 times as much.",
    )
    blacklist_threshold: int = setting(
        3,
        whole(1, 10**6),
        "An address over the limit in this many windows is shut out. Loopback never is.",
    )
    blacklist_duration: int = setting(
        HOUR,
        whole(SECOND, 30 * DAY),
        "How long an address is shut out the first time. Each further time is twice as long, up "
        "to a day. On the local network it is a minute at most.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """`[storage]`: room for blocks. Sizes in bytes."""

    max_bytes: int = setting(
        0, whole(0, MAX_BYTES), "Most that blocks may take. 0 sets no cap but reserve_bytes."
    )
    # Room for the system's own logs and updates, and for the database to grow, on any card.
    reserve_bytes: int = setting(
        256 * MIB, whole(0, MAX_BYTES), "Free space that is always left on the disk."
    )
    max_block_size: int = setting(64 * MIB, whole(1, 2**40), "Largest block that is taken.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """`[node]`: what this node says of itself, to everyone."""

    region: str = setting(
        "", line(64), 'Where it stands, as coarse as you like ("EU", "Bern"). "" says nothing.'
    )
    capabilities: tuple[str, ...] = setting(
        (), list_of(word(64)), "Words of your own, announced beside the built-in ones."
    )


FLEET = "fleet"
"""In `network.members`: whoever shows a membership that one of `fleet.operators` has signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """`[network]`: which network, and who belongs to it."""

    id: str = setting(
        "brightchain", word(64), "Name of the network: nodes link only within the same one."
    )
    secret: str = secret(
        secret_text(),
        "Closes the network to all who do not know it: the same in each of its nodes. Keep it out "
        'of files that others can read: secret_file, or a credential of the service. "" leaves the '
        "network open.",
    )
    secret_file: str = setting(
        "",
        file_or_none(),
        "File that holds the secret, and nothing else; instead of secret.",
    )
    members: tuple[str, ...] = setting(
        (),
        list_of(member(FLEET)),
        'Closes the network to all but these nodes; "fleet" is every node with a membership signed '
        "by one of [fleet] operators. [] leaves it open.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """`[fleet]`: whose word counts for many nodes."""

    operators: tuple[str, ...] = setting(
        (),
        list_of(hex_key()),
        "Public keys that sign memberships: see 'edgenode membership --help'. A node keeps its own "
        "in DATA_DIR/membership.json.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings; every part is given its own section or single values, never the whole."""

    network: NetworkConfig = section(
        NetworkConfig,
        'Which network, and who belongs to it. network = "NAME", above the first section, is short '
        "for id alone.",
        short="id",
    )
    fleet: FleetConfig = section(FleetConfig, "Whose word counts for many nodes.")
    data_dir: Path = setting(
        Path("/var/lib/edgenode"), absolute_path(), "Folder of the key, the state and the blocks."
    )
    server: ServerConfig = section(ServerConfig, "The two listeners.")
    nat: NatConfig = section(NatConfig, "Being reachable from outside: asking the router.")
    discovery: DiscoveryConfig = section(DiscoveryConfig, "Neighbours on the local network.")
    bootstrap: BootstrapConfig = section(BootstrapConfig, "Nodes to begin with.")
    dns: DnsConfig = section(DnsConfig, "DNS names that list nodes.")
    batch: BatchConfig = section(BatchConfig, "Updates on their way out, in signed batches.")
    rate_limit: RateLimitConfig = section(
        RateLimitConfig, "For each address that calls without a token, and for each peer."
    )
    storage: StorageConfig = section(StorageConfig, "Room for blocks.")
    node: NodeConfig = section(NodeConfig, "What this node says of itself, to everyone.")
