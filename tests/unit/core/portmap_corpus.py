"""Reading of tests/corpus/portmap, on CPython and under MicroPython."""

CORPUS = __file__.rsplit("/", 3)[0] + "/corpus/portmap/"


def lines(name: str) -> "list[tuple[bytes, str]]":
    """Give each datagram of a corpus file and what it comes to; zN stands for N bytes of zeros."""
    found = []
    with open(CORPUS + name) as file:  # noqa: PTH123 - MicroPython has no pathlib
        for line in file:
            if line.startswith("#"):
                continue
            words, expected = line.rstrip("\n").split("\t")
            data = b""
            for word in words.split():
                data += bytes(int(word[1:])) if word[0] == "z" else bytes.fromhex(word)
            found.append((data, expected))
    assert found, "an empty corpus"
    return found
