"""The table of those whose announcements were heard."""

import pytest
from nacl import bindings

from edgenode.core.advertisement import Advertisement, advertise, encode_datagram
from edgenode.crypto import verify
from edgenode.discover.interfaces import Interface, Subnet
from edgenode.discover.neighbours import (
    DATAGRAMS,
    MAX_NEIGHBOURS,
    VERIFICATIONS_BURST,
    Heard,
    Neighbours,
)
from edgenode.discover.sighting import LAN, Sighting

ETH0 = Interface(
    "eth0",
    2,
    (Subnet(bytes((10, 0, 0, 1)), 8), Subnet(b"\xfe\x80" + bytes(13) + b"\x01", 64)),
)


class Node:
    """Somebody who announces himself."""

    def __init__(self, number: int, network: str = "n") -> None:
        seed = number.to_bytes(32, "big")
        self.public, self._secret = bindings.crypto_sign_seed_keypair(seed)
        self.node_id = self.public.hex()
        self._network = network

    def datagram(self, seq: int = 0, address: str = "", epoch: int = 1, port: int = 4242) -> bytes:
        signed = advertise(
            Advertisement(self.node_id, address, port, ["store"], "0.1.0"),
            self._network,
            epoch,
            seq,
            1_000_000,
            lambda message: bytes(bindings.crypto_sign(message, self._secret)[:64]),
        )
        return encode_datagram(signed)


class Table:
    """Neighbours with a clock, and what they tell and cost."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.seen: list[Sighting] = []
        self.gone: list[str] = []
        self.verified = 0
        self.neighbours = Neighbours(
            network="n",
            node_id=Node(0).node_id,
            node_timeout_s=200,
            verify_fn=self._verify,
            on_seen=self.seen.append,
            on_gone=self.gone.append,
        )

    def _verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        self.verified += 1
        return verify(key, message, signature)

    def take(self, datagram: bytes, sender: str = "10.0.0.7", heard_on: int = 0) -> Heard | None:
        return self.neighbours.take(datagram, sender, heard_on, (ETH0,), self.now_s)


def test_what_is_sighted_is_where_it_comes_from() -> None:
    table, node = Table(), Node(1)
    assert table.take(node.datagram()) == Heard(node.node_id, True)
    assert table.take(node.datagram(1)) == Heard(node.node_id, False)
    assert table.take(node.datagram(1), "fe80::7%eth0", 2) == Heard(node.node_id, False)
    assert table.seen == [
        Sighting(LAN, "10.0.0.7", 4242, node.node_id, "10.0.0.7"),
        Sighting(LAN, "10.0.0.7", 4242, node.node_id, "10.0.0.7"),
        Sighting(LAN, "fe80::7%eth0", 4242, node.node_id, "fe80::7%eth0"),
    ]
    assert table.verified == 2, "the same by another way needs no check"


@pytest.mark.parametrize(("address", "counts"), [("10.0.0.7", True), ("10.0.0.8", False)])
def test_an_address_that_is_claimed_must_be_that(address: str, counts: bool) -> None:
    table = Table()
    assert (table.take(Node(1).datagram(address=address)) is not None) == counts
    assert bool(table.seen) == counts


def test_what_does_not_count() -> None:
    table, node = Table(), Node(1)
    good = node.datagram(5)
    forged = good.replace(b"4242", b"4243")
    assert forged != good
    for datagram in (b"", b"{}", good[:-1], good + bytes(1200), forged, Node(0).datagram()):
        assert table.take(datagram) is None
    assert table.take(Node(1, network="other").datagram()) is None
    for sender in ("8.8.8.8", "127.0.0.1", "nowhere", "fe80::7"):
        assert table.take(good, sender) is None
    assert not table.seen
    assert table.take(good) is not None


def test_the_signature_of_one_datagram_is_no_good_for_another() -> None:
    table, node = Table(), Node(1)
    good = node.datagram()
    assert table.take(good) is not None
    assert table.take(good.replace(b"4242", b"4243")) is None
    assert {each.port for each in table.seen} == {4242}


def test_an_old_one_said_again_does_not_count() -> None:
    table, node = Table(), Node(1)
    old, before = node.datagram(7), node.datagram(99, epoch=1)
    assert table.take(node.datagram(0, epoch=2)) is not None
    assert table.take(old) is None
    assert table.take(before) is None
    assert table.verified == 1


def test_who_is_silent_is_gone() -> None:
    table, node = Table(), Node(1)
    table.take(node.datagram())
    assert table.neighbours.next_expiry_s() == table.now_s + 200
    table.now_s += 199
    table.neighbours.expire(table.now_s)
    assert table.gone == []
    table.now_s += 1
    table.neighbours.expire(table.now_s)
    assert table.gone == [node.node_id]
    assert table.neighbours.next_expiry_s() is None


def test_few_senders_crowd_nobody_out() -> None:
    table, first, newcomer = Table(), Node(1), Node(2)
    table.take(first.datagram(), "10.0.0.7")
    for number in range(1000, 1400):
        table.now_s += 0.1
        table.take(Node(number).datagram(), f"10.8.0.{number % 20 + 1}")
    assert len(table.neighbours) == MAX_NEIGHBOURS
    assert table.take(newcomer.datagram(), "10.0.0.9") == Heard(newcomer.node_id, True)
    assert len(table.neighbours) == MAX_NEIGHBOURS
    assert first.node_id not in table.gone


def test_a_flood_burns_no_time() -> None:
    table = Table()
    flood = [Node(number).datagram() for number in range(1000, 1400)]
    for datagram in flood:
        table.take(datagram, "10.6.6.6")
    assert table.verified == DATAGRAMS["sender_burst"]
    for number, datagram in enumerate(flood):  # from as many addresses
        table.take(datagram, f"10.7.{number // 250}.{number % 250 + 1}")
    assert table.verified <= VERIFICATIONS_BURST
