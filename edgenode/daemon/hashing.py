"""Block hashing for the command line, which verifies what it fetches."""

from edgenode.crypto import new_block_hasher

__all__ = ["new_block_hasher"]
