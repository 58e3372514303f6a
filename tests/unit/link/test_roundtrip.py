"""The round trip that the kernel measures."""

import socket
import sys

import pytest

from edgenode.link.roundtrip import round_trip_s, sent_again


def test_a_real_connection_has_one() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as near,
    ):
        far, _ = listening.accept()
        with far:
            near.sendall(b"x")
            assert far.recv(1) == b"x"
            for end in (near, far):
                found = round_trip_s(end)
                assert found is not None
                assert 0 < found < 1


def test_a_socket_that_is_gone_has_none() -> None:
    gone = socket.socket()
    gone.close()
    assert round_trip_s(gone) is None


class Answering:
    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        return self.answer


def test_what_the_kernel_says() -> None:
    assert round_trip_s(Answering(bytes(68) + (1500).to_bytes(4, sys.byteorder))) == 0.0015
    assert round_trip_s(Answering(bytes(72))) is None
    assert round_trip_s(Answering(bytes(68))) is None


def test_another_kernel_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_INFO")
    assert round_trip_s(Answering(bytes(68) + b"\x01\x00\x00\x00")) is None


def test_how_often_the_same_was_sent_again() -> None:
    assert sent_again(Answering(b"\x01\x00\x04")) == 4
    assert sent_again(Answering(b"")) == 0
    gone = socket.socket()
    gone.close()
    assert sent_again(gone) == 0
