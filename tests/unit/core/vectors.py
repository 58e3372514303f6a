"""The test vectors of the protocol, on CPython and under MicroPython."""

from edgenode.core.strictjson import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = __file__.rsplit("/", 3)[0] + "/vectors/protocol.json"
MAX_BYTES = 400_000


def load() -> "Any":
    """Give the content of tests/vectors/protocol.json."""
    with open(PATH, "rb") as file:  # noqa: PTH123 - MicroPython has no pathlib
        return decode(file.read(), max_bytes=MAX_BYTES)
