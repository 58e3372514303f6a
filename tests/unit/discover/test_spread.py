"""Which of many are chosen."""

import random
from collections import Counter

from edgenode.core.dns import Service
from edgenode.discover.spread import Place, in_order, spread


def at(text: str) -> Place:
    return bytes(int(part) for part in text.split(".")), 4242


def test_each_network_before_the_second_of_any() -> None:
    crowd = [at(f"1.2.{number >> 8}.{number & 255}") for number in range(1000)]
    others = [at(f"{number}.9.0.1") for number in range(20, 23)]
    kept = spread([*crowd, *others], 16)
    assert kept == [*crowd[:13], *others]


def test_order_is_kept_and_what_is_twice_counts_once() -> None:
    places = [at("3.3.3.3"), at("1.1.1.1"), at("3.3.3.3"), at("2.2.2.2"), at("1.1.1.2")]
    assert spread(places, 9) == [at("3.3.3.3"), at("1.1.1.1"), at("2.2.2.2"), at("1.1.1.2")]
    assert spread(places, 3) == [at("3.3.3.3"), at("1.1.1.1"), at("2.2.2.2")]
    assert spread([(places[0][0], 1), (places[0][0], 2)], 9) == [
        (places[0][0], 1),
        (places[0][0], 2),
    ]
    assert spread([], 9) == []


def test_networks_of_ipv6_have_four_bytes() -> None:
    def v6(text: str) -> Place:
        return bytes.fromhex(text).ljust(16, b"\x01"), 4242

    one, same, other = v6("2a000001aaaa"), v6("2a000001bbbb"), v6("2a000002aaaa")
    assert spread([one, same, other], 2) == [one, other]


def service(priority: int, weight: int) -> Service:
    return Service(priority, weight, 4242, f"p{priority}w{weight}")


def test_lower_priorities_first() -> None:
    services = [service(9, 65535), service(0, 0), service(5, 1)]
    for seed in range(20):
        ordered = in_order(services, random.Random(seed).random)
        assert [entry.priority for entry in ordered] == [0, 5, 9]


def test_weights_are_chances() -> None:
    """As RFC 2782 wants them, for the first and for the second."""
    draw = random.Random(7).random
    services = [service(0, 60), service(0, 30), service(0, 10)]
    orders = [[entry.weight for entry in in_order(services, draw)] for _ in range(4000)]
    first = Counter(order[0] for order in orders)
    assert abs(first[60] - 2400) < 150
    assert abs(first[30] - 1200) < 150
    second = Counter(order[1] for order in orders if order[0] == 60)
    assert abs(second[30] / second.total() - 0.75) < 0.05


def test_a_weight_of_nothing_has_a_small_chance() -> None:
    draw = random.Random(7).random
    services = [service(0, 0), service(0, 10)]
    firsts = Counter(in_order(services, draw)[0].weight for _ in range(5000))
    assert 0 < firsts[0] < 50
    equals = [Service(0, 0, port, "") for port in (1, 2)]
    ports = Counter(in_order(equals, draw)[0].port for _ in range(1000))
    assert 400 < ports[1] < 600
    assert in_order(equals, lambda: 0.0) == equals
