"""The networks of this host: looked up when asked, kept for a moment."""

from edgenode.core.ip import parse_ip
from edgenode.daemon.guard.onlink import KEEP_S, OnLink, own_interfaces


def packed(text: str) -> bytes:
    found = parse_ip(text)
    assert found is not None
    return found


def test_a_change_is_known_soon_and_a_flood_of_questions_costs_one_look() -> None:
    looks = []
    now = 100.0
    home = [(packed("192.168.1.5"), 24), (packed("2a01:4f8:1:2::5"), 64)]

    def interfaces() -> list[list[tuple[bytes, int]]]:
        looks.append(now)
        return [home]

    on_link = OnLink(interfaces, lambda: now)
    for _ in range(1000):
        assert on_link.network_of(packed("2a01:4f8:1:2::6")) == packed("2a01:4f8:1:2::")
        assert on_link.network_of(packed("2a01:4f8:1:3::6")) is None
    assert len(looks) == 1
    home[1] = (packed("2a01:4f8:1:3::5"), 64)
    now += KEEP_S
    assert on_link.network_of(packed("2a01:4f8:1:2::6")) is None
    assert on_link.network_of(packed("2a01:4f8:1:3::6")) == packed("2a01:4f8:1:3::")


def test_the_interfaces_of_this_host_are_read() -> None:
    for interface in own_interfaces():
        for address, bits in interface:
            assert len(address) in (4, 16)
            assert 0 <= bits <= 8 * len(address)
            assert address[0] != 127
