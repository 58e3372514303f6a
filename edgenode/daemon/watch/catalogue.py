"""The warnings of the log by name: their MESSAGE_ID, and what they are about in a line.

`systemd/edgenode.catalog` has the same ids and lines, with what each means and what to do, for
`journalctl -x`. An id is never given to another warning.
"""

from collections.abc import Mapping
from typing import NamedTuple

UNEXPECTED = "unexpected"
"""What a library warns of, which knows none of these names."""


class Event(NamedTuple):
    """A kind of warning."""

    message_id: str
    """128 bits, in lowercase hex (sd-id128(3))."""
    subject: str


EVENTS: Mapping[str, Event] = {
    UNEXPECTED: Event(
        "8811c357561343f89f9e3d3552ebaff0", "Something that the node did not foresee"
    ),
    "start-failed": Event("da74ffcc0dc84e9a90120037f86ee545", "The node cannot start"),
    "part-failed": Event(
        "685406d8d7944ca28467f323b3d814d7", "A part of the node has ended by a mistake of its own"
    ),
    "not-alive": Event(
        "08f1f5ddc2814642b600a14de5abc013",
        "The node makes no progress, and its watchdog is not fed",
    ),
    "disk-refuses": Event("62f9a37d87a944108a2f4ae736100381", "The disk refuses to keep something"),
    "batch-not-kept": Event(
        "4020419d52b44acab26a944810413cb8", "Records of another node found no room"
    ),
    "request-failed": Event(
        "1bb6a8d15f8a4298b671b0d3b90b42ef",
        "A request to the HTTP or peer port failed inside the node",
    ),
    "secret-exposed": Event(
        "0c07b03f646342479545669d834c55c9", "A secret file could be read by other users"
    ),
    "machine-changed": Event(
        "05db76a3cf78438795a7fa21b3c63a54", "The data folder was begun on another machine"
    ),
    "older-copy": Event(
        "21589c9cc24240fdb8f9f8102370bffa", "The node went back to an older database"
    ),
    "block-damaged": Event(
        "23a8f0e72d5b493da21f77d588a533bf", "A block no longer has the bytes that its id stands for"
    ),
    "block-unreadable": Event("c74a16eb5708442c889623d22edbb367", "The disk cannot read a block"),
    "damaged-forgotten": Event(
        "66c93ba581b04ee9bebc670db4f5e5bd",
        "So many blocks are damaged that the node gives up getting them back",
    ),
    "fetched-damaged": Event(
        "df946ffa977a416bb4c3e3caaffd1aaa",
        "Bytes that peers handed over are not the block that was asked for",
    ),
    "clone": Event("f47613479bbd43cc8d6313afc6e1fea7", "Two machines run with the same identity"),
    "epoch-used": Event(
        "405c7d3f58964623b0eff00595966375",
        "This node's identity was used elsewhere, or its disk was set back",
    ),
    "key-elsewhere": Event("f98ae84c0c8048758caf659d977393a7", "This node's key is in other hands"),
    "peer-unreachable": Event(
        "e18bd06a61cd4c3b8bdf4197a07c7a9d", "A configured peer cannot be reached"
    ),
    "peer-fault": Event(
        "2dfabf12adda4c87adb9dfa62983b68a", "A peer broke the rules, and its link was ended"
    ),
    "accept-failed": Event(
        "10d4874bf9f549ae83226acf0bbbfc13", "The system has no room for another connection"
    ),
    "shut-out": Event(
        "a8aade43d47d447abc936bac065e3941",
        "An address is shut out for a while, for what came from it",
    ),
    "origin-malformed": Event(
        "9c2d0b68b92843ee8678939591d80783", "A node signed something malformed"
    ),
    "key-rotated": Event("17c68cb0e7c04691ad8fd15eb0edba3e", "Another node has a new key and id"),
    "origin-forked": Event(
        "55d83331f77143b7b39e107877161b17", "A node signed two different things under one number"
    ),
    "seed-failed": Event("04286d59cdd24c94a90ed2bbb2fb2f01", "A DNS seed gives no nodes"),
    "gateways-unknown": Event(
        "08ce5e47acbd40448ec16a51506ae969", "The routers of this network are not known"
    ),
    "mapping-not-kept": Event(
        "650741579c7442528a42bcb605e3efc0", "The port mapping is not remembered across restarts"
    ),
    "mdns-unavailable": Event(
        "9c1479aa11464a29a9a9266d0e125c08", "Neighbours cannot be found by mDNS"
    ),
    "lan-unavailable": Event(
        "fed9a88d065e41f6ad32e78da501351f",
        "Neighbours cannot be found by announcements on the local network",
    ),
}
