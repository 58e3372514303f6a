"""Making the frames that this node sends: the one way out."""

from collections.abc import Callable
from random import getrandbits

from edgenode.core.events import Announce, BlockSync
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.meetevents import MEET, Meet
from edgenode.core.message import (
    ANNOUNCE,
    BLOCK_SYNC,
    LEAVE,
    METADATA_SYNC,
    NODE_STATUS,
    PING,
    PONG,
    ROTATION,
    encode_message,
)
from edgenode.core.reachevents import DIAL_BACK, DialBack
from edgenode.core.rotation import Rotations
from edgenode.core.syncevents import Batches, NodeStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.triesync import MetadataSync


class Outbound:
    """Frames of this node's own messages; `wall_ms()` gives ms since 1970, shown to people."""

    def __init__(self, node_id: str, wall_ms: Callable[[], int]) -> None:
        self._node_id = node_id
        self._wall_ms = wall_ms

    def ping(self) -> bytes:
        """Return a `system:ping` with a fresh nonce."""
        return self._frame(PING, {"nonce": getrandbits(32)})

    def pong(self, nonce: int) -> bytes:
        """Return the answer to a ping."""
        return self._frame(PONG, {"nonce": nonce})

    def announce(self, announce: Announce) -> bytes:
        """Return a `node:announce`."""
        return self._frame(ANNOUNCE, announce.to_data())

    def rotations(self, rotations: Rotations) -> bytes:
        """Return a `node:rotation`."""
        return self._frame(ROTATION, rotations.to_data())

    def leave(self, reason: str) -> bytes:
        """Return a `node:leave`."""
        return self._frame(LEAVE, {"reason": reason})

    def block_sync(self, sync: BlockSync) -> bytes:
        """Return a step of a block transfer."""
        return self._frame(BLOCK_SYNC, sync.to_data())

    def batches(self, batches: Batches) -> bytes:
        """Return signed batches, in the event that they belong to."""
        return self._frame(batches.event, batches.to_data())

    def node_status(self, status: NodeStatus) -> bytes:
        """Return a part of what this node carries."""
        return self._frame(NODE_STATUS, status.to_data())

    def metadata_sync(self, step: "MetadataSync") -> bytes:
        """Return a step of comparing tries."""
        return self._frame(METADATA_SYNC, step.to_data())

    def dial_back(self, step: DialBack) -> bytes:
        """Return a step of a dial-back."""
        return self._frame(DIAL_BACK, step.to_data())

    def meet(self, step: Meet) -> bytes:
        """Return a step of a meeting."""
        return self._frame(MEET, step.to_data())

    def _frame(self, type_: str, data: dict[str, object]) -> bytes:
        return encode_frame(encode_message(type_, data, self._wall_ms(), self._node_id))
