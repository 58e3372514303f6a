"""Names and text of a service."""

import pytest
from zeroconf import ServiceInfo

from edgenode.discover.servicetext import (
    MAX_LABEL_BYTES,
    SERVICE,
    ServiceText,
    instance_name,
    properties,
    read_text,
    target_name,
)

NODE_ID = "0123456789abcdef" * 4


def text_of(network: str = "brightchain", capabilities: tuple[str, ...] = ("store",)) -> bytes:
    found = properties(
        node_id=NODE_ID,
        version="0.1.0",
        network=network,
        capabilities=capabilities,
        http_port=4280,
    )
    return bytes(ServiceInfo(SERVICE, "x." + SERVICE, port=1, properties=dict(found)).text)


def test_what_is_written_is_read() -> None:
    assert read_text(text_of()) == ServiceText(NODE_ID, "brightchain")


def test_what_is_too_long_is_cut() -> None:
    text = text_of("ä" * 128, tuple(64 * chr(ord("a") + number) for number in range(16)))
    assert len(text) <= 750
    assert read_text(text) == ServiceText(NODE_ID, "ä" * 100)
    assert b"capabilities=" + 64 * b"a" + b"," in text


@pytest.mark.parametrize(
    ("host_name", "name"),
    [
        ("raspberrypi", "raspberrypi-0123456789abcdef"),
        ("pi.home.example", "pi-0123456789abcdef"),
        ("a b\x00c", "a-b-c-0123456789abcdef"),
        ("", "edgenode-0123456789abcdef"),
        (64 * "x", 46 * "x" + "-0123456789abcdef"),
        (64 * "ä", 23 * "ä" + "-0123456789abcdef"),
    ],
)
def test_the_name_of_an_instance(host_name: str, name: str) -> None:
    assert instance_name(host_name, NODE_ID) == name
    assert len(name.encode()) <= MAX_LABEL_BYTES


def test_the_name_of_the_host_is_not_the_systems_own() -> None:
    assert target_name(NODE_ID) == "edgenode-0123456789abcdef.local."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x05abc",
        b"\x09network=x",
        bytes((71,)) + b"nodeId=" + NODE_ID.encode(),
        bytes((71,)) + b"nodeId=" + NODE_ID.upper().encode() + b"\x09network=x",
        bytes((70,)) + b"nodeId=" + NODE_ID[1:].encode() + b"\x09network=x",
        bytes((71,)) + b"nodeId=" + NODE_ID.encode() + b"\x09network=\xff",
        bytes((71,)) + b"nodeId=" + NODE_ID.encode() + b"\x09network=x" + 1024 * b"\x00",
    ],
)
def test_the_text_of_somebody_else_is_none(data: bytes) -> None:
    assert read_text(data) is None


def test_keys_have_no_case_and_the_first_counts() -> None:
    text = bytes((71,)) + b"NODEID=" + NODE_ID.encode() + b"\x09network=x\x09Network=y"
    assert read_text(text) == ServiceText(NODE_ID, "x")
