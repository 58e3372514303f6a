"""The data of the events by which peers help one another to be reached.

A node that does not know them ignores them, as it does any event of a later version. Every
`decode` raises `DecodeError`.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.events import MAX_PORT, MAX_REASON_CHARS
from edgenode.core.ip import MAX_LITERAL_CHARS, parse_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.fields import Fields

DIAL_BACK = "reach:dialback"

# 128 random bits: nobody guesses the name of a dial-back before its end.
NONCE_BYTES = 16

ASK = "ask"
RESULT = "result"

# What became of a dial-back. `busy` and `declined` say nothing of the asker.
REACHED = "reached"
UNREACHED = "unreached"
BUSY = "busy"
DECLINED = "declined"

# Where a dial-back is to knock on the peer port.
PATH = "/reach/"


class DialBack:
    """`reach:dialback`: asking a peer to connect to us from outside, or telling what came of it.

    `op` is `ask` (port: where to connect, at the address that the link comes from) or `result`
    (result: REACHED, UNREACHED, BUSY, DECLINED or a later word; address: the asker's IP literal as
    the teller sees it). `nonce` is the asker's, 16 bytes.
    """

    __slots__ = ("address", "nonce", "op", "port", "result")

    def __init__(
        self, op: str, nonce: bytes, *, port: int = 0, result: str = "", address: str = ""
    ) -> None:
        self.op = op
        self.nonce = nonce
        self.port = port
        self.result = result
        self.address = address

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        data: dict[str, object] = {"op": self.op, "nonce": self.nonce.hex()}
        if self.op == ASK:
            data["port"] = self.port
        else:
            data["result"] = self.result
            data["address"] = self.address
        return data


def decode_dial_back(data: "Fields") -> "DialBack | None":
    """Return the step in `data`, None where its `op` is one of a later version."""
    op = data.text("op", MAX_REASON_CHARS)
    if op not in (ASK, RESULT):
        return None
    step = DialBack(op, data.hex_bytes("nonce", NONCE_BYTES))
    if op == ASK:
        step.port = data.integer("port", 1, MAX_PORT)
    else:
        step.result = data.text("result", MAX_REASON_CHARS)
        step.address = data.text("address", MAX_LITERAL_CHARS)
        if parse_ip(step.address) is None:
            raise DecodeError("message.data.address: not an IP address")
    return step
