"""When the clocks of peers vouch for this node's, and when they speak against it."""

from edgenode.core.clocktrust import MIN_NETWORKS, TOLERANCE_MS, agrees, judge

A, A_TOO, B, C, D = "1.1.1.1", "1.1.2.2", "2.2.2.2", "2001:500::1", "4.4.4.4"
HOUR_MS = 3600 * 1000


def test_few_networks_tell_nothing() -> None:
    assert MIN_NETWORKS == 3
    assert agrees([]) is None
    assert agrees([(A, 0), (B, 0)]) is None
    # Many peers of one network are one voice, and those of this house none.
    assert agrees([(A, 0), (A_TOO, 0), (A_TOO, 0), (B, 0)]) is None
    assert agrees([(A, 0), (B, 0), ("192.168.1.7", 0), ("127.0.0.1", 0), ("fe80::1", 0)]) is None
    assert agrees([(A, 0), (B, 0), ("", 0), ("pi.local", 0)]) is None


def test_the_middle_of_the_networks_counts() -> None:
    assert agrees([(A, 0), (B, 10), (C, -10)]) is True
    assert agrees([(A, TOLERANCE_MS), (B, TOLERANCE_MS), (C, TOLERANCE_MS)]) is True
    assert agrees([(A, TOLERANCE_MS + 1)] * 2 + [(B, HOUR_MS), (C, HOUR_MS)]) is False
    assert agrees([(A, -HOUR_MS), (B, -HOUR_MS), (C, -HOUR_MS)]) is False
    # One that lies, or is wrong itself, changes nothing.
    assert agrees([(A, HOUR_MS), (B, 0), (C, 0)]) is True
    assert agrees([(A, 0), (B, HOUR_MS), (C, HOUR_MS)]) is False
    # With as many against as for it the clock is not blamed.
    assert agrees([(A, 0), (B, 0), (C, HOUR_MS), (D, HOUR_MS)]) is True
    assert agrees([(A, 0), (B, 0), (C, -HOUR_MS), (D, -HOUR_MS)]) is True


def test_many_of_one_network_do_not_outvote_the_others() -> None:
    liars = [("1.1.1." + str(number), HOUR_MS) for number in range(1, 50)]
    assert agrees(liars + [(B, 0), (C, 0)]) is True


def test_peers_go_before_the_service() -> None:
    for said in (True, False, None):
        assert judge(said, None) is said
        assert judge(said, True) is True
        assert judge(said, False) is False
