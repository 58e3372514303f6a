"""A Merkle prefix trie over the digests of an origin's live batches, to find where two differ.

16-ary, by the hex digits of the digests. A subtree of at most LEAF_DIGESTS digests has the digest
hash16(00 || its digests, ascending), a larger one hash16(01 || the digests of its 16 subtrees), an
empty one EMPTY. So equal sets have equal tries, in whatever order they came to be.

Small in memory, about 20 bytes a digest: a leaf is one bytes object. What has changed is hashed
when it is asked for, not before.
"""

from edgenode.core.signed import DIGEST_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The most that is told digest by digest, where the trie is walked; 64 of them, with the numbers
# of their batches, make a message of 4 KiB.
LEAF_DIGESTS = 64
LEAF_BYTES = LEAF_DIGESTS * DIGEST_BYTES
MAX_PREFIX_CHARS = 2 * DIGEST_BYTES
CHILDREN = 16

EMPTY = bytes(DIGEST_BYTES)

_ALL_CHANGED = (1 << CHILDREN) - 1


class _Branch:
    """A subtree of more than LEAF_DIGESTS digests: its 16 subtrees, and their digests when known.

    Bit n of `changed` says that the digest of subtree n has to be made anew.
    """

    __slots__ = ("changed", "children", "count", "digests")

    def __init__(self, children: "list[bytes | _Branch]", count: int) -> None:
        self.children = children
        self.count = count
        self.digests = bytearray(CHILDREN * DIGEST_BYTES)
        self.changed = _ALL_CHANGED


class Trie:
    """The digests (16 bytes each) of one set, and the digest of each subtree.

    `hash16` gives the 16-byte hash of bytes.
    """

    __slots__ = ("_hash16", "_top")

    def __init__(self, hash16: "Callable[[bytes], bytes]", digests: "Iterable[bytes]" = ()) -> None:
        self._hash16 = hash16
        joined = b"".join(sorted(set(digests)))
        self._top = _build(joined, 0, len(joined), 0)

    def __len__(self) -> int:
        return _count(self._top)

    def __contains__(self, digest: bytes) -> bool:
        subtree = self._top
        depth = 0
        while not isinstance(subtree, bytes):
            subtree = subtree.children[_nibble(digest, 0, depth)]
            depth += 1
        return _find(subtree, digest)[1]

    def add(self, digest: bytes) -> bool:
        """Take a digest in; return False where it was there. Raises ValueError for another size."""
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"a digest has {DIGEST_BYTES} bytes")
        top, changed = _added(self._top, digest, 0)
        self._top = top
        return changed

    def remove(self, digest: bytes) -> bool:
        """Take a digest out; return False where it was not there."""
        top, changed = _removed(self._top, digest, 0)
        self._top = top
        return changed

    def root(self) -> bytes:
        """Return the digest of the whole."""
        return self._digest(self._top)

    def node(self, prefix: str) -> "tuple[str, list[bytes]]":
        """Return what is under `prefix`, at most MAX_PREFIX_CHARS lowercase hex digits.

        ("children", the digests of its 16 subtrees), or ("list", the digests of the set that begin
        so, ascending) where these are at most LEAF_DIGESTS.
        """
        subtree = self._top
        for depth in range(len(prefix)):
            if isinstance(subtree, bytes):
                found = [digest for digest in _split(subtree) if digest.hex().startswith(prefix)]
                return "list", found
            subtree = subtree.children[int(prefix[depth], 16)]
        if isinstance(subtree, bytes):
            return "list", _split(subtree)
        self._refresh(subtree)
        return "children", _split(bytes(subtree.digests))

    def _digest(self, subtree: "bytes | _Branch") -> bytes:
        if isinstance(subtree, bytes):
            return self._hash16(b"\x00" + subtree) if subtree else EMPTY
        self._refresh(subtree)
        return self._hash16(b"\x01" + bytes(subtree.digests))

    def _refresh(self, branch: _Branch) -> None:
        for nibble in range(CHILDREN):
            if branch.changed >> nibble & 1:
                start = nibble * DIGEST_BYTES
                digest = self._digest(branch.children[nibble])
                branch.digests[start : start + DIGEST_BYTES] = digest
        branch.changed = 0


def _build(digests: bytes, start: int, end: int, depth: int) -> "bytes | _Branch":
    """Return the subtree of the ascending digests from `start` to `end`, places in bytes.

    All are alike in their first `depth` hex digits.
    """
    if end - start <= LEAF_BYTES:
        return digests[start:end]
    children = []
    begin = start
    for nibble in range(CHILDREN):
        # Where the next hex digit begins, by bisection.
        low, high = begin // DIGEST_BYTES, end // DIGEST_BYTES
        while low < high:
            middle = (low + high) // 2
            if _nibble(digests, middle * DIGEST_BYTES, depth) <= nibble:
                low = middle + 1
            else:
                high = middle
        children.append(_build(digests, begin, low * DIGEST_BYTES, depth + 1))
        begin = low * DIGEST_BYTES
    return _Branch(children, (end - start) // DIGEST_BYTES)


def _added(subtree: "bytes | _Branch", digest: bytes, depth: int) -> "tuple[bytes | _Branch, bool]":
    """Return the subtree with `digest`, and whether it was not there before."""
    if isinstance(subtree, bytes):
        place, there = _find(subtree, digest)
        if there:
            return subtree, False
        joined = subtree[:place] + digest + subtree[place:]
        return _build(joined, 0, len(joined), depth), True
    nibble = _nibble(digest, 0, depth)
    child, changed = _added(subtree.children[nibble], digest, depth + 1)
    if changed:
        subtree.children[nibble] = child
        subtree.changed |= 1 << nibble
        subtree.count += 1
    return subtree, changed


def _removed(
    subtree: "bytes | _Branch", digest: bytes, depth: int
) -> "tuple[bytes | _Branch, bool]":
    """Return the subtree without `digest`, and whether it was there before."""
    if isinstance(subtree, bytes):
        place, there = _find(subtree, digest)
        if not there:
            return subtree, False
        return subtree[:place] + subtree[place + DIGEST_BYTES :], True
    nibble = _nibble(digest, 0, depth)
    child, changed = _removed(subtree.children[nibble], digest, depth + 1)
    if not changed:
        return subtree, False
    subtree.children[nibble] = child
    subtree.changed |= 1 << nibble
    subtree.count -= 1
    if subtree.count <= LEAF_DIGESTS:
        # Its branches have no more than it has, so all its subtrees are leaves by now.
        return b"".join([leaf for leaf in subtree.children if isinstance(leaf, bytes)]), True
    return subtree, True


def _count(subtree: "bytes | _Branch") -> int:
    if isinstance(subtree, bytes):
        return len(subtree) // DIGEST_BYTES
    return subtree.count


def _find(leaf: bytes, digest: bytes) -> "tuple[int, bool]":
    """Return where in the leaf `digest` stands or would stand, and whether it does."""
    low, high = 0, len(leaf) // DIGEST_BYTES
    while low < high:
        middle = (low + high) // 2
        start = middle * DIGEST_BYTES
        if leaf[start : start + DIGEST_BYTES] < digest:
            low = middle + 1
        else:
            high = middle
    start = low * DIGEST_BYTES
    return start, leaf[start : start + DIGEST_BYTES] == digest


def _nibble(digests: bytes, start: int, depth: int) -> int:
    """Return hex digit number `depth` of the digest that begins at `start`."""
    byte = digests[start + depth // 2]
    return byte & 15 if depth & 1 else byte >> 4


def _split(digests: bytes) -> "list[bytes]":
    return [digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)]
