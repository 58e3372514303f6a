"""Keys, signatures, sealed channels (libsodium through PyNaCl) and block hashing.

The low-level bindings are used on purpose: `nacl.signing` and its encoders cost about 3 MB more.
"""

import os
from _sha3 import sha3_512  # type: ignore[import-not-found]
from typing import Protocol

from nacl import bindings, exceptions

SEED_BYTES = bindings.crypto_sign_SEEDBYTES
SIGNATURE_BYTES = bindings.crypto_sign_BYTES
KEY_BYTES = 32
STREAM_HEADER_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
SEAL_OVERHEAD_BYTES = bindings.crypto_secretstream_xchacha20poly1305_ABYTES

_TAG_MESSAGE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_TAG_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class SealBroken(Exception):
    """A sealed frame does not open: altered, replayed, out of order or of another channel."""


def random_bytes(count: int) -> bytes:
    """Return `count` bytes from the system's cryptographic source."""
    return os.urandom(count)


def new_seed() -> bytes:
    """Return a fresh 32-byte Ed25519 seed."""
    return os.urandom(SEED_BYTES)


class Hasher(Protocol):
    """An incremental hash."""

    def update(self, data: bytes | bytearray, /) -> None:
        """Take the next bytes."""

    def hexdigest(self) -> str:
        """Return the lowercase hex digest of all bytes so far."""


def new_block_hasher() -> Hasher:
    """Return an incremental SHA3-512 (FIPS 202): `update(bytes)`, `hexdigest()` is the block id.

    The interpreter's own implementation, since `hashlib` would load OpenSSL (7 MB).
    It releases the GIL for pieces over 2 KiB: hash large data in a thread.
    """
    hasher: Hasher = sha3_512()
    return hasher


def digest16(data: bytes) -> bytes:
    """Return BLAKE2b (RFC 7693) of `data` with 16 bytes of output: ids of batches, trie nodes."""
    return bindings.crypto_generichash_blake2b_salt_personal(data, digest_size=16)


def network_key(secret: str) -> bytes:
    """Return the 32-byte key that stands for the secret of a closed network."""
    return bindings.crypto_generichash_blake2b_salt_personal(
        secret.encode(), digest_size=KEY_BYTES, person=b"edgenode network"
    )


def derive(key: bytes, data: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes: keyed BLAKE2b of `data` under a 32-byte `key`, for one purpose (16 bytes).

    A MAC of `data`, or a new key where `data` is one.
    """
    return bindings.crypto_generichash_blake2b_salt_personal(
        data, digest_size=KEY_BYTES, key=key, person=purpose
    )


class SigningKey:
    """An Ed25519 key pair (RFC 8032) made from a 32-byte seed."""

    __slots__ = ("_secret", "public_key")

    def __init__(self, seed: bytes) -> None:
        self.public_key, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte detached signature of `message`."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (64 bytes) is `public_key`'s (32 bytes) over `message`.

    libsodium refuses small-order keys and non-canonical signatures.
    """
    if len(public_key) != bindings.crypto_sign_PUBLICKEYBYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except exceptions.BadSignatureError:
        return False
    return True


class EphemeralKey:
    """An X25519 key pair for one handshake (`crypto_kx`)."""

    __slots__ = ("_secret", "public_key")

    def __init__(self, seed: bytes | None = None) -> None:
        """Make a fresh pair, or the one of a 32-byte `seed` (test vectors)."""
        if seed is None:
            self.public_key, self._secret = bindings.crypto_kx_keypair()
        else:
            self.public_key, self._secret = bindings.crypto_kx_seed_keypair(seed)

    def session_keys(self, peer_public_key: bytes, *, initiator: bool) -> tuple[bytes, bytes]:
        """Return (receive key, send key), 32 bytes each; the initiator is the `crypto_kx` client.

        Raises `SealBroken` for a key that libsodium refuses (small order).
        """
        derive = (
            bindings.crypto_kx_client_session_keys
            if initiator
            else bindings.crypto_kx_server_session_keys
        )
        try:
            receive, send = derive(self.public_key, self._secret, peer_public_key)
        except exceptions.CryptoError as error:
            raise SealBroken("unacceptable ephemeral key") from error
        return receive, send


class Sealer:
    """The sending half of a channel: libsodium `secretstream` (XChaCha20-Poly1305)."""

    __slots__ = ("_state", "header")

    def __init__(self, key: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        self.header = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)

    def seal(self, plaintext: bytes, *, final: bool = False) -> bytes:
        """Return the next frame: `plaintext` and 17 bytes; `final` marks the orderly end."""
        tag = _TAG_FINAL if final else _TAG_MESSAGE
        return bindings.crypto_secretstream_xchacha20poly1305_push(
            self._state, plaintext, None, tag
        )


class Opener:
    """The receiving half of a channel, begun with the peer's 24-byte stream header."""

    __slots__ = ("_state",)

    def __init__(self, key: bytes, header: bytes) -> None:
        if len(header) != STREAM_HEADER_BYTES:
            raise SealBroken("stream header of a wrong length")
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def open(self, frame: bytes) -> tuple[bytes, bool]:
        """Return (plaintext, whether it is the final frame); raises `SealBroken`."""
        if len(frame) < SEAL_OVERHEAD_BYTES:
            raise SealBroken("sealed frame too short")
        try:
            plaintext, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(
                self._state, frame, None
            )
        except exceptions.CryptoError as error:
            raise SealBroken("sealed frame does not open") from error
        return plaintext, tag == _TAG_FINAL
