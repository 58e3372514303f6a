"""What invitations have told, kept in the data folder: nodes to begin with, and the network.

`joined.json` is {"network": {"id", "secret": bool} or null, "nodes": [{"nodeId", "network",
"addresses": [{"address", "port"}]}]}, the latest node last; the secret itself is in a file of its
own, as one in the settings' `secret_file`. Both have mode 0600.
"""

from pathlib import Path
from typing import NamedTuple

from edgenode.core.errors import DataFolderError, DecodeError
from edgenode.core.events import MAX_PORT
from edgenode.core.fields import Fields
from edgenode.core.ids import NODE_ID_LENGTH
from edgenode.core.invite import MAX_ADDRESSES, MAX_NETWORK_CHARS, is_network
from edgenode.core.ip import MAX_LITERAL_CHARS, parse_ip
from edgenode.core.strictjson import decode, encode
from edgenode.store.files import replace_durably

JOINED_FILE = "joined.json"
SECRET_FILE = "network.secret"  # noqa: S105 - the name of a file

# Each is a place to begin with, of which a node dials four; the oldest goes first.
MAX_NODES = 16
MAX_FILE_BYTES = 32 * 1024  # of as many, with room to spare


class JoinedNode(NamedTuple):
    """A node that an invitation was from; `addresses` are (IP literal, TCP port), best first."""

    node_id: str
    network: str
    addresses: tuple[tuple[str, int], ...]


class Joined(NamedTuple):
    """All that is kept; `network` is "" where no invitation has named another than the settings.

    `secret` tells whether one of that network is kept.
    """

    network: str = ""
    secret: bool = False
    nodes: tuple[JoinedNode, ...] = ()


def read_joined(data_dir: Path) -> Joined:
    """Return what is kept. DataFolderError: it cannot be read, or is damaged. Blocking."""
    path = data_dir / JOINED_FILE
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Joined()
    except OSError as error:
        raise DataFolderError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        fields = Fields(decode(data, max_bytes=MAX_FILE_BYTES), "joined")
        network = fields.optional_section("network")
        nodes = tuple(_node(item) for item in fields.items("nodes", MAX_NODES))
        if network is None:
            return Joined(nodes=nodes)
        return Joined(_network(network, "id"), network.boolean("secret"), nodes)
    except DecodeError as error:
        message = f"{path} is damaged ({error}): remove it, and join again"
        raise DataFolderError(message) from error


def write_joined(data_dir: Path, joined: Joined, secret: str = "") -> None:
    """Keep it instead of what was kept, durably; `secret` is a new one, "" leaves the old one.

    Where `joined.secret` is False the old one is removed. Raises OSError. Blocking.
    """
    if secret:
        replace_durably(data_dir / SECRET_FILE, secret.encode() + b"\n")
    nodes = [
        {
            "nodeId": node.node_id,
            "network": node.network,
            "addresses": [{"address": host, "port": port} for host, port in node.addresses],
        }
        for node in joined.nodes
    ]
    network = {"id": joined.network, "secret": joined.secret} if joined.network else None
    replace_durably(data_dir / JOINED_FILE, encode({"network": network, "nodes": nodes}) + b"\n")
    if not joined.secret:
        (data_dir / SECRET_FILE).unlink(missing_ok=True)


def _node(fields: Fields) -> JoinedNode:
    places = fields.items("addresses", MAX_ADDRESSES)
    return JoinedNode(
        fields.hex_bytes("nodeId", NODE_ID_LENGTH // 2).hex(),
        _network(fields, "network"),
        tuple(_place(place) for place in places),
    )


def _place(fields: Fields) -> tuple[str, int]:
    host = fields.text("address", MAX_LITERAL_CHARS)
    if parse_ip(host) is None:
        raise DecodeError("joined: address: expected an IP address")
    return host, fields.integer("port", 1, MAX_PORT)


def _network(fields: Fields, name: str) -> str:
    text = fields.text(name, MAX_NETWORK_CHARS)
    if not is_network(text):
        raise DecodeError(f"joined: {name}: expected the name of a network")
    return text
