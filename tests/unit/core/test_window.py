"""The replay window, against remembering everything."""

from edgenode.core.window import WINDOW, Window


def test_each_number_once() -> None:
    window = Window()
    for seq in (1, 2, 5, 3, 4, 70, 69, 7):
        assert window.take(1, seq), seq
        assert not window.take(1, seq), seq
    assert not window.take(1, 6)  # 64 below the highest: it may have been taken
    assert not window.take(1, 0)


def test_zero_comes_first() -> None:
    window = Window()
    assert window.take(1, 0)
    assert not window.take(1, 0)


def test_a_later_epoch_ends_the_one_before() -> None:
    window = Window()
    assert window.take(3, 1000)
    assert window.take(4, 0)
    for seq in (999, 1000, 1001, 2**53 - 1):
        assert not window.take(3, seq)
    assert window.take(4, 2**53 - 1)
    assert not window.take(4, 1)


def test_nothing_twice_and_nothing_new_lost_within_the_window() -> None:
    window = Window()
    taken: set[int] = set()
    highest = 0
    state = 1
    for _ in range(5000):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        seq = max(0, highest + (state >> 8) % 90 - 80)
        new = seq not in taken and (seq > highest - WINDOW or not taken)
        assert window.take(1, seq) == new, (seq, highest)
        taken.add(seq)
        highest = max(highest, seq)
