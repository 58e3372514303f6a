"""What is an id, and what is none."""

from edgenode.core.ids import is_block_id

DIGITS = "0123456789abcdef"


def test_ids_have_their_length() -> None:
    assert is_block_id(DIGITS * 8)
    assert not is_block_id(DIGITS * 4)
    for length in (0, 1, 127, 129):
        assert not is_block_id("a" * length)


def test_other_characters_are_refused_wherever_they_stand() -> None:
    for wrong in ("A", "F", "g", "/", ".", "\0", "\n", " ", "-", "_", "\u0661", "\uff11"):
        for place in (0, 64, 127):
            assert not is_block_id("a" * place + wrong + "a" * (127 - place)), (wrong, place)


def test_what_is_no_string_is_refused() -> None:
    for wrong in (None, 0, b"a" * 128, ["a"] * 128, ("a",) * 128):
        assert not is_block_id(wrong)
