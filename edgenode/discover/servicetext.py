"""The names and the text of a node's service in mDNS (RFC 6763 sections 4 and 6)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SERVICE = "_edgenode._tcp.local."

MAX_LABEL_BYTES = 63
ID_CHARS = 16
"""Of the nodeId in names: 64 bits, so that no two nodes have the same."""

MAX_VALUE_BYTES = 200
"""Of one value; key, "=" and value must fit into 255 bytes."""

MAX_TEXT_BYTES = 1024
"""Of all strings of a service together: ours have at most 750."""

_ID_LENGTH = 64
_DIGITS = frozenset("0123456789abcdef")


class ServiceText(NamedTuple):
    """What is needed of a text."""

    node_id: str
    network: str
    """As far as it fits."""


def instance_name(host_name: str, node_id: str) -> str:
    """Return the label that people are shown: the host's name and the beginning of the nodeId."""
    label = "".join(
        character if character.isalnum() or character in "-_" else "-"
        for character in host_name.partition(".")[0]
    )
    shown = cut(label, MAX_LABEL_BYTES - ID_CHARS - 1) or "edgenode"
    return f"{shown}-{node_id[:ID_CHARS]}"


def target_name(node_id: str) -> str:
    """Return the name that has the addresses.

    It is not the host's own: that belongs to the system's mDNS daemon, if there is one.
    """
    return f"edgenode-{node_id[:ID_CHARS]}.local."


def properties(
    *, node_id: str, version: str, network: str, capabilities: Sequence[str], http_port: int
) -> Mapping[str, str]:
    """Return the keys and values; those capabilities for which there is no room are left out."""
    shown = list(capabilities)
    while len(",".join(shown).encode()) > MAX_VALUE_BYTES:
        shown.pop()
    return {
        "nodeId": node_id,
        "version": cut(version, MAX_VALUE_BYTES),
        "network": cut(network, MAX_VALUE_BYTES),
        "capabilities": ",".join(shown),
        "httpPort": str(http_port),
    }


def read_text(data: bytes) -> ServiceText | None:
    """Return what a text says; None where it is not that of a node. Of a repeated key the first."""
    if len(data) > MAX_TEXT_BYTES:
        return None
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            return None
        key, _, value = data[at + 1 : end].partition(b"=")
        found.setdefault(key.lower(), value)
        at = end
    try:
        node_id, network = found[b"nodeid"].decode(), found[b"network"].decode()
    except (KeyError, UnicodeDecodeError):
        return None
    if len(node_id) != _ID_LENGTH or not _DIGITS.issuperset(node_id):
        return None
    return ServiceText(node_id, network)


def cut(text: str, size: int) -> str:
    """Return as many of the first characters as have `size` bytes in UTF-8 at most."""
    return text.encode()[:size].decode(errors="ignore")
