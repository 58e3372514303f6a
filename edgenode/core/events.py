"""The data of each event that travels in a WSMessage: typed, strict in what it knows.

Fields that are not known are ignored. Every `decode` raises `DecodeError`.
"""

from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.ids import is_block_id
from edgenode.core.signed import decode_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.signed import Signed

MAX_CAPABILITIES = 16
MAX_CAPABILITY_CHARS = 64
MAX_VERSION_CHARS = 32
MAX_REGION_CHARS = 64
MAX_REASON_CHARS = 32
MAX_PORT = 65535
MAX_PING_NONCE = 2**32 - 1

# The largest block that a size in the protocol can name: what JSON readers hold exactly.
MAX_SIZE = 2**53 - 1
MAX_FETCH_ID = 2**32 - 1

# What one peer may tell at once (the bucket of addresses it may tell); 60 KiB of them.
MAX_ADVERTISEMENTS = 64

# The bytes that one `want` may ask for. Two of them are under way at once, so a transfer holds at
# most 512 KiB between the two nodes and fills 5 MB/s at a round trip of 100 ms.
MAX_WANT_BYTES = 256 * 1024

WANT = "want"
HAVE = "have"
LACK = "lack"


class Announce:
    """`node:announce`: what a node says of itself on each new link.

    `advertisements` are those of itself and of other nodes, as they were signed, unverified.
    """

    __slots__ = ("advertisements", "capabilities", "http_port", "region", "version", "ws_port")

    def __init__(
        self,
        *,
        version: str,
        http_port: "int | None",
        ws_port: int,
        capabilities: "list[str]",
        region: str,
        advertisements: "list[Signed] | None" = None,
    ) -> None:
        self.advertisements = advertisements or []
        self.version = version
        self.http_port = http_port
        self.ws_port = ws_port
        self.capabilities = capabilities
        self.region = region

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        data: dict[str, object] = {
            "version": self.version,
            "httpPort": self.http_port,
            "wsPort": self.ws_port,
            "capabilities": self.capabilities,
            "region": self.region,
        }
        if self.advertisements:
            data["advertisements"] = [signed.to_data() for signed in self.advertisements]
        return data


def decode_announce(data: Fields) -> Announce:
    """Return the announcement in `data`."""
    return Announce(
        version=data.text("version", MAX_VERSION_CHARS),
        http_port=data.integer("httpPort", 1, MAX_PORT, default=None),
        ws_port=data.integer("wsPort", 1, MAX_PORT),
        capabilities=data.texts("capabilities", MAX_CAPABILITIES, MAX_CAPABILITY_CHARS),
        region=data.text("region", MAX_REGION_CHARS),
        advertisements=[
            decode_signed(item) for item in data.items("advertisements", MAX_ADVERTISEMENTS, [])
        ],
    )


def decode_nonce(data: Fields) -> int:
    """Return the nonce of a `system:ping` or `system:pong`, which answers with the same."""
    return data.integer("nonce", 0, MAX_PING_NONCE)


def decode_leave(data: Fields) -> str:
    """Return the reason of a `node:leave`."""
    return data.text("reason", MAX_REASON_CHARS)


class BlockSync:
    """`block:sync`: one step of handing over a block.

    `op` is `want` (offset, length; length 0 only asks who holds it), `have` (size) or `lack`
    (reason). `fetch_id` is the asker's and names the transfer in answers and chunks. `through`
    in a want: what the peer lacks it may get from another that it is linked with, passing the
    bytes on; in a have: that is how it would hand over the block.
    """

    __slots__ = ("block_id", "fetch_id", "length", "offset", "op", "reason", "size", "through")

    def __init__(
        self,
        op: str,
        block_id: str,
        fetch_id: int,
        *,
        offset: int = 0,
        length: int = 0,
        size: int = 0,
        reason: str = "",
        through: bool = False,
    ) -> None:
        self.op = op
        self.block_id = block_id
        self.fetch_id = fetch_id
        self.offset = offset
        self.length = length
        self.size = size
        self.reason = reason
        self.through = through

    def to_data(self) -> "dict[str, object]":
        """Return the event's data."""
        data: dict[str, object] = {
            "op": self.op,
            "blockId": self.block_id,
            "fetchId": self.fetch_id,
        }
        if self.op == WANT:
            data["offset"] = self.offset
            data["length"] = self.length
        elif self.op == HAVE:
            data["size"] = self.size
        else:
            data["reason"] = self.reason
        if self.through:
            data["through"] = True
        return data


def decode_block_sync(data: Fields) -> "BlockSync | None":
    """Return the step in `data`, None where its `op` is one of a later version."""
    op = data.text("op", MAX_REASON_CHARS)
    if op not in (WANT, HAVE, LACK):
        return None
    block_id = data.text("blockId", 128)
    if not is_block_id(block_id):
        raise DecodeError("message.data.blockId: not a block id")
    sync = BlockSync(op, block_id, data.integer("fetchId", 0, MAX_FETCH_ID))
    if op == WANT:
        sync.offset = data.integer("offset", 0, MAX_SIZE)
        sync.length = data.integer("length", 0, MAX_WANT_BYTES)
    elif op == HAVE:
        sync.size = data.integer("size", 1, MAX_SIZE)
    else:
        sync.reason = data.text("reason", MAX_REASON_CHARS)
    if op != LACK:
        sync.through = data.boolean("through", False)
    return sync
