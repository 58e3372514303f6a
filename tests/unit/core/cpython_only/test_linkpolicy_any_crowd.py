"""Whatever comes: the caps hold, and whom the rules protect stays."""

from hypothesis import given
from hypothesis import strategies as st

from edgenode.core.linkpolicy import Caps, LinkView, admits, to_displace

CAPS = Caps(links=24, inbound=16, kept=8)

Comer = tuple[bool, bool, int, int, int]

comers: st.SearchStrategy[list[Comer]] = st.lists(
    st.tuples(
        st.booleans(),  # inbound
        st.sampled_from([True, False, False, False]),  # kept
        st.integers(0, 5),  # network
        st.integers(0, 100),  # round trip in ms, 0: not measured
        st.integers(0, 3),  # useful
    ),
    max_size=120,
)


def view(number: int, comer: Comer) -> LinkView:
    inbound, kept, network, round_trip_ms, useful = comer
    return LinkView(
        str(number),
        inbound=inbound,
        kept=kept,
        group=bytes([network]),
        round_trip_s=round_trip_ms / 1000 or None,
        since=float(number),
        useful=useful,
    )


@given(comers, st.integers(0, 2**64 - 1))
def test_caps_hold_and_the_protected_stay(comers: list[Comer], salt: int) -> None:
    links: list[LinkView] = []
    for number, comer in enumerate(comers):
        new = view(number, comer)
        if not admits(links, new, CAPS):
            gone = to_displace(links, new, CAPS, salt)
            if gone is None:
                continue
            if new.kept:
                near = [link.group for link in links if link.kept]
                assert gone.kept
                assert near.count(gone.group) > near.count(new.group) + 1
                links.remove(gone)
                links.append(new)
                continue
            assert gone.inbound
            assert not gone.kept
            inbound = [link for link in links if link.inbound and not link.kept]
            # The four longest-lived, and the four nearest.
            assert gone not in sorted(inbound, key=lambda link: link.since)[:4]
            measured = [link for link in inbound if link.round_trip_s is not None]
            nearer = [
                link
                for link in measured
                if gone.round_trip_s is not None
                and (link.round_trip_s or 0, link.since) < (gone.round_trip_s, gone.since)
            ]
            assert gone.round_trip_s is None or len(nearer) >= 4
            links.remove(gone)
        links.append(new)
        others = [link for link in links if not link.kept]
        assert len(links) - len(others) <= CAPS.kept
        assert len(others) <= CAPS.links
        assert sum(link.inbound for link in others) <= CAPS.inbound
