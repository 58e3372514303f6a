"""Keys that nodes have retired: told to peers, heard of from them, refused from then on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from edgenode.core.errors import EdgenodeError
from edgenode.core.fields import Fields
from edgenode.core.rotation import (
    CONFLICT,
    MAX_ROTATION_BYTES,
    NEW,
    Retired,
    Rotation,
    Rotations,
    check_rotation,
    decode_rotation,
)
from edgenode.core.strictjson import decode, encode
from edgenode.crypto import verify
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.retired import RetiredTable

RETIRED = "retired"

# Both sides of a statement, with the quotes of its payload escaped.
MAX_STATEMENT_BYTES = 4 * MAX_ROTATION_BYTES

log = logging.getLogger(__name__)


class Retiring:
    """What is known of retired keys; `retired` is shared with those who refuse them."""

    def __init__(
        self,
        *,
        retired: Retired,
        own: Sequence[Rotation],
        network: str,
        table: RetiredTable,
        links: LinkTable,
        static: Sequence[StaticPeer],
        encode_event: Callable[[Rotations], bytes],
        is_carried: Callable[[str], bool],
        drop: Callable[[str], Awaitable[None]],
    ) -> None:
        """`own` are the statements of this node's keys; those of other networks are not told.

        `is_carried(node_id)` tells whether there are records of a node here, `drop` drops them.
        """
        self._retired = retired
        self._own = [rotation for rotation in own if _is_genuine(rotation, network)]
        self._network = network
        self._table = table
        self._links = links
        self._static = static
        self._encode = encode_event
        self._is_carried = is_carried
        self._drop = drop
        self._tasks: set[asyncio.Task[None]] = set()
        for rotation in own:
            retired.keep(rotation)

    async def open(self) -> None:
        """Load what was heard before; errors as of Database."""
        for text in await self._table.load():
            try:
                fields = Fields(decode(text, max_bytes=MAX_STATEMENT_BYTES), "rotation")
                rotation = decode_rotation(fields)
                check_rotation(rotation, self._network, verify)
            except EdgenodeError as error:  # of another network, which this node was of before
                log.debug("a statement that is kept says nothing here: %s", error)
            else:
                self._retired.take(rotation)

    def refusal(self, node_id: str) -> str:
        """Return `retired` where a node must not be known by this id any more, else ""."""
        return RETIRED if node_id in self._retired else ""

    def successor(self, node_id: str) -> str:
        """Return the id under which a node goes on."""
        return self._retired.successor(node_id)

    def greet(self, link: Link) -> None:
        """Tell a new peer."""
        if told := self._retired.told(self._own):
            link.post(self._encode(Rotations(told)))

    def receive(self, link: Link, told: Rotations) -> None:
        """Take what a peer tells; raises `ProtocolError` and `DecodeError`, its own fault.

        Of nodes that are not known here, nothing is kept: anybody can make keys and retire them.
        """
        for rotation in told.rotations:
            if rotation.old_id in self._retired or not self._is_known(rotation.old_id):
                continue
            check_rotation(rotation, self._network, verify)
            found = self._retired.take(rotation)
            if found == NEW:
                self._on_new(rotation, link)
            elif found == CONFLICT:
                log.debug("%s tells that %s leads in a circle", link.node_id, rotation.old_id)

    async def close(self) -> None:
        """Wait for what is being kept."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _is_known(self, node_id: str) -> bool:
        return (
            self._links.get(node_id) is not None
            or self._is_carried(node_id)
            or any(peer.node_id == node_id for peer in self._static)
        )

    def _on_new(self, rotation: Rotation, source: Link) -> None:
        log.warning(
            "%s has a new key: it goes on as %s",
            rotation.old_id,
            rotation.new_id,
            extra={"event": "key-rotated", "peer": rotation.new_id},
        )
        for peer in self._static:
            if peer.node_id == rotation.old_id:
                peer.node_id = rotation.new_id
        earlier = self._links.get(rotation.old_id)
        if earlier is not None:
            earlier.close(RETIRED)
        for link in self._links:
            if link not in (source, earlier):
                link.post(self._encode(Rotations([rotation])))
        task = asyncio.create_task(self._keep(rotation, self._retired.oldest_over()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, rotation: Rotation, forgotten: str | None) -> None:
        try:
            await self._table.put(rotation.old_id, encode(rotation.to_data()))
            if forgotten is not None:
                await self._table.remove(forgotten)
            await self._drop(rotation.old_id)
        except EdgenodeError as error:  # the disk: it is told again with the next link
            refused = {"event": "disk-refuses"}
            log.warning("a retired key is not kept: %s", error, extra=refused)


def _is_genuine(rotation: Rotation, network: str) -> bool:
    try:
        check_rotation(rotation, network, verify)
    except EdgenodeError:
        return False
    return True
