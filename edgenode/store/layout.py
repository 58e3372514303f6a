"""Where the files of the block store are: `<first two hex>/<id>`, `incoming/`, `quarantine/`."""

from pathlib import Path

from edgenode.core.ids import is_block_id

FAN_OUT = 256  # folders by the first byte of the id: 10^6 blocks are 4,000 files in each


class Layout:
    """The paths below the folder `root`; every id is checked before it becomes part of one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.quarantine = root / "quarantine"

    def fan_out(self, first_byte: int) -> Path:
        """Return the folder of the blocks whose id begins with `first_byte` (0 to 255)."""
        return self.root / f"{first_byte:02x}"

    def block(self, block_id: str) -> Path:
        """Return the file of a block; ValueError for what is no block id."""
        digest = block_digest(block_id)
        return self.fan_out(digest[0]) / digest.hex()

    def partial(self, block_id: str) -> Path:
        """Return the file of a transfer under way; ValueError for what is no block id."""
        return self.incoming / f"{block_digest(block_id).hex()}.part"

    def quarantined(self, block_id: str) -> Path:
        """Return the file of a block set aside; ValueError for what is no block id."""
        return self.quarantine / block_digest(block_id).hex()


def block_digest(block_id: str) -> bytes:
    """Return the 64 bytes of a block id; ValueError for what is none.

    Paths are built from these bytes, never from text that came from outside.
    """
    if not is_block_id(block_id):
        message = "not a block id: 128 lowercase hex digits are expected"
        raise ValueError(message)
    return bytes.fromhex(block_id)
