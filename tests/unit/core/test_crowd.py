"""Counting by network, and who makes room."""

from edgenode.core.crowd import (
    MAX_NEAR,
    MAX_OF_ADDRESS,
    MAX_OF_IPV4_AREA,
    MAX_OF_IPV6_AREA,
    Crowd,
    bounds,
    oldest_of_fullest,
)


def v4(*last: int) -> bytes:
    return bytes((203, 0) + last)


def v6(site: int, net: int, host: int) -> bytes:
    return bytes((0x2A, 0, 0, 0, 0, site, 0, net)) + bytes(7) + bytes((host,))


def filled(crowd: Crowd, addresses: "list[bytes]", near: "bytes | None" = None) -> int:
    return sum([crowd.enter(bounds(address, near)) for address in addresses])


def test_one_address_has_so_many() -> None:
    assert filled(Crowd(), [v4(1, 1)] * 100) == MAX_OF_ADDRESS


def test_one_ipv4_neighbourhood_has_so_many() -> None:
    assert filled(Crowd(), [v4(1, host) for host in range(100)]) == MAX_OF_IPV4_AREA


def test_one_ipv6_network_has_so_many_however_many_addresses() -> None:
    assert filled(Crowd(), [v6(1, 1, host) for host in range(100)]) == MAX_OF_ADDRESS


def test_one_ipv6_site_has_so_many() -> None:
    assert filled(Crowd(), [v6(1, net, 1) for net in range(100)]) == MAX_OF_IPV6_AREA


def test_other_networks_are_not_touched() -> None:
    crowd = Crowd()
    filled(crowd, [v4(1, host) for host in range(100)])
    assert filled(crowd, [v4(2, 1)]) == 1


def test_neighbours_are_counted_together_and_by_nothing_else() -> None:
    crowd = Crowd()
    assert filled(crowd, [v4(1, 1)] * 100, near=v4(1, 0)) == MAX_NEAR
    assert filled(crowd, [v4(1, 1)]) == 1


def test_who_leaves_makes_room_and_leaves_nothing() -> None:
    crowd = Crowd()
    places = bounds(v4(1, 1), None)
    filled(crowd, [v4(1, 1)] * MAX_OF_ADDRESS)
    crowd.leave(places)
    assert crowd.enter(places)
    for _ in range(MAX_OF_ADDRESS):
        crowd.leave(places)
    assert len(crowd) == 0


def test_who_is_refused_counts_nowhere() -> None:
    crowd = Crowd()
    filled(crowd, [v4(1, 1)] * 100)
    assert filled(crowd, [v4(1, 2)] * 100) == MAX_OF_IPV4_AREA - MAX_OF_ADDRESS


def test_the_oldest_of_the_fullest_makes_room() -> None:
    for networks, index in (("a", 0), ("ab", 0), ("abb", 1), ("abcbc", 1), ("bacc", 2)):
        assert oldest_of_fullest([(24, letter.encode()) for letter in networks]) == index
