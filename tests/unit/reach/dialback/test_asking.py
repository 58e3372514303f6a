"""Asking for dial-backs: who is believed."""

import asyncio
from collections.abc import Callable

import pytest

from edgenode.core.reachevents import ASK, BUSY, DECLINED, REACHED, RESULT, UNREACHED, DialBack
from edgenode.reach.asking import ANSWER_TIMEOUT_S, MAX_ASKED, MAX_OPEN, Asker, Peer

OWN = "5.6.7.8"
PORT = 4243


class Network:
    """Peers by their nodeId, each with a way to behave when it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, DialBack]] = []
        self.behaviour: dict[str, Callable[[Peer, bytes], None]] = {}
        self.peers: dict[str, Peer] = {}
        self.failures: list[AssertionError] = []
        self.asker = Asker(self.send)

    def add(self, number: int, behaviour: Callable[[Peer, bytes], None]) -> Peer:
        peer = Peer(f"node {number}", f"20.{number}.0.1")
        self.peers[peer.node_id] = peer
        self.behaviour[peer.node_id] = behaviour
        return peer

    def send(self, node_id: str, step: DialBack) -> bool:
        if node_id not in self.peers:
            return False
        self.asked.append((node_id, step))
        asyncio.get_running_loop().call_soon(self.behave, self.peers[node_id], step.nonce)
        return True

    def behave(self, peer: Peer, nonce: bytes) -> None:
        try:
            self.behaviour[peer.node_id](peer, nonce)
        except AssertionError as error:  # the loop would only log it
            self.failures.append(error)

    def tell(self, peer: Peer, nonce: bytes, result: str, address: str = OWN) -> None:
        self.asker.on_result(peer.node_id, DialBack(RESULT, nonce, result=result, address=address))

    # Ways to behave.

    def honest(self, peer: Peer, nonce: bytes) -> None:
        assert self.asker.arrived(nonce.hex(), peer.address)
        self.tell(peer, nonce, REACHED)

    def shut_out(self, peer: Peer, nonce: bytes) -> None:
        self.tell(peer, nonce, UNREACHED)

    def liar(self, peer: Peer, nonce: bytes) -> None:
        self.tell(peer, nonce, REACHED)

    def silent(self, peer: Peer, nonce: bytes) -> None: ...


@pytest.fixture
async def network() -> Network:
    return Network()


async def ask(network: Network) -> tuple[int, int, str | None]:
    tally = await network.asker.round(list(network.peers.values()), PORT)
    assert network.failures == []
    assert tally.port == PORT
    return tally.confirmed, tally.failed, tally.address


async def test_what_peers_find_is_counted(network: Network) -> None:
    network.add(1, network.honest)
    network.add(2, network.honest)
    network.add(3, network.shut_out)
    assert await ask(network) == (2, 1, OWN)
    assert [step.op for _, step in network.asked] == [ASK] * 3
    assert {step.port for _, step in network.asked} == {PORT}
    nonces = [step.nonce for _, step in network.asked]
    assert len(set(nonces)) == 3
    assert all(len(nonce) == 16 for nonce in nonces)


async def test_an_ok_without_a_knock_is_not_believed(network: Network) -> None:
    network.add(1, network.liar)
    assert await ask(network) == (0, 0, None)
    network.add(2, network.shut_out)
    assert await ask(network) == (0, 1, OWN)


async def test_a_knock_is_believed_whatever_the_peer_says(network: Network) -> None:
    def denies(peer: Peer, nonce: bytes) -> None:
        assert network.asker.arrived(nonce.hex(), peer.address)
        network.tell(peer, nonce, UNREACHED)

    network.add(1, denies)
    assert await ask(network) == (1, 0, OWN)


@pytest.mark.parametrize("source", ["192.168.1.9", "127.0.0.1", "21.1.0.1", OWN, "", "fe80::1%a"])
async def test_a_knock_from_elsewhere_proves_nothing(network: Network, source: str) -> None:
    def hands_on(peer: Peer, nonce: bytes) -> None:
        assert not network.asker.arrived(nonce.hex(), source)
        network.tell(peer, nonce, REACHED)

    network.add(1, hands_on)
    assert await ask(network) == (0, 0, None)


async def test_a_peer_that_has_two_ways_out_has_not_found_us_shut(network: Network) -> None:
    """It was refused by us, since it came from where it was not expected."""

    def other_way(peer: Peer, nonce: bytes) -> None:
        assert not network.asker.arrived(nonce.hex(), "21.1.0.1")
        network.tell(peer, nonce, UNREACHED)

    network.add(1, other_way)
    assert await ask(network) == (0, 0, None)


async def test_a_nonce_counts_once_and_not_after_its_time(network: Network) -> None:
    seen: list[bytes] = []

    def twice(peer: Peer, nonce: bytes) -> None:
        seen.append(nonce)
        assert network.asker.arrived(nonce.hex(), peer.address)
        assert not network.asker.arrived(nonce.hex(), peer.address)
        network.tell(peer, nonce, REACHED)
        network.tell(peer, nonce, UNREACHED)

    peer = network.add(1, twice)
    assert await ask(network) == (1, 0, OWN)
    assert not network.asker.arrived(seen[0].hex(), peer.address)
    network.tell(peer, seen[0], REACHED)


@pytest.mark.parametrize("knocks", [False, True])
async def test_nobody_answers_for_another(network: Network, knocks: bool) -> None:
    victim = network.add(1, network.silent)

    def meddles(peer: Peer, nonce: bytes) -> None:
        victims = next(step.nonce for node_id, step in network.asked if node_id == victim.node_id)
        # With the victim's nonce, from his own network and on his own link.
        assert not (knocks and network.asker.arrived(victims.hex(), peer.address))
        network.tell(peer, victims, UNREACHED)
        network.tell(peer, nonce, BUSY)
        assert len(network.asked) == 2

    network.add(2, meddles)
    assert await ask(network) == (0, 0, None)


@pytest.mark.parametrize("nonce", ["", "zz" * 16, "00" * 16, "00" * 15, "0", "\udc80", "é" * 32])
async def test_a_knock_that_nobody_was_asked_for(network: Network, nonce: str) -> None:
    assert not network.asker.arrived(nonce, "20.1.0.1")


@pytest.mark.parametrize("result", [BUSY, DECLINED, "a later word"])
async def test_whoever_says_nothing_is_replaced_by_another(network: Network, result: str) -> None:
    for number in range(1, 4):
        network.add(number, lambda peer, nonce: network.tell(peer, nonce, result))
    for number in range(4, 7):
        network.add(number, network.honest)
    assert await ask(network) == (3, 0, OWN)


async def test_the_silent_are_replaced_within_bounds(network: Network) -> None:
    for number in range(1, 40):
        network.add(number, network.silent)
    begun = asyncio.get_running_loop().time()
    assert await ask(network) == (0, 0, None)
    assert len(network.asked) == MAX_ASKED
    assert asyncio.get_running_loop().time() - begun < 3 * ANSWER_TIMEOUT_S + 1


async def test_three_suffice_from_different_networks_first(network: Network) -> None:
    for number in range(1, 3):
        network.add(number, network.honest)
    for number in range(3, 30):
        peer = network.add(number, network.honest)
        network.peers[peer.node_id] = peer._replace(address=f"20.99.0.{number}")
    for _ in range(20):
        network.asked.clear()
        assert await ask(network) == (3, 0, OWN)
        assert {"node 1", "node 2"} < {node_id for node_id, _ in network.asked}


async def test_who_sees_us_on_its_own_network_proves_nothing(network: Network) -> None:
    def near(peer: Peer, nonce: bytes) -> None:
        assert network.asker.arrived(nonce.hex(), peer.address)
        network.tell(peer, nonce, REACHED, "20.1.99.99")

    network.add(1, near)
    assert await ask(network) == (0, 0, None)


async def test_a_link_that_is_gone_costs_no_time(network: Network) -> None:
    begun = asyncio.get_running_loop().time()
    tally = await network.asker.round([Peer("gone", "20.1.0.1")], PORT)
    assert tally.reached is None
    assert asyncio.get_running_loop().time() == begun


async def test_what_is_open_is_bounded_and_ends(network: Network) -> None:
    for number in range(1, 10):
        network.add(number, network.silent)
    rounds = [asyncio.create_task(ask(network)) for _ in range(MAX_OPEN)]
    await asyncio.sleep(1)
    assert len(network.asked) == MAX_OPEN
    await asyncio.gather(*rounds)
    assert all(
        not network.asker.arrived(step.nonce.hex(), network.peers[node_id].address)
        for node_id, step in network.asked
    )
