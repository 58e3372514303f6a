"""What both ways of reading and writing JSON hold to."""

# RFC 8259, section 6: integers that every reader holds exactly.
MAX_INTEGER = (1 << 53) - 1

# The longest double that any common writer makes has 24 characters; section 9 allows such a limit,
# without which the digits of a number cost quadratic time.
MAX_NUMBER_CHARS = 64

# Deeper than any message of the protocol, far from the depth at which MicroPython's stack ends.
MAX_ENCODE_DEPTH = 32

# How much of a key or a number an error message repeats.
SHOWN_CHARS = 40

INFINITY = float("inf")
