"""Errors that cross from one part to another.

Each has a stable `code` (kebab-case, part of the protocol and of the REST problem types) and a
message for people. A part raises these instead of its library's own errors.
"""


class EdgenodeError(Exception):
    """Base of all errors that edgenode raises on purpose."""

    code = "error"


class DecodeError(EdgenodeError):
    """Bytes from outside that do not decode; the message begins with the path to the field."""

    code = "malformed"


class ProtocolError(EdgenodeError):
    """A peer broke the protocol: the link is closed with `code` as its reason."""

    code = "protocol-violation"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BlockError(EdgenodeError):
    """A block could not be stored, read or fetched."""

    code = "block-error"


class EmptyBlock(BlockError):
    """A block has at least one byte."""

    code = "empty-block"


class BlockTooLarge(BlockError):
    """More bytes than `max_block_size`."""

    code = "block-too-large"


class HashMismatch(BlockError):
    """The bytes do not hash to the block id that was given."""

    code = "hash-mismatch"


class StoreFull(BlockError):
    """`max_bytes` is reached, or the disk has no more than `reserve_bytes` left."""

    code = "store-full"


class StoreFailed(BlockError):
    """The disk refused a read or a write."""

    code = "store-failed"


class BlockUnavailable(BlockError):
    """No linked peer could hand over the block; the message names each and its reason."""

    code = "block-unavailable"


class NotHolder(BlockError):
    """A node is to be made the location of a block that it does not hold."""

    code = "not-a-holder"


class Busy(EdgenodeError):
    """A bound on work under way is reached; trying again later may succeed."""

    code = "busy"


class NeverShutOut(EdgenodeError):
    """The address is loopback's or a static peer's, which no blacklist holds."""

    code = "never-shut-out"


class BlacklistFull(EdgenodeError):
    """The operator's own entries on the blacklist have reached their bound."""

    code = "blacklist-full"


class BadInvitation(EdgenodeError):
    """What was given is no invitation that this node can take; the message says why."""

    code = "bad-invitation"


class JoinConflict(EdgenodeError):
    """The settings say otherwise than an invitation; the message names file, key and remedy."""

    code = "join-conflict"


class NoInvitation(EdgenodeError):
    """This node cannot invite now; the message says why."""

    code = "no-invitation"


class DataFolderError(EdgenodeError):
    """A file in `data_dir` cannot be used; the message says which, why, and what to do."""

    code = "data-folder-error"


class DataFolderInUse(DataFolderError):
    """Another process has `data_dir`; the message says which."""

    code = "data-folder-in-use"
