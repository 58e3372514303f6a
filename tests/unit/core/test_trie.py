"""The trie against its definition, written down a second time as plainly as can be."""

from edgenode.core.trie import EMPTY, LEAF_DIGESTS, Trie
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import hash16, numbered

SIZES = (0, 1, 2, 63, 64, 65, 66, 500)


def defined_root(digests: "list[bytes]", depth: int = 0) -> bytes:
    """Give the digest of the subtree of these, which are alike in `depth` hex digits."""
    if not digests:
        return bytes(16)
    if len(digests) <= 64:
        return hash16(b"\x00" + b"".join(sorted(digests)))
    children = [
        [digest for digest in digests if digest.hex()[depth] == nibble]
        for nibble in "0123456789abcdef"
    ]
    return hash16(b"\x01" + b"".join([defined_root(child, depth + 1) for child in children]))


def some(count: int) -> "list[bytes]":
    return [numbered(number) for number in range(count)]


def near(count: int) -> "list[bytes]":
    """Give digests that differ in their last two bytes alone, as one might search for."""
    return [bytes(14) + bytes((number >> 8, number & 255)) for number in range(1, count + 1)]


def far(count: int) -> "list[bytes]":
    """Give digests of which most share their first bytes, behind others."""
    return some(40) + [b"\xff" * 14 + digest[14:] for digest in near(count - 40)]


def grown(digests: "list[bytes]") -> Trie:
    trie = Trie(hash16)
    for digest in digests:
        assert trie.add(digest)
    return trie


def test_empty() -> None:
    assert Trie(hash16).root() == bytes(16)
    assert Trie(hash16).root() == EMPTY
    assert len(Trie(hash16)) == 0
    assert Trie(hash16).node("") == ("list", [])
    assert Trie(hash16).node("0f") == ("list", [])


def test_roots_are_as_defined() -> None:
    for count in SIZES:
        for digests in (some(count), near(min(count, 100))):
            for trie in (Trie(hash16, digests), grown(digests)):
                assert trie.root() == defined_root(digests), count
                assert len(trie) == len(digests)


def test_any_order_gives_the_same() -> None:
    digests = some(300)
    root = defined_root(digests)
    for step in (7, 11, 299):
        order = [digests[number * step % 300] for number in range(300)]
        assert grown(order).root() == root
        assert Trie(hash16, order).root() == root


def test_removal_leaves_what_was_never_there() -> None:
    for make in (some, near, far):
        digests = make(200)
        trie = Trie(hash16, digests)
        for count in range(199, -1, -1):
            assert trie.remove(digests[count])
            assert len(trie) == count
            if count in (150, 66, 65, 64, 63, 1, 0):
                assert trie.root() == defined_root(digests[:count]), count


def test_the_root_follows_each_change() -> None:
    trie = Trie(hash16, some(200))
    for number in range(200, 230):
        trie.add(numbered(number))
        trie.remove(numbered(number - 150))
        live = [numbered(each) for each in range(200)] + [
            numbered(each) for each in range(200, number + 1)
        ]
        gone = [numbered(each - 150) for each in range(200, number + 1)]
        assert trie.root() == defined_root([digest for digest in live if digest not in gone])


def test_twice_is_once() -> None:
    for count in (10, 200):
        trie = Trie(hash16, some(count) + some(count))
        assert len(trie) == count
        root = trie.root()
        assert not trie.add(numbered(5))
        assert not trie.remove(numbered(count))
        assert (len(trie), trie.root()) == (count, root)
        assert trie.remove(numbered(5))
        assert not trie.remove(numbered(5))
        assert trie.add(numbered(5))
        assert trie.root() == root


def test_what_is_there() -> None:
    for make in (some, near, far):
        digests = make(220)
        for count in (0, 40, 200):
            trie = Trie(hash16, digests[:count])
            for number, digest in enumerate(digests):
                assert (digest in trie) == (number < count)


def test_the_size_of_a_digest() -> None:
    for length in (0, 15, 17):
        raises(ValueError, Trie(hash16).add, bytes(length))


def test_only_what_changed_is_hashed_again() -> None:
    hashed: list[bytes] = []

    def counting(data: bytes) -> bytes:
        hashed.append(data)
        return hash16(data)

    trie = Trie(counting, some(1500))
    trie.add(numbered(2000))
    assert not hashed, "before it was asked for"
    trie.root()
    assert len(hashed) > 16
    hashed.clear()
    trie.root()
    # The root's own digest is made of what is known.
    assert len(hashed) == 1
    hashed.clear()
    trie.add(numbered(2001))
    trie.root()
    assert len(hashed) == 3
    hashed.clear()
    assert not trie.add(numbered(2001))
    trie.node("")
    assert not hashed


def test_a_walk_finds_everything() -> None:
    for make in (some, near):
        digests = make(300)
        trie = grown(digests)
        found: list[bytes] = []
        prefixes = [""]
        while prefixes:
            prefix = prefixes.pop()
            kind, below = trie.node(prefix)
            if kind == "list":
                assert len(below) <= LEAF_DIGESTS
                assert below == sorted(below)
                found.extend(below)
                continue
            assert kind == "children"
            assert len(below) == 16
            for nibble, child in zip("0123456789abcdef", below):  # noqa: B905
                under = [each for each in digests if each.hex().startswith(prefix + nibble)]
                assert child == defined_root(under, len(prefix) + 1)
                if child != EMPTY:
                    prefixes.append(prefix + nibble)
        assert sorted(found) == sorted(digests)


def test_a_prefix_below_a_leaf() -> None:
    digests = some(40)
    trie = grown(digests)
    for digest in digests:
        for length in (1, 2, 31, 32):
            prefix = digest.hex()[:length]
            expected = sorted(each for each in digests if each.hex().startswith(prefix))
            assert trie.node(prefix) == ("list", expected)
    assert trie.node(numbered(40).hex()) == ("list", [])


def test_a_walk_finds_the_differences_of_two() -> None:
    ours, theirs = grown(some(700)), grown(some(701)[3:])
    differ: list[bytes] = []
    prefixes = [""]
    asked = 0
    while prefixes:
        prefix = prefixes.pop()
        asked += 1
        kind, here = ours.node(prefix)
        other_kind, there = theirs.node(prefix)
        if kind == other_kind == "children":
            for nibble, one, other in zip("0123456789abcdef", here, there):  # noqa: B905
                if one != other:
                    prefixes.append(prefix + nibble)
        else:
            assert kind == other_kind == "list"
            differ.extend([each for each in here if each not in there])
            differ.extend([each for each in there if each not in here])
    assert sorted(differ) == sorted([numbered(number) for number in (0, 1, 2, 700)])
    assert asked <= 5
