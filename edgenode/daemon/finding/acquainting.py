"""Peers told by peers: what is told of other nodes, to whom, and what is taken of it."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edgenode.core.addressbook import AddressBook
from edgenode.core.advertisement import (
    CONTEXT,
    Advertisement,
    decode_advertisement,
    encode_datagram,
)
from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.events import MAX_ADVERTISEMENTS, Announce
from edgenode.core.ip import is_global
from edgenode.core.signed import Signed, check
from edgenode.crypto import verify
from edgenode.daemon.finding.advertising import Advertiser, own_places
from edgenode.daemon.finding.tellers import Tellers
from edgenode.discover.sighting import PEER, OnSighting, Sighting
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

# Peers to whom an advertisement is passed on: enough to spread it, and no more than twice as many
# messages as there are nodes that know the advertised one.
RETOLD_TO = 2

# Advertisements that are kept to be told, the freshest; 200 kB of them. Four times what one peer
# is ever told.
MAX_KNOWN = 256

# On a new link a peer is told of as many nodes as make a full mesh, and beyond that of less than
# a quarter of those known, so that asking a few times does not show the whole network.
WHOLE_UP_TO = 32
SAMPLE_PERCENT = 23
MAX_OWN = 2  # one for each family
MAX_SAMPLE = MAX_ADVERTISEMENTS - MAX_OWN
# The least frame that a peer takes has 68 KiB; the rest of the message has less than 12.
MAX_SAMPLE_BYTES = 56 * 1024

# How often a node looks whether it is to be reached elsewhere, which costs it 0.3 ms, and says
# where it is without a change: often enough for tables that forget after 30 days.
CHECK_S = 5.0
READVERTISE_S = 24 * 3600.0


class _Known(NamedTuple):
    signed: Signed
    address: str
    port: int


class Acquainting:
    """Tells peers where this node and others are, and takes what they tell.

    `on_linked`, `receive` and `on_lost` follow each link; `run` beside the node.
    """

    def __init__(
        self,
        *,
        own_id: str,
        network: str,
        links: LinkTable,
        announcement: Callable[[Link], Announce],
        encode: Callable[[Announce], bytes],
        addresses: Callable[[], Sequence[str]],
        open_port: Callable[[str], int],
        advertiser: Advertiser,
        book: AddressBook,
        now_s: Callable[[], int],
        on_sighting: OnSighting,
        now_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
        verify_fn: Callable[[bytes, bytes, bytes], bool] = verify,
    ) -> None:
        """Take the parts.

        `announcement(link)` and `encode` make a `node:announce`; `addresses()` and `open_port` as
        Reaching has them; `now_s()` is the clock of `book`; `on_sighting` is told of each address
        that is new to the book.
        """
        self._own_id = own_id
        self._network = network
        self._links = links
        self._announcement = announcement
        self._encode = encode
        self._addresses = addresses
        self._open_port = open_port
        self._advertiser = advertiser
        self._book = book
        self._now_s = now_s
        self._on_sighting = on_sighting
        self._now_ms = now_ms
        self._verify = verify_fn
        self._tellers = Tellers(now_ms)
        self._known: dict[tuple[str, bool], _Known] = {}
        self._own: list[Signed] = []
        self._places: list[tuple[str, int]] = []
        self._signed_ms = 0

    def on_linked(self, link: Link) -> list[Signed]:
        """Take a new link; return what the first `node:announce` on it has to carry."""
        if link.dialled and is_global(link.remote_address):
            node_id = bytes.fromhex(link.node_id)
            self._book.good(link.remote_address, link.port, node_id, self._now_s())
        self.refresh(but=link)
        told = self._own + self._sample(link.node_id)
        self._tellers.tell(link.node_id, len(told))
        return told

    def receive(self, link: Link, announce: Announce) -> None:
        """Take the advertisements out of a peer's `node:announce`.

        Raises `ProtocolError` for one whose signature does not verify, and for a peer that goes
        on to tell far more than it may.
        """
        told, announce.advertisements = announce.advertisements, []
        for signed in told:
            if signed.node_id == self._own_id or not self._tellers.hear(link.remote_address):
                continue
            check(signed, CONTEXT, self._network, self._verify)
            try:
                advertisement = decode_advertisement(signed)
            except DecodeError:  # the fault of the origin
                continue
            if signed.node_id == link.node_id:
                self._told_by_itself(link, signed, advertisement)
            else:
                self._told_by_another(link, signed, advertisement)
        if self._tellers.exceeds(link.node_id, len(told)):
            message = "addresses are told faster than they may be"
            raise ProtocolError("protocol-violation", message)

    def take(self, advertisement: Advertisement, observed_address: str) -> bool:
        """Take the checked advertisement of a node that comes itself, by REST.

        What counts is the address from which it comes, with the port that it declares. Tells
        whether that is kept: it is global, and the peer has not told too much.
        """
        if advertisement.node_id == self._own_id or not self._tellers.hear(observed_address):
            return False
        self._file(observed_address, advertisement, observed_address, advertisement.node_id)
        return self._book.find(observed_address, advertisement.port) is not None

    def on_lost(self, node_id: str) -> None:
        """A link has ended: what was proved by it alone is told no more."""
        self._tellers.forget(node_id)
        for ipv6 in (False, True):
            known = self._known.get((node_id, ipv6))
            if known is not None and not self._is_tried(known):
                del self._known[node_id, ipv6]

    def refresh(self, *, but: Link | None = None) -> None:
        """Tell all peers if this node is to be reached elsewhere, or has not said so for a day.

        All `but` one, who is told anyway.
        """
        places = own_places(self._addresses(), self._open_port)
        age_ms = self._now_ms() - self._signed_ms
        if places == self._places and (not places or age_ms < 1000 * READVERTISE_S):
            return
        self._places = places
        self._signed_ms = self._now_ms()
        self._own = [self._advertiser.sign(*place) for place in places]
        for link in self._links:
            if link is not but:
                self._tell(link, self._own)

    async def run(self) -> None:
        """Do so again and again."""
        while True:
            self.refresh()
            await asyncio.sleep(CHECK_S)

    def _told_by_itself(self, link: Link, signed: Signed, said: Advertisement) -> None:
        seen = link.remote_address
        if is_global(seen) and (not said.address or (":" in said.address) == (":" in seen)):
            self._file(seen, said, seen, link.node_id)
            if said.address == seen:
                self._remember(link, signed, said)
        elif said.address:
            self._file(said.address, said, seen, link.node_id)

    def _told_by_another(self, link: Link, signed: Signed, said: Advertisement) -> None:
        self._file(said.address, said, link.remote_address, link.node_id)
        if self._is_tried(_Known(signed, said.address, said.port)):
            self._remember(link, signed, said)

    def _file(self, host: str, said: Advertisement, teller: str, source: str) -> None:
        node_id = bytes.fromhex(said.node_id)
        if self._book.add(host, said.port, teller, self._now_s(), node_id):
            self._on_sighting(Sighting(PEER, host, said.port, said.node_id, source))

    def _remember(self, link: Link, signed: Signed, said: Advertisement) -> None:
        """Keep the newest advertisement of a node that was proved to be there, and pass it on."""
        key = (signed.node_id, ":" in said.address)
        earlier = self._known.get(key)
        if earlier is not None:
            known = earlier.signed
            if (signed.epoch, signed.seq) <= (known.epoch, known.seq):
                return
            del self._known[key]
        self._known[key] = _Known(signed, said.address, said.port)
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        tellers = (link.node_id, signed.node_id)
        others = [other for other in self._links if other.node_id not in tellers]
        for other in random.sample(others, min(len(others), RETOLD_TO)):
            self._tell(other, [signed])

    def _sample(self, node_id: str) -> list[Signed]:
        """Return some of those that may be told, for a peer that is new."""
        others = [known.signed for known in self._known.values()]
        others = [signed for signed in others if signed.node_id != node_id]
        sample: list[Signed] = []
        left = MAX_SAMPLE_BYTES
        for signed in random.sample(others, min(len(others), _share(len(others)))):
            left -= len(encode_datagram(signed))
            if left < 0:
                break
            sample.append(signed)
        return sample

    def _is_tried(self, known: _Known) -> bool:
        """Tell whether this node has itself reached the advertised one there."""
        entry = self._book.find(known.address, known.port)
        return entry is not None and entry.tried and entry.node_id.hex() == known.signed.node_id

    def _tell(self, link: Link, advertisements: list[Signed]) -> None:
        if not advertisements or not link.has_room:
            return
        if not self._tellers.tell(link.node_id, len(advertisements)):
            return
        announce = self._announcement(link)
        announce.advertisements = advertisements
        link.post(self._encode(announce))


def _share(count: int) -> int:
    """Return of how many nodes a new peer is told, where `count` could be."""
    return min(MAX_SAMPLE, max(WHOLE_UP_TO, count * SAMPLE_PERCENT // 100))
