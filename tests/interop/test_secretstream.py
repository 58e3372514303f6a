"""The construction of the seal as docs/protocol.md gives it, against libsodium."""

import json
import os

import pytest
from nacl import bindings as sodium

from tests.interop.secretstream import Opener
from tests.vectors import make

TAGS = {"message": 0, "push": 1, "rekey": 2, "final": 3}


def test_the_vectors_open() -> None:
    vectors = json.loads(make.PATH.read_text())
    for side in make.SIDES:
        key = bytes.fromhex(vectors["sessionKeys"][side + "Sends"])
        opener = Opener(key, bytes.fromhex(vectors["handshake"][side]["streamHeader"]))
        for frame in vectors["frames"]:
            if frame["sender"] == side:
                plaintext, tag = opener.open(bytes.fromhex(frame["sealed"]))
                assert plaintext.hex() == frame["plaintext"]
                assert tag == TAGS["final" if frame["kind"] == "end" else "message"]


def test_every_length_and_every_tag() -> None:
    """Padding differs with the length, and what follows a tag with its second bit has a new key."""
    key = os.urandom(32)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    opener = Opener(key, sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key))
    for length in range(140):
        tag = length % 4
        plaintext = os.urandom(length)
        frame = sodium.crypto_secretstream_xchacha20poly1305_push(state, plaintext, None, tag)
        assert opener.open(frame) == (plaintext, tag)


def test_an_altered_frame_does_not_open() -> None:
    key = os.urandom(32)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    frame = sodium.crypto_secretstream_xchacha20poly1305_push(state, b"text", None, 0)
    for place in range(len(frame)):
        altered = bytearray(frame)
        altered[place] ^= 1
        with pytest.raises(ValueError, match="open"):
            Opener(key, header).open(bytes(altered))
