"""Who has a connection: bounds by network and in all."""

import pytest

from edgenode.api.seats import MAX_CONNECTIONS, MIN_CONNECTIONS, Seat, Seats, connections_allowed
from edgenode.core.crowd import MAX_NEAR, MAX_OF_ADDRESS


class Waits:
    """A connection for which nothing is done."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.displaced = False

    def displace(self) -> None:
        self.displaced = True
        self.seat.leave()


def taken(seats: Seats, address: str, count: int = 100) -> list[Seat]:
    return [seat for _ in range(count) if (seat := seats.enter(address)) is not None]


def test_a_seat_that_is_left_is_free_once() -> None:
    seats = Seats()
    mine = taken(seats, "203.1.1.1")
    assert len(mine) == MAX_OF_ADDRESS == seats.taken
    mine[0].leave()
    mine[0].leave()
    assert len(taken(seats, "203.1.1.1")) == 1
    assert seats.refused == 100 - MAX_OF_ADDRESS + 99


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_host_is_bound_by_the_total_alone(address: str) -> None:
    assert len(taken(Seats(admits=lambda _: False, total=50), address)) == 50


def test_neighbours_have_a_bound_of_their_own() -> None:
    seats = Seats(near=lambda packed: packed[:3] if packed[0] == 192 else None)
    assert len(taken(seats, "192.168.1.1")) == MAX_NEAR
    assert not taken(seats, "192.168.1.2")
    assert len(taken(seats, "192.168.2.1")) == MAX_NEAR


def test_who_is_not_admitted_has_none() -> None:
    seats = Seats(admits=lambda address: address != "203.1.1.1")
    assert not taken(seats, "203.1.1.1")
    assert taken(seats, "203.1.1.2")
    assert not taken(seats, "no address")


def test_the_idle_of_the_fullest_network_make_room() -> None:
    seats = Seats(total=6)
    waiting = [Waits(seat) for seat in taken(seats, "203.1.1.1", 2) + taken(seats, "203.1.2.1", 4)]
    for each in waiting:
        seats.waits(each, each.seat)
    assert seats.enter("198.1.1.1") is not None
    assert [each.displaced for each in waiting] == [False, False, True, False, False, False]
    assert seats.taken == 6


def test_those_that_are_served_do_not() -> None:
    seats = Seats(total=2)
    waiting = [Waits(seat) for seat in taken(seats, "203.1.1.1", 2)]
    for each in waiting:
        seats.waits(each, each.seat)
        seats.works(each)
    assert seats.enter("198.1.1.1") is None
    assert seats.taken == 2
    assert not any(each.displaced for each in waiting)


@pytest.mark.parametrize(
    ("files", "allowed"),
    [(64, MIN_CONNECTIONS), (512, 128), (1_000_000, MAX_CONNECTIONS), (-1, MAX_CONNECTIONS)],
)
def test_the_total_is_of_the_files_that_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, allowed: int
) -> None:
    monkeypatch.setattr("os.sysconf", lambda _: files)
    assert connections_allowed() == allowed
