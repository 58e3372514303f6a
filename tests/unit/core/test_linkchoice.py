"""Which of two links stays: every combination, seen from both ends."""

from edgenode.core.linkchoice import (
    PROBE,
    REFUSE,
    REPLACE,
    after_probe,
    choose,
    dialled_by_lower,
)

LOWER, HIGHER = "0a" * 32, "0b" * 32
BOTH = (False, True)


def kept(own: str, peer: str, old_dialler: str, new_dialler: str, fresh: bool) -> str:
    """Give who dialled the link that `own` keeps, of two live links with the same process."""
    decision = choose(
        same_instance=True,
        same_direction=old_dialler == new_dialler,
        new_by_lower=dialled_by_lower(own, peer, new_dialler == own),
        old_is_fresh=fresh,
    )
    if decision == PROBE:
        decision, clone = after_probe(same_instance=True, old_alive=True)
        assert not clone
    return new_dialler if decision == REPLACE else old_dialler


def test_both_ends_name_the_same_dialler_the_lower() -> None:
    for own, peer in ((LOWER, HIGHER), (HIGHER, LOWER)):
        assert dialled_by_lower(own, peer, own == LOWER)
        assert not dialled_by_lower(own, peer, own == HIGHER)


def test_on_a_double_dial_the_lower_ids_link_stays_at_both_ends() -> None:
    # Either end may see either link first, and may or may not have heard on the one it has.
    for own, peer in ((LOWER, HIGHER), (HIGHER, LOWER)):
        for old, new in ((LOWER, HIGHER), (HIGHER, LOWER)):
            for fresh in BOTH:
                assert kept(own, peer, old, new, fresh) == LOWER


def test_who_dials_again_has_given_up_the_old_link() -> None:
    for new_by_lower in BOTH:
        for fresh in BOTH:
            decision = choose(
                same_instance=True,
                same_direction=True,
                new_by_lower=new_by_lower,
                old_is_fresh=fresh,
            )
            assert decision == REPLACE


def test_every_combination() -> None:
    for same_instance in BOTH:
        for same_direction in BOTH:
            for new_by_lower in BOTH:
                for fresh in BOTH:
                    if not same_instance:
                        expected = PROBE
                    elif same_direction or new_by_lower:
                        expected = REPLACE
                    else:
                        expected = REFUSE if fresh else PROBE
                    decision = choose(
                        same_instance=same_instance,
                        same_direction=same_direction,
                        new_by_lower=new_by_lower,
                        old_is_fresh=fresh,
                    )
                    assert decision == expected


def test_another_process_never_takes_a_living_link() -> None:
    assert after_probe(same_instance=False, old_alive=True) == (REFUSE, True)
    assert after_probe(same_instance=True, old_alive=True) == (REFUSE, False)


def test_a_dead_link_gives_way() -> None:
    for same_instance in BOTH:
        assert after_probe(same_instance=same_instance, old_alive=False) == (REPLACE, False)
