"""The receiving half of secretstream, written from docs/protocol.md, "Secretstream in full"."""

MASK = 0xFFFFFFFF
CONSTANTS = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
POLY_PRIME = 2**130 - 5


class Opener:
    """Opens the frames of one direction in order."""

    def __init__(self, session_key: bytes, header: bytes) -> None:
        self.key = hchacha20(session_key, header[:16])
        self.inonce = header[16:24]
        self.count = 1

    def open(self, frame: bytes) -> tuple[bytes, int]:
        """Return (plaintext, tag); raises ValueError."""
        nonce = self.nonce()
        sealed, mac = frame[1:-16], frame[-16:]
        # The byte on the wire stands for the first of `first`; the others are bare key stream.
        stream = chacha20(self.key, nonce, 1, 64)
        first = frame[:1] + stream[1:]
        padding = bytes((16 - 64 + len(sealed)) % 16)
        lengths = bytes(8) + (64 + len(sealed)).to_bytes(8, "little")
        if mac != poly1305(chacha20(self.key, nonce, 0, 32), first + sealed + padding + lengths):
            raise ValueError("does not open")
        tag = frame[0] ^ stream[0]
        plaintext = xor(sealed, chacha20(self.key, nonce, 2, len(sealed)))
        self.inonce = xor(self.inonce, mac[:8])
        self.count = (self.count + 1) & MASK
        if tag & 2 or self.count == 0:
            fresh = xor(self.key + self.inonce, chacha20(self.key, self.nonce(), 0, 40))
            self.key, self.inonce, self.count = fresh[:32], fresh[32:], 1
        return plaintext, tag

    def nonce(self) -> bytes:
        return self.count.to_bytes(4, "little") + self.inonce


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def rounds(state: list[int]) -> list[int]:
    state = list(state)
    for _ in range(10):
        for a, b, c, d in (
            *((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)),
            *((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)),
        ):
            steps = ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7))
            for summed, added, turned, by in steps:
                state[summed] = (state[summed] + state[added]) & MASK
                mixed = state[turned] ^ state[summed]
                state[turned] = ((mixed << by) | (mixed >> (32 - by))) & MASK
    return state


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    state = rounds(CONSTANTS + words(key) + words(nonce))
    return b"".join(word.to_bytes(4, "little") for word in state[:4] + state[12:])


def chacha20(key: bytes, nonce: bytes, block: int, length: int) -> bytes:
    stream = bytearray()
    while len(stream) < length:
        start = CONSTANTS + words(key) + [block] + words(nonce)
        for before, after in zip(start, rounds(start), strict=True):
            stream += ((before + after) & MASK).to_bytes(4, "little")
        block += 1
    return bytes(stream[:length])


def poly1305(key: bytes, message: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\x01", "little")) * r % POLY_PRIME
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")
