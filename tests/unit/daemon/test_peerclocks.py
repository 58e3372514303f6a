"""The clocks of peers, in a time of the test's own."""

from types import SimpleNamespace
from typing import Any

from edgenode.core.frame import MESSAGE
from edgenode.core.inbound import decode_frame
from edgenode.core.message import PING, encode_message
from edgenode.daemon.watch.peerclocks import PeerClocks

DAY_MS = 86_400_000
REAL_MS = 1_800_000_000_000


class World:
    """Three peers on three networks, whose clocks are right, and a node whose clock is set."""

    def __init__(self) -> None:
        self.now_ms = 5_000
        self.ahead_ms = 0
        addresses = ("1.1.1.1", "2.2.2.2", "2001:500::1")
        self.links: list[Any] = [
            SimpleNamespace(remote_address=address, clock_origin_ms=None) for address in addresses
        ]
        table: Any = self.links
        self.clocks = PeerClocks(table, now_ms=lambda: self.now_ms, wall_ms=self.wall_ms)

    def real_ms(self) -> int:
        return REAL_MS + self.now_ms

    def wall_ms(self) -> int:
        return self.real_ms() + self.ahead_ms

    def hear_all(self) -> None:
        for link in self.links:
            self.clocks.heard(link, self.real_ms())

    def trusted(self, said: bool | None = None) -> bool | None:
        return self.clocks.trusted(lambda: said)


def test_peers_vouch_for_a_clock_that_nobody_here_keeps() -> None:
    world = World()
    assert (world.trusted(), world.trusted(said=False), world.trusted(said=True)) == (
        None,
        False,
        True,
    )
    world.hear_all()
    assert world.trusted() is True
    world.links.pop()
    assert world.trusted() is None


def test_a_clock_that_is_set_later_is_trusted_from_then_on() -> None:
    world = World()
    world.ahead_ms = -300 * DAY_MS  # a board without a battery, at its start
    world.hear_all()
    assert world.trusted() is False
    assert world.clocks.offset_ms(world.links[0]) == 300 * DAY_MS
    world.now_ms += DAY_MS
    world.ahead_ms = 0
    assert world.trusted() is True
    assert world.clocks.offset_ms(world.links[0]) == 0


def test_one_whose_time_service_went_wrong_is_not() -> None:
    world = World()
    world.hear_all()
    world.ahead_ms = DAY_MS
    assert world.trusted(said=True) is False


def test_every_message_of_a_peer_tells_the_time() -> None:
    peer = "0a" * 32
    told: list[int] = []
    frame = bytes([MESSAGE]) + encode_message(PING, {"nonce": 1}, 1234, peer)
    decode_frame(frame, peer, told.append)
    assert told == [1234]
