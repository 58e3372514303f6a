"""Who may have a link, and whose ends for it."""

from edgenode.core.linkpolicy import PROTECTED, Caps, LinkView, admits, to_displace

CAPS = Caps(links=48, inbound=32, kept=40)
SALT = 12345


def view(
    number: int,
    group: bytes = b"\x01\x02",
    *,
    inbound: bool = True,
    kept: bool = False,
    round_trip_s: "float | None" = None,
    useful: int = 0,
) -> LinkView:
    return LinkView(
        str(number),
        inbound=inbound,
        kept=kept,
        group=group,
        round_trip_s=round_trip_s,
        since=float(number),
        useful=useful,
    )


def test_neighbours_have_places_of_their_own() -> None:
    near = [view(number, kept=True) for number in range(40)]
    others = [view(100 + number) for number in range(32)]
    assert admits(near, view(200), CAPS)
    assert admits(others, view(200, kept=True), CAPS)
    assert not admits(near, view(200, kept=True), CAPS)
    assert not admits(near + others, view(200), CAPS)
    assert admits(near + others, view(200, inbound=False), CAPS)


def test_outbound_links_fill_what_is_left() -> None:
    links = [view(number, inbound=False) for number in range(48)]
    assert not admits(links, view(200, inbound=False), CAPS)
    assert not admits(links, view(200), CAPS)
    assert to_displace(links, view(200, inbound=False), CAPS, SALT) is None
    assert to_displace(links, view(200), CAPS, SALT) is None


def test_the_youngest_of_the_largest_network_gives_way() -> None:
    links = [view(number, bytes([number, 0])) for number in range(22)]
    links += [view(30 + number, b"crowd") for number in range(10)]
    links.append(view(90, inbound=False))
    chosen = to_displace(links, view(100, b"new"), CAPS, SALT)
    assert chosen is not None
    assert chosen.node_id == "39"


def test_what_is_hard_to_be_better_at_protects() -> None:
    links = [view(number, b"one") for number in range(32)]
    links[31].round_trip_s = 0.001
    links[30].useful = 10
    chosen = to_displace(links, view(100, b"one"), CAPS, SALT)
    assert chosen is not None
    assert chosen.node_id == "29"


def test_neighbours_and_what_was_dialled_never_give_way() -> None:
    few = Caps(links=48, inbound=2, kept=40)
    links = [view(0, kept=True), view(1, inbound=False), view(2), view(3)]
    # Both are among the longest-lived.
    assert to_displace(links, view(9), few, SALT) is None
    assert to_displace(links, view(9, kept=True), few, SALT) is None


def test_networks_are_protected_in_an_order_of_the_node_itself() -> None:
    links = [view(number, bytes([number])) for number in range(32)]
    stay = set()
    for salt in range(50):
        chosen = to_displace(links, view(100, b"\xff"), CAPS, salt)
        assert chosen is not None
        stay.add(chosen.node_id)
    # The youngest, unless its network is protected just here.
    assert len(stay) > 1
    assert "31" in stay


def test_a_crowd_cannot_push_out_those_who_were_there() -> None:
    caps = Caps(links=48, inbound=32, kept=40)
    links = [view(number, bytes([number, 1])) for number in range(32)]
    for number in range(1000, 3000):
        new = view(number, b"crowd" + bytes([number % 4]))
        assert not admits(links, new, caps)
        gone = to_displace(links, new, caps, SALT)
        assert gone is not None
        links = [link for link in links if link is not gone]
        links.append(new)
    honest = [link for link in links if not link.group.startswith(b"crowd")]
    # 4 networks: from the time that each has two links, they displace one another.
    assert len(honest) >= 32 - 8
    assert len(honest) >= PROTECTED


def test_of_neighbours_one_address_cannot_have_all_places() -> None:
    links = [view(number, b"192.168.1.9", kept=True) for number in range(38)]
    links += [view(50, b"192.168.1.2", kept=True), view(51, b"192.168.1.3", kept=True)]
    chosen = to_displace(links, view(60, b"192.168.1.4", kept=True), CAPS, SALT)
    assert chosen is not None
    assert chosen.node_id == "37"
    assert to_displace(links, view(60, b"192.168.1.9", kept=True), CAPS, SALT) is None
    others = [view(number, bytes([number]), kept=True) for number in range(40)]
    assert to_displace(others, view(60, b"new", kept=True), CAPS, SALT) is None
