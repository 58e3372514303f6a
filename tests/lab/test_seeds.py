"""DNS seeds, served by Debian's dnsmasq."""

import asyncio
import json
import sys
from collections import Counter

import pytest

from tests.lab.support.dnsmasq import Dnsmasq
from tests.lab.support.host import Host
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.network import ROUTER_LINK_LOCAL
from tests.lab.support.node import PEER_PORT, LabNodes
from tests.lab.support.rules import Rule

SEED, SILENT, LYING, CROWDED, PRIVATE = (
    "nodes.example.net",
    "silent.example.net",
    "lying.example.net",
    "crowded.example.net",
    "nodes.internal",
)
SRV_PORT = 14242
THOUSAND = [f"99.1.{number >> 8}.{number & 255}" for number in range(1000)]
LIES = ["127.0.0.1", "192.168.1.1", "192.168.1.2", "169.254.1.1", "224.0.0.251", "0.0.0.0"]
LIES6 = ["::1", "fe80::1", "ff02::1"]
LINKED_S = 5.0
MAX_DIALS = 60
"""SYNs, repeated ones too, until the silent seed is given up."""


def _sighted(
    host: Host, server: Dnsmasq, *names: str, seconds: float
) -> list[tuple[str, str, int]]:
    """Ask from a host, for so long; a question has half of that."""
    said = host.namespace.run(
        *server.within,
        *(sys.executable, "-m", "tests.lab.support.sighted"),
        *(str(seconds / 2), str(seconds), *names),
    )
    return [(seed, host, port) for seed, host, port in map(json.loads, said.splitlines())]


@pytest.mark.parametrize("server_address", ["192.168.1.1", f"{ROUTER_LINK_LOCAL}%eth0"])
def test_what_a_seed_names_is_found(lab: Lab, server_address: str) -> None:
    """The router of a home is its resolver; where there is IPv6, at a link-local address."""
    home = lab.home("asking", None)
    with Dnsmasq(
        home.router.namespace,
        lab.folder / "dns",
        servers=[server_address],
        addresses={
            SEED: ["20.1.0.1", "2a99:1::1"],
            "one.example.net": ["20.2.0.1"],
            "two.example.net": ["20.3.0.1", "2a99:3::1"],
            PRIVATE: ["192.168.7.7", "127.0.0.1"],
        },
        services=[
            f"_edgenode._tcp.{SEED},two.example.net,5002,1,0",
            f"_edgenode._tcp.{SEED},one.example.net,5001,0,0",
        ],
    ) as server:
        found = _sighted(home.host, server, SEED, PRIVATE, seconds=1.0)
    assert Counter(found) == Counter(
        [
            (SEED, "20.1.0.1", PEER_PORT),
            (SEED, "2a99:1::1", PEER_PORT),
            (SEED, "20.2.0.1", 5001),
            (SEED, "20.3.0.1", 5002),
            (SEED, "2a99:3::1", 5002),
            (PRIVATE, "192.168.7.7", PEER_PORT),
        ]
    )
    assert [port for _, _, port in found if port > PEER_PORT] == [5001, 5002, 5002]


def test_seeds_that_harm_nobody(lab: Lab) -> None:
    """One is silent, one lies, one has a thousand addresses and comes by TCP, one is not there."""
    dns = lab.host("dns")
    with (
        Dnsmasq(
            dns.namespace,
            lab.folder / "dns",
            servers=[dns.address, dns.address6],
            addresses={SEED: ["20.1.0.1"], LYING: LIES + LIES6, CROWDED: [*THOUSAND, "88.8.8.8"]},
            silent=[SILENT],
        ) as server,
        Rule(dns.namespace, "tcp dport 53") as by_tcp,
    ):
        names = (SILENT, LYING, CROWDED, "absent.example.net", SEED)
        found = _sighted(lab.host("asking"), server, *names, seconds=2.0)
        assert by_tcp.packets
    assert (SEED, "20.1.0.1", PEER_PORT) in found
    assert (CROWDED, "88.8.8.8", PEER_PORT) in found
    assert Counter(seed for seed, _, _ in found) == {SEED: 1, CROWDED: 16}


@pytest.mark.ci
async def test_a_new_node_links_with_nodes_on_three_lans(lab: Lab, nodes: LabNodes) -> None:
    """By A, AAAA and SRV records, beside seeds that are silent, lie, or crowd."""
    by_a = lab.home("a", Offers(), ipv6=False)
    by_aaaa = lab.home("b", None, ipv6_open=True)
    by_srv = lab.home("c", Offers(), ipv6=False)
    listed = [
        await nodes.start("a", by_a.host),
        await nodes.start("b", by_aaaa.host),
        await nodes.start("c", by_srv.host, more_config=f"[nat]\npublic = {SRV_PORT}"),
    ]
    await asyncio.gather(*(node.has_verdict("mapped") for node in (listed[0], listed[2])))
    dns = lab.host("dns")
    with Dnsmasq(
        dns.namespace,
        lab.folder / "dns",
        servers=[dns.address, dns.address6],
        addresses={
            SEED: [by_a.router.wan.address, by_aaaa.host.address6],
            "c.example.net": [by_srv.router.wan.address],
            LYING: LIES + LIES6,
            CROWDED: THOUSAND,
        },
        services=[
            f"_edgenode._tcp.{SEED},c.example.net,{SRV_PORT},0,1",
            f"_edgenode._tcp.{LYING},localhost,{SRV_PORT},0,0",
        ],
        silent=[SILENT],
    ) as server:
        names = ", ".join(f'"{name}"' for name in (SILENT, LYING, CROWDED, SEED))
        home = lab.home("new", None, ipv6=True)
        dials = Rule(home.host.namespace, "tcp flags & (syn|ack) == syn", hook="postrouting")
        inward = Rule(
            home.host.namespace,
            f"tcp dport {{ {PEER_PORT}, {SRV_PORT} }} tcp flags & (syn|ack) == syn "
            "ip daddr { 127.0.0.0/8, 192.168.0.0/16, 169.254.0.0/16 }",
            hook="postrouting",
        )
        new = await nodes.start(
            "new", home.host, more_config=f"[dns]\nseeds = [{names}]", within=server.within
        )
        await asyncio.gather(*(new.linked_with(node, timeout_s=LINKED_S) for node in listed))
        await new.logged(f"the DNS seed {SILENT} gives no nodes")
        await new.logged(f"the DNS seed {LYING} gives no nodes")
        held = await listed[1].rest.post(b"from behind the firewall")
        assert (await new.rest.get(held)).body == b"from behind the firewall"
        assert dials.packets <= MAX_DIALS
        assert not inward.packets


@pytest.mark.ci
async def test_seeds_are_asked_when_the_network_comes(lab: Lab, nodes: LabNodes) -> None:
    dns, host = lab.host("dns"), lab.host("new")
    listed = await nodes.start("listed", lab.host("listed"))
    with Dnsmasq(
        dns.namespace,
        lab.folder / "dns",
        servers=[dns.address, dns.address6],
        addresses={SEED: [listed.host.address]},
    ) as server:
        host.cut()
        new = await nodes.start(
            "new", host, more_config=f'[dns]\nseeds = ["{SEED}"]', within=server.within
        )
        await new.logged(f"the DNS seed {SEED} gives no nodes: .*Network is unreachable")
        host.mend()
        await new.linked_with(listed, timeout_s=LINKED_S)
        assert not [line for line in new.lines if "gives no nodes" in line][1:]
