"""The form of the ids that the network knows."""

BLOCK_ID_LENGTH = 128  # SHA3-512 in hex
NODE_ID_LENGTH = 64  # an Ed25519 public key in hex

_LOWER_HEX = "0123456789abcdef"


def is_block_id(text: object) -> bool:
    """Whether `text` is a string of the form of a block id: 128 lowercase hex digits."""
    # Nothing is left only when every character is a digit. MicroPython's re has no {n}.
    return isinstance(text, str) and len(text) == BLOCK_ID_LENGTH and not text.strip(_LOWER_HEX)
