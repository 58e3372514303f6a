"""Tries of any sets, grown and shrunk in any order."""

from hypothesis import given
from hypothesis import strategies as st

from edgenode.core.trie import LEAF_DIGESTS, Trie
from tests.unit.core.record_makers import hash16
from tests.unit.core.test_trie import defined_root

# Few hex digits in few places, so that many digests share a long way.
digests = st.builds(
    lambda head, zeros, tail: (head + bytes(zeros) + tail + bytes(16))[:16],
    st.binary(max_size=1),
    st.integers(0, 14),
    st.binary(max_size=2),
)
sets = st.lists(digests, max_size=20) | st.lists(digests, min_size=60, max_size=200)


@given(sets, st.randoms(use_true_random=False), st.data())
def test_any_history_of_one_set_gives_one_trie(
    kept: list[bytes], random: object, data: st.DataObject
) -> None:
    passing = data.draw(st.lists(digests, max_size=100))
    changes = [("add", digest) for digest in kept + passing]
    random.shuffle(changes)  # type: ignore[attr-defined]
    trie = Trie(hash16, data.draw(st.lists(st.sampled_from(kept), max_size=100)) if kept else ())
    model: set[bytes] = {digest for digest in kept if digest in trie}
    for number, (_, digest) in enumerate(changes):
        assert trie.add(digest) == (digest not in model)
        model.add(digest)
        if number % 17 == 0:
            trie.root()
    for digest in passing:
        if digest not in kept:
            assert trie.remove(digest) == (digest in model)
            model.discard(digest)
    assert model == set(kept)
    assert len(trie) == len(model)
    assert trie.root() == defined_root(list(model)) == Trie(hash16, kept).root()


@given(sets, sets)
def test_equal_roots_are_equal_sets(one: list[bytes], other: list[bytes]) -> None:
    equal = Trie(hash16, one).root() == Trie(hash16, other).root()
    assert equal == (set(one) == set(other))


@given(sets, st.text("0123456789abcdef", max_size=32))
def test_any_prefix(held: list[bytes], prefix: str) -> None:
    under = sorted({digest for digest in held if digest.hex().startswith(prefix)})
    kind, found = Trie(hash16, held).node(prefix)
    if len(under) <= LEAF_DIGESTS:
        assert (kind, found) == ("list", under)
    else:
        assert kind == "children"
        assert found == [
            defined_root(
                [each for each in under if each.hex()[len(prefix)] == nibble], len(prefix) + 1
            )
            for nibble in "0123456789abcdef"
        ]
