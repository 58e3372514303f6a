"""Why a link is closed: each reason's name and its WebSocket close code (RFC 6455, 7.4.2).

The names are the protocol's; 4000 to 4999 is the range for private use.
"""

CLOSE_CODES = {
    "bye": 1000,  # an orderly end: the node stops, or has no more use for the link
    "frame-too-large": 1009,  # over the limit that the receiver's hello names
    "malformed": 4000,  # bytes that do not decode
    "wrong-version": 4001,
    "wrong-network": 4002,  # another name, or another secret
    "wrong-node": 4003,  # another node answered than was expected, or was called
    "self": 4004,  # a node reached itself
    "bad-proof": 4005,  # the signature over the two hellos does not verify
    "bad-seal": 4006,  # a sealed frame does not open
    "protocol-violation": 4007,  # well-formed, but not allowed here
    "duplicate": 4008,  # the other link between the same two nodes stays
    "clone": 4009,  # another live process shows the same identity
    "too-slow": 4010,  # a deadline passed: handshake, pong, or a queue that does not drain
    "busy": 4011,  # a bound on links is reached
    "bad-signature": 4012,  # passed on what its origin did not sign
    "retired": 4015,  # the peer has replaced this key by another one
    "not-a-member": 4013,  # the network is closed, and the peer does not belong to it
    "over-rate": 4014,  # more was sent than is allowed, for too long
}


def close_code(reason: str) -> int:
    """Return the close code of `reason`; an unknown reason counts as a protocol violation."""
    return CLOSE_CODES.get(reason, CLOSE_CODES["protocol-violation"])


def reason_of(code: "int | None") -> str:
    """Return the name of a peer's close code, `cut` where there is none that we know."""
    for name, known in CLOSE_CODES.items():
        if known == code:
            return name
    return "cut"
