"""Peers told by peers: nodes in memory, joined by links that hand frames over at once."""

import random
from collections.abc import Iterator
from typing import cast

import pytest

from edgenode.core.addressbook import AddressBook
from edgenode.core.advertisement import Advertisement, advertise, decode_advertisement
from edgenode.core.errors import ProtocolError
from edgenode.core.events import MAX_ADVERTISEMENTS, Announce
from edgenode.core.hello import MIN_FRAME_BYTES
from edgenode.core.inbound import decode_frame
from edgenode.core.pae import signed_bytes
from edgenode.core.signed import Signed
from edgenode.crypto import SigningKey, digest16
from edgenode.daemon.finding.acquainting import (
    MAX_KNOWN,
    MAX_SAMPLE,
    MAX_SAMPLE_BYTES,
    READVERTISE_S,
    RETOLD_TO,
    WHOLE_UP_TO,
    Acquainting,
    _share,
)
from edgenode.daemon.finding.advertising import Advertiser
from edgenode.daemon.finding.tellers import MAX_EXCESS, MAX_TELLERS, S_PER_ADDRESS, Tellers
from edgenode.daemon.outbound import Outbound
from edgenode.discover.sighting import PEER, Sighting
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

NETWORK = "brightchain"
PORT = 4242


class End:
    """One end of a link."""

    def __init__(self, peer: "Node", *, dialled: bool, address: str, port: int) -> None:
        self.node_id = peer.node_id
        self.dialled = dialled
        self.remote_address = address
        self.port = port
        self.has_room = True
        self.sent: list[Announce] = []
        self.other: End | None = None
        self.receiver: Node | None = None

    def post(self, frame: bytes) -> None:
        assert self.receiver is not None
        announce = decode_frame(frame, self.sender_id)
        assert isinstance(announce, Announce)
        self.sent.append(announce)
        told = Announce(
            version="",
            http_port=None,
            ws_port=1,
            capabilities=[],
            region="",
            advertisements=list(announce.advertisements),
        )
        assert self.other is not None
        self.receiver.acquainting.receive(cast("Link", self.other), told)
        assert told.advertisements == []

    @property
    def sender_id(self) -> str:
        assert self.other is not None
        return self.other.node_id


class Links:
    def __init__(self) -> None:
        self.ends: dict[str, End] = {}

    def __iter__(self) -> Iterator[End]:
        return iter(list(self.ends.values()))

    def get(self, node_id: str) -> End | None:
        return self.ends.get(node_id)


class Clock:
    now_ms = 1_000_000


class Node:
    """A node at an address, which is reachable there unless it is told otherwise."""

    def __init__(self, address: str, clock: Clock, *, port: int = PORT) -> None:
        self.key = SigningKey(random.Random(address).randbytes(32))
        self.node_id = self.key.public_key.hex()
        self.address = address
        self.port = port
        self.links = Links()
        self.seen: list[Sighting] = []
        self.places = [f"{address}:{port}"]
        secret = address.encode()
        outbound = Outbound(self.node_id, lambda: 0)
        self.book = AddressBook(
            lambda data: digest16(secret + data), random.Random(address).randrange
        )
        self.advertiser = Advertiser(
            network=NETWORK, key=self.key, epoch=1, announce=announce, wall_ms=lambda: 0
        )
        self.acquainting = Acquainting(
            own_id=self.node_id,
            network=NETWORK,
            links=cast("LinkTable", self.links),
            announcement=lambda _: announce(port),
            encode=outbound.announce,
            addresses=lambda: self.places,
            open_port=lambda _: port,
            advertiser=self.advertiser,
            book=self.book,
            now_s=lambda: clock.now_ms // 1000,
            on_sighting=self.seen.append,
            now_ms=lambda: clock.now_ms,
        )
        self.acquainting.refresh()

    def knows(self) -> set[str]:
        return {entry.host for entry in self.book}

    def says(self, address: str, port: int = PORT) -> Signed:
        return self.advertiser.sign(address, port)


def announce(port: int) -> Announce:
    return Announce(
        version="0.1.0", http_port=None, ws_port=port, capabilities=["blocks"], region=""
    )


def join(dialler: Node, other: Node, *, seen_at: str = "", found_at: str = "") -> tuple[End, End]:
    """Link two nodes; `seen_at` and `found_at`: their addresses where not their own."""
    near = End(other, dialled=True, address=found_at or other.address, port=other.port)
    far = End(dialler, dialled=False, address=seen_at or dialler.address, port=50_000)
    near.other, far.other = far, near
    near.receiver, far.receiver = other, dialler
    dialler.links.ends[other.node_id] = near
    other.links.ends[dialler.node_id] = far
    for node, end in ((dialler, near), (other, far)):
        first = announce(node.port)
        first.advertisements = node.acquainting.on_linked(cast("Link", end))
        end.post(node.acquainting._encode(first))
    return near, far


def part(one: Node, other: Node) -> None:
    for node, peer in ((one, other), (other, one)):
        del node.links.ends[peer.node_id]
        node.acquainting.on_lost(peer.node_id)


def tell(node: Node, teller: Node, *told: Signed) -> None:
    """Have `node` receive what `teller` tells it over their link."""
    end = node.links.ends[teller.node_id]
    said = announce(PORT)
    said.advertisements = list(told)
    node.acquainting.receive(cast("Link", end), said)


def nodes(count: int, clock: Clock) -> list[Node]:
    return [Node(f"{20 + number}.1.1.1", clock) for number in range(count)]


def names(said: Announce, node: Node) -> bool:
    return any(signed.node_id == node.node_id for signed in said.advertisements)


def test_the_fifth_learns_of_the_others_from_the_first() -> None:
    all_nodes = nodes(5, Clock())
    first, *others = all_nodes
    for node in others:
        join(node, first)
    fifth = others[-1]
    assert fifth.knows() == {node.address for node in all_nodes} - {fifth.address}
    told = {sighting.node_id: sighting for sighting in fifth.seen}
    for node in others[:-1]:
        sighting = told[node.node_id]
        assert sighting == Sighting(PEER, node.address, PORT, node.node_id, first.node_id)
    # And of those who were there two are told of the fifth.
    near = [first.links.ends[node.node_id] for node in others[:-1]]
    passed_on = [said for end in near for said in end.sent[1:] if names(said, fifth)]
    assert len(passed_on) == RETOLD_TO
    assert sum(fifth.address in node.knows() for node in others[:-1]) == RETOLD_TO
    # That which it has dialled is proved, the others are told.
    entries = {entry.host: entry.tried for entry in fifth.book}
    assert [host for host, tried in entries.items() if tried] == [first.address]


def test_all_learn_of_all_when_they_go_on_to_link() -> None:
    all_nodes = nodes(12, Clock())
    for node in all_nodes[1:]:
        join(node, all_nodes[0])
    for _ in range(3):
        for node in all_nodes:
            for entry in node.book:
                peer = next(other for other in all_nodes if other.address == entry.host)
                if peer.node_id not in node.links.ends:
                    join(node, peer)
    for node in all_nodes:
        assert len(node.links.ends) == 11


def test_a_node_that_is_not_reachable_says_nothing_and_nobody_tells_of_it() -> None:
    clock = Clock()
    first, second, hidden = nodes(3, clock)
    join(second, first)
    hidden.places = ["192.168.1.7:4242"]
    hidden.acquainting.refresh()
    near, _ = join(hidden, first)
    assert near.sent[0].advertisements == []
    assert hidden.address not in first.knows() | second.knows()


def test_an_address_that_is_not_the_observed_one_is_not_passed_on() -> None:
    clock = Clock()
    first, second, moved = nodes(3, clock)
    join(second, first)
    join(moved, first, seen_at="99.1.1.1")
    # The observed address with the declared port, not the one that the node claims.
    assert first.book.find("99.1.1.1", PORT) is not None
    assert first.book.find(moved.address, PORT) is None
    assert not {"99.1.1.1", moved.address} & second.knows()


def test_nothing_is_passed_on_that_was_only_told() -> None:
    clock = Clock()
    first, second, third, liar = nodes(4, clock)
    for node in (second, third, liar):
        join(node, first)
    strangers = [Node(f"88.{number}.1.1", clock) for number in range(5)]
    tell(first, liar, *[node.says(node.address) for node in strangers])
    assert {node.address for node in strangers} <= first.knows()
    assert not {node.address for node in strangers} & (second.knows() | third.knows())
    # Neither to one that links afterwards.
    late = Node("77.1.1.1", clock)
    join(late, first)
    assert not {node.address for node in strangers} & late.knows()
    # Once it was reached there, what is told of it is passed on.
    stranger = strangers[0]
    first.book.good(stranger.address, PORT, bytes.fromhex(stranger.node_id), 1000)
    tell(first, liar, stranger.says(stranger.address))
    assert stranger.address in second.knows() | third.knows() | late.knows()


def test_what_is_known_is_not_passed_on_again() -> None:
    clock = Clock()
    first, *others = nodes(6, clock)
    for node in others:
        join(node, first)
    teller = others[0]
    said = teller.says(teller.address)
    before = sum(len(end.sent) for end in first.links)
    tell(first, teller, said, said)
    tell(first, others[1], said)
    after = sum(len(end.sent) for end in first.links)
    assert after - before == RETOLD_TO
    tell(first, teller, teller.says(teller.address))
    assert sum(len(end.sent) for end in first.links) - after == RETOLD_TO


def test_a_bad_signature_is_the_fault_of_who_passed_it_on() -> None:
    first, second = nodes(2, Clock())
    join(second, first)
    said = second.says(second.address)
    said.seq += 1
    with pytest.raises(ProtocolError) as caught:
        tell(first, second, said)
    assert caught.value.code == "bad-signature"


def test_nonsense_under_a_good_signature_is_left_out() -> None:
    clock = Clock()
    first, second, third = nodes(3, clock)
    join(second, first)
    for_another = advertise(
        Advertisement(third.node_id, third.address, PORT, [], ""), NETWORK, 1, 9, 0, second.key.sign
    )
    for_another.node_id = second.node_id
    signed = second.key.sign
    nonsense = Signed(second.node_id, 1, 10, 0, "{", b"")
    nonsense.signature = signed(
        signed_bytes("advertisement", NETWORK, second.key.public_key, 1, 10, 0, b"{")
    )
    tell(first, second, nonsense)
    assert third.address not in first.knows()


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1",
        "::1",
        "10.1.1.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.1.1",
        "fe80::1",
        "fd00::1",
        "100.64.0.1",
        "224.0.0.251",
        "0.0.0.0",
        "255.255.255.255",
        "::ffff:127.0.0.1",
        "::ffff:192.168.1.1",
        "",
    ],
)
def test_nothing_private_is_taken_from_peers(target: str) -> None:
    clock = Clock()
    first, second, third = nodes(3, clock)
    join(second, first)
    before = first.knows()
    tell(first, second, third.says(target), Node("66.1.1.1", clock).says(target))
    assert first.knows() == before
    said = Advertisement(third.node_id, "8.8.8.8", PORT, [], "")
    assert not first.acquainting.take(said, target)
    assert first.knows() == before
    assert {sighting.host for sighting in first.seen} == {second.address}


def test_what_comes_by_rest_counts_by_where_it_comes_from() -> None:
    first, second = nodes(2, Clock())
    said = Advertisement(second.node_id, "8.8.8.8", 777, [], "")
    assert first.acquainting.take(said, second.address)
    assert first.knows() == {second.address}
    assert first.book.find(second.address, 777) is not None
    assert first.seen == [Sighting(PEER, second.address, 777, second.node_id, second.node_id)]
    assert not first.acquainting.take(
        Advertisement(first.node_id, "", PORT, [], ""), second.address
    )


def test_another_address_of_both_families_is_told_too() -> None:
    clock = Clock()
    first, second, third = nodes(3, clock)
    second.places.append("[2600::2]:4242")
    second.acquainting.refresh()
    join(third, first)
    join(second, first)
    assert {second.address, "2600::2"} <= first.knows()
    # Nobody has seen it there.
    assert "2600::2" not in third.knows()
    assert second.address in third.knows()


def test_a_neighbour_tells_where_it_is_from_outside() -> None:
    clock = Clock()
    first, near, third = nodes(3, clock)
    join(third, first)
    join(near, first, seen_at="192.168.1.9", found_at="192.168.1.8")
    assert near.address in first.knows()
    assert near.address not in third.knows()
    assert not any(host.startswith("192.168.") for host in first.knows() | near.knows())


def test_all_are_told_when_a_node_is_elsewhere_and_once_a_day() -> None:
    clock = Clock()
    first, second = nodes(2, clock)
    near, _ = join(second, first)
    sent = len(near.sent)
    second.acquainting.refresh()
    assert len(near.sent) == sent
    second.places = [f"{second.address}:5000"]
    second.acquainting.refresh()
    assert len(near.sent) == sent + 1
    assert first.book.find(second.address, 5000) is not None
    clock.now_ms += int(READVERTISE_S * 1000)
    second.acquainting.refresh()
    assert len(near.sent) == sent + 2
    second.places = []
    second.acquainting.refresh()
    assert len(near.sent) == sent + 2


def test_a_link_finds_out_that_a_node_is_elsewhere() -> None:
    clock = Clock()
    first, second, third = nodes(3, clock)
    near, _ = join(second, first)
    second.places = [f"{second.address}:5000"]
    to_third, _ = join(second, third)
    for end, ports in ((near, [4242, 5000]), (to_third, [5000])):
        told = [signed for said in end.sent for signed in said.advertisements]
        own = [decode_advertisement(signed) for signed in told if signed.node_id == second.node_id]
        assert [said.port for said in own] == ports


def test_one_that_was_only_linked_is_told_no_more_when_its_link_has_ended() -> None:
    clock = Clock()
    first, second, third, late = nodes(4, clock)
    join(second, first)
    join(first, third)
    part(first, second)
    part(first, third)
    join(late, first)
    assert third.address in late.knows()  # dialled, so proved to be there
    assert second.address not in late.knows()


def test_a_flood_is_dropped_and_ends_the_link() -> None:
    clock = Clock()
    first, liar = nodes(2, clock)
    join(liar, first)
    checked = []

    def verify(_key: bytes, _message: bytes, signature: bytes) -> bool:
        checked.append(signature)
        return True

    first.acquainting._verify = verify
    fakes = [
        Signed(f"{number:064x}", 1, 1, 0, "{}", bytes(64)) for number in range(MAX_ADVERTISEMENTS)
    ]
    ended = 0
    for _ in range(100_000 // MAX_ADVERTISEMENTS):
        try:
            tell(first, liar, *fakes)
        except ProtocolError as error:
            assert error.code == "protocol-violation"
            ended += 1
    assert len(checked) < MAX_ADVERTISEMENTS
    assert ended >= 100_000 // (MAX_EXCESS + 2 * MAX_ADVERTISEMENTS)
    clock.now_ms += 10 * S_PER_ADDRESS * 1000
    checked.clear()
    with pytest.raises(ProtocolError):
        for _ in range(5):
            tell(first, liar, *fakes)
    assert len(checked) == 10  # one in ten seconds


def test_told_strangers_stay_few() -> None:
    clock = Clock()
    first, liar = nodes(2, clock)
    join(liar, first)
    for number in range(1500):
        clock.now_ms += S_PER_ADDRESS * 1000
        stranger = SigningKey(number.to_bytes(32, "big"))
        address = f"{40 + number % 60}.{number // 60}.1.1"
        said = advertise(
            Advertisement(stranger.public_key.hex(), address, PORT, [], ""),
            NETWORK,
            1,
            1,
            0,
            stranger.sign,
        )
        tell(first, liar, said)
    assert len(first.knows()) <= 65
    assert len(first.acquainting._known) == 1


def test_what_is_kept_to_be_told_is_bounded() -> None:
    clock = Clock()
    first, teller = nodes(2, clock)
    join(teller, first)
    for number in range(MAX_KNOWN + 50):
        clock.now_ms += S_PER_ADDRESS * 1000
        peer = SigningKey(number.to_bytes(32, "big"))
        address = f"{20 + number % 200}.{number // 200}.1.1"
        first.book.good(address, PORT, peer.public_key, clock.now_ms // 1000)
        said = Advertisement(peer.public_key.hex(), address, PORT, [], "")
        tell(first, teller, advertise(said, NETWORK, 1, 1, 0, peer.sign))
    assert 100 < len(first.acquainting._known) <= MAX_KNOWN
    late = Node("19.1.1.1", clock)
    _, far = join(late, first)
    assert WHOLE_UP_TO < len(far.sent[0].advertisements) <= MAX_ADVERTISEMENTS


def test_what_a_new_peer_is_told_fits_into_the_least_frame() -> None:
    clock = Clock()
    first, teller = nodes(2, clock)
    join(teller, first)
    for number in range(MAX_KNOWN):
        clock.now_ms += S_PER_ADDRESS * 1000
        peer = SigningKey(number.to_bytes(32, "big"))
        address = f"{20 + number % 200}.{number // 200}.1.1"
        first.book.good(address, PORT, peer.public_key, clock.now_ms // 1000)
        words = ["w" * 64] * 16
        said = Advertisement(peer.public_key.hex(), address, PORT, words, "v" * 32)
        tell(first, teller, advertise(said, NETWORK, 1, 1, 0, peer.sign))
    _, far = join(Node("19.1.1.1", clock), first)
    assert len(far.sent[0].advertisements) > WHOLE_UP_TO
    frame = Outbound(first.node_id, lambda: 0).announce(far.sent[0])
    assert MAX_SAMPLE_BYTES - 1200 < len(frame) < MIN_FRAME_BYTES - 12 * 1024 + 4 * 1200


def test_how_many_a_new_peer_is_told_of() -> None:
    assert [_share(count) for count in (0, 5, 32, 100, 139, 200, 256, 10_000)] == [
        32,
        32,
        32,
        32,
        32,
        46,
        58,
        MAX_SAMPLE,
    ]


def test_many_honest_peers_at_one_address_are_no_fault_of_any() -> None:
    clock = Clock()
    first, *others = nodes(12, clock)
    told = [
        Node(f"9.9.{number}.1", clock).says(f"9.9.{number}.1")
        for number in range(MAX_ADVERTISEMENTS)
    ]
    for other in others:  # a home whose nodes all start at once
        join(other, first, seen_at="8.8.8.8")
        tell(first, other, *told)
    assert len(first.knows()) <= MAX_ADVERTISEMENTS
    with pytest.raises(ProtocolError):
        for _ in range(5):
            tell(first, others[0], *told)


def test_tellers_are_counted_by_home() -> None:
    clock = Clock()
    tellers = Tellers(lambda: clock.now_ms)
    for number in range(MAX_ADVERTISEMENTS):
        assert tellers.hear(f"2600:1:2:3::{number:x}")
    assert not tellers.hear("2600:1:2:3:ffff::1")
    assert tellers.hear("2600:1:2:4::1")
    for number in range(MAX_ADVERTISEMENTS):
        assert tellers.hear("8.8.8.8" if number % 2 else "::ffff:8.8.8.8")
    assert not tellers.hear("8.8.8.8")
    assert tellers.hear("8.8.8.9")
    for number in range(3 * MAX_TELLERS):
        tellers.hear(f"9.9.{number // 250}.{number % 250}")
    assert len(tellers._heard) == MAX_TELLERS


def test_a_peer_is_told_no_more_than_it_takes() -> None:
    clock = Clock()
    tellers = Tellers(lambda: clock.now_ms)
    assert tellers.tell("a", MAX_ADVERTISEMENTS)
    assert not tellers.tell("a", 1)
    clock.now_ms += S_PER_ADDRESS * 1000
    assert tellers.tell("a", 1)
    assert not tellers.tell("a", 1)
    assert tellers.tell("b", 1)
    tellers.forget("a")
    assert list(tellers._told) == ["b"]
