"""Neighbours on one network, found by mDNS and by announcements, through changes and floods."""

import asyncio
import socket
from contextlib import AsyncExitStack

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support import fakes
from tests.lab.support.lab import Lab
from tests.lab.support.neighbour import GROUP, GROUP_PORT, NETWORK, PEER_PORT, Neighbour

MIB = 1024 * 1024
FLOOD = 100_000


async def test_both_ways_find_a_newcomer_and_are_found(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = lab.host("a", router), lab.host("b", router)
    async with Neighbour(hosts[0].namespace, "a") as first:
        async with Neighbour(hosts[1].namespace, "b") as second:
            for how in ("mdns", "lan"):
                seen = await first.sees(second.node_id, how, host=hosts[1].address)
                assert seen[2] == PEER_PORT
                assert seen[4] == hosts[1].address or seen[4].startswith("fe80::")
                await second.sees(first.node_id, how, host=hosts[0].address)
            await first.sees_link_local(second.node_id, "mdns")
        # Its goodbye; the announcement would be remembered for minutes.
        await first.loses(second.node_id, 2)
        assert not any(first.node_id in line.get("seen", ()) for line in first.lines), "itself"
    assert second.closed_ms <= 150
    assert not first.said
    assert not second.said


async def test_an_interface_that_goes_and_comes_is_followed(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = lab.host("a", router), lab.host("b", router)
    hosts[0].cut()
    async with (
        Neighbour(hosts[0].namespace, "a") as first,
        Neighbour(hosts[1].namespace, "b") as second,
    ):
        await second.kept()  # it runs
        hosts[0].mend()
        for how in ("mdns", "lan"):
            await first.sees(second.node_id, how)
            await second.sees(first.node_id, how)
        hosts[1].cut()
        await asyncio.sleep(1)
        first.forget()
        second.forget()
        hosts[1].mend()
        await first.sees(second.node_id, "lan", 5)
        await second.sees(first.node_id, "lan", 5)
        await second.sees(first.node_id, "mdns", 8)
        assert not first.said
        assert not second.said


async def test_a_port_held_by_another_is_said_once_and_had_later(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = lab.host("a", router), lab.host("b", router)
    with hosts[0].namespace.inside():
        held = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
    for sock, port in zip(held, (5353, GROUP_PORT), strict=True):
        sock.bind(("::", port))
    async with (
        Neighbour(hosts[0].namespace, "a") as first,
        Neighbour(hosts[1].namespace, "b") as second,
    ):
        await first.logs("no neighbours by mDNS: UDP port 5353: Address already in use")
        await first.logs("no announcements on the local network")
        hosts[0].namespace.ip("addr add 192.168.1.77/24 dev eth0")
        await first.kept()
        for sock in held:
            sock.close()
        await asyncio.sleep(2)
        hosts[0].namespace.ip("addr del 192.168.1.77/24 dev eth0")
        for how in ("mdns", "lan"):
            await first.sees(second.node_id, how)
        assert len(first.said) == 2, first.said


@pytest.mark.ci
async def test_a_flood_of_fake_services_costs_nothing_for_good(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = [lab.host(name, router) for name in ("a", "b", "evil")]
    evil = hosts[2].namespace
    addresses = [f"192.168.1.{number}" for number in range(100, 120)]
    evil.ip(*(f"addr add {address}/24 dev eth0" for address in addresses))
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Neighbour(hosts[0].namespace, "a", "mdns"))
        await first.kept()
        sockets = [stack.enter_context(each) for each in fakes.senders(evil, addresses)]

        async def flood(begin: int, end: int) -> None:
            for number in range(begin, end):
                sock = sockets[number % len(sockets)]
                address = socket.inet_aton(addresses[number % len(addresses)])
                sock.sendto(fakes.announcement(number, NETWORK, address), fakes.MDNS)
                if number % 10 == 0:
                    sock.sendto(fakes.pointer(number), fakes.MDNS)
                    sock.sendto(fakes.malformed(number), fakes.MDNS)
                if number % 100 == 0:
                    await asyncio.sleep(0.01)

        await flood(0, 5_000)
        kept, _, before = await first.kept()
        assert kept == 256
        await flood(5_000, FLOOD)
        kept, _, after = await first.kept()
        assert kept == 256
        assert after - before <= MIB // 2
        # A neighbour that comes now has room: it is alone at its address.
        second = await stack.enter_async_context(Neighbour(hosts[1].namespace, "b", "mdns"))
        await first.sees(second.node_id, "mdns")
        assert not first.said


@pytest.mark.ci
async def test_a_flood_of_announcements_costs_nothing_for_good(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = [lab.host(name, router) for name in ("a", "b", "evil")]
    evil = hosts[2].namespace
    addresses = [f"192.168.1.{number}" for number in range(100, 120)]
    evil.ip(*(f"addr add {address}/24 dev eth0" for address in addresses))
    good = [fakes.advertisement(number, NETWORK) for number in range(2_000)]
    forged = [datagram.replace(b"4242", b"4243") for datagram in good]
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Neighbour(hosts[0].namespace, "a", "lan"))
        await first.kept()
        sockets = [stack.enter_context(each) for each in fakes.senders(evil, addresses)]

        async def flood(datagrams: list[bytes], times: int) -> None:
            for number in range(times):
                datagram = datagrams[number % len(datagrams)]
                sockets[number % len(sockets)].sendto(datagram, (GROUP, GROUP_PORT))
                if number % 100 == 0:
                    await asyncio.sleep(0.01)

        async def full() -> bool:
            await flood(good, 1_000)
            return (await first.kept())[1] == 256

        await eventually(full, "the table is full", timeout_s=30)
        _, _, before = await first.kept()
        await flood(forged + good, FLOOD // 2)
        _, kept, after = await first.kept()
        assert kept == 256
        assert after - before <= MIB // 2
        second = await stack.enter_async_context(Neighbour(hosts[1].namespace, "b", "lan"))
        await first.sees(second.node_id, "lan")
        assert not first.said


@pytest.mark.ci
async def test_nothing_is_sent_that_nobody_needs(lab: Lab) -> None:
    router = lab.router("router", ipv6=False)
    hosts = lab.host("a", router), lab.host("b", router)
    async with (
        Neighbour(hosts[0].namespace, "a") as first,
        Neighbour(hosts[1].namespace, "b") as second,
    ):
        await first.sees(second.node_id, "mdns")
        await second.sees(first.node_id, "mdns")
        await asyncio.sleep(5)  # the last announcements of the start, questions after 1, 3 and 7 s
        before = _sent(hosts[0].namespace.run("cat", "/proc/net/snmp"))
        await asyncio.sleep(6)
        # A question to each family; no answer, since the one who asks tells what it knows.
        assert _sent(hosts[0].namespace.run("cat", "/proc/net/snmp")) - before <= 2


def _sent(snmp: str) -> int:
    lines = [line.split() for line in snmp.splitlines() if line.startswith("Udp:")]
    return int(dict(zip(*lines, strict=True))["OutDatagrams"])
