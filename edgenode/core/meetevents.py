"""`reach:meet`: two nodes that cannot reach each other come to a link through a common peer.

A step travels over two links: to the one in the middle, naming whom it is for, and from there on,
naming whom it is from and the address at which the one in the middle sees that node.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_PORT, MAX_REASON_CHARS
from edgenode.core.ip import MAX_LITERAL_CHARS, format_ip, from_mapped, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.fields import Fields

MEET = "reach:meet"

# I want a link with you; with a port, I can be reached there.
CALL = "call"
# I can be reached at this port: dial me.
DIAL = "dial"
# I cannot be reached: let us both connect at once; from outside my port looks like this one.
CONNECT = "connect"
# My port looks like this one; connect as soon as you have this.
SYNC = "sync"
# From the one in the middle: it cannot be told.
LACK = "lack"

_OPS = (CALL, DIAL, CONNECT, SYNC, LACK)
_WITH_PORT = (DIAL, CONNECT, SYNC)

MAX_MEET_ID = 2**32 - 1
# More than a meeting lasts, so that what it took says something.
MAX_WAITED_MS = 10_000
NODE_ID_BYTES = 32


class Meet:
    """One step of a meeting.

    `node` is the other end's nodeId, `meet_id` its caller's name for the meeting. `port` is 0 in a
    call of a node that cannot be reached. `waited_ms` in a `connect` is what its making took.
    `address` is an IP literal from the one in the middle, "" on the way there and in a lack. What
    was decoded has the usual form: an IPv4 address as such, an IPv6 one as RFC 5952 wants it.
    """

    __slots__ = ("address", "meet_id", "node", "op", "port", "reason", "waited_ms")

    def __init__(
        self,
        op: str,
        node: str,
        meet_id: int,
        *,
        port: int = 0,
        waited_ms: int = 0,
        address: str = "",
        reason: str = "",
    ) -> None:
        self.op = op
        self.node = node
        self.meet_id = meet_id
        self.port = port
        self.waited_ms = waited_ms
        self.address = address
        self.reason = reason

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        data: dict[str, object] = {"op": self.op, "node": self.node, "meetId": self.meet_id}
        if self.op == LACK:
            data["reason"] = self.reason
        else:
            data["port"] = self.port
        if self.op == CONNECT:
            data["waited"] = self.waited_ms
        if self.address:
            data["address"] = self.address
        return data


def decode_meet(data: "Fields") -> "Meet | None":
    """Return the step in `data`, None where its `op` is one of a later version."""
    op = data.text("op", MAX_REASON_CHARS)
    if op not in _OPS:
        return None
    meet = Meet(
        op, data.hex_bytes("node", NODE_ID_BYTES).hex(), data.integer("meetId", 0, MAX_MEET_ID)
    )
    if op == LACK:
        meet.reason = data.text("reason", MAX_REASON_CHARS)
        return meet
    meet.port = data.integer("port", 1 if op in _WITH_PORT else 0, MAX_PORT)
    if op == CONNECT:
        meet.waited_ms = data.integer("waited", 0, MAX_WAITED_MS)
    if address := data.text("address", MAX_LITERAL_CHARS, ""):
        packed = parse_ip(address)
        if packed is None:
            raise DecodeError("message.data.address: not an IP address")
        meet.address = format_ip(from_mapped(packed))
    return meet
