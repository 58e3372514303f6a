"""Reading of the corpora in tests/corpus, on CPython and under MicroPython."""

CORPUS = __file__.rsplit("/", 3)[0] + "/corpus/json/"


def lines(name: str) -> "list[list[str]]":
    """Give the columns of each line of a corpus file that is not a comment."""
    with open(CORPUS + name) as file:  # noqa: PTH123 - MicroPython has no pathlib
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    assert rows, "an empty corpus"
    return rows


def unescape(text: str) -> bytes:
    """Give the bytes of a text in which %HH stands for one byte."""
    pieces = text.split("%")
    data = bytearray(pieces[0].encode())
    for piece in pieces[1:]:
        data.append(int(piece[:2], 16))
        data.extend(piece[2:].encode())
    return bytes(data)
