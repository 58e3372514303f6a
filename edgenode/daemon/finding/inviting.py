"""Inviting others to this node's network, and joining one by an invitation."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from edgenode.core.errors import BadInvitation, Busy, NoInvitation, StoreFailed
from edgenode.core.invite import (
    MAX_ADDRESSES,
    Invitation,
    decode_invitation,
    encode_invitation,
)
from edgenode.core.ip import kind, parse_ip
from edgenode.daemon.addresses import join as join_place
from edgenode.daemon.config.sections import NetworkConfig
from edgenode.daemon.finding.joined import forget, keep, read_settings, to_json
from edgenode.daemon.guard.networksecret import network_secret
from edgenode.discover.sighting import INVITATION, Sighting
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.joined import read_joined

# For the connection to one address: one at home answers at once, one that is far in a second. With
# as many addresses as there may be it takes a person's patience, and no more.
DIAL_S = 3.0

# After the handshake both sides look whether there is room.
SETTLE_S = 5.0
_LOOK_S = 0.02

INTERNET = "internet"
LOCAL = "local"
MACHINE = "machine"
"""From where the addresses of an invitation can be reached, at most."""

log = logging.getLogger(__name__)


class Inviting:
    """Fits `api.invite.Inviting`; `open` it once discovery is open, and `close` it."""

    def __init__(
        self,
        *,
        own_id: str,
        network: NetworkConfig,
        is_secret: Callable[[str], bool],
        config_file: Path,
        data_dir: Path,
        addresses: Callable[[], list[str]],
        links: LinkTable,
        dialler: Dialler,
        live: Callable[[Link], Coroutine[None, None, str]],
        sighted: Callable[[Sighting], None],
    ) -> None:
        """`network` is what is in force; `addresses()` are those of NodeInfo.

        `is_secret(text)` tells whether that is the network's secret, "" that of an open one.
        `live(link)` lives through a link, `sighted` takes places to be dialled later.
        """
        self._own_id = own_id
        self._network = network
        self._is_secret = is_secret
        self._config_file = config_file
        self._data_dir = data_dir
        self._addresses = addresses
        self._links = links
        self._dialler = dialler
        self._live = live
        self._sighted = sighted
        self._writing = asyncio.Lock()
        self._joining = asyncio.Lock()
        self._tasks: set[asyncio.Task[str]] = set()

    async def open(self) -> None:
        """Have those dialled whose invitations are kept, where links are lacking."""
        for node in (await asyncio.to_thread(read_joined, self._data_dir)).nodes:
            if node.network == self._network.id:
                self._sight(node.node_id, node.addresses)

    async def close(self) -> None:
        """End the links that were dialled here."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def invitation(self, *, with_secret: bool) -> dict[str, object]:
        """Return the line, and what it says. Raises NoInvitation, DataFolderError."""
        places = best_places(self._addresses())
        if not places:
            raise NoInvitation("this node has no address yet: connect it to a network")
        closed = not self._is_secret("")
        secret = ""
        if closed and with_secret:
            secret = await asyncio.to_thread(network_secret, self._network)
            if not self._is_secret(secret):
                raise NoInvitation("the secret was changed since the start: restart the node")
        invitation = Invitation(
            self._network.id, self._own_id, places, secret=secret, closed=closed
        )
        return {
            "line": encode_invitation(invitation),
            "network": self._network.id,
            "nodeId": self._own_id,
            "addresses": [{"address": host, "port": port} for host, port in places],
            "closed": closed,
            "secret": bool(secret),
            "membersOnly": bool(self._network.members),
            "reach": reach_of(places),
        }

    async def join(self, line: str) -> dict[str, object]:
        """Keep an invitation, and link with its node where this one is in its network already.

        One at a time: raises Busy while another one is being taken. Else as `api.invite.Inviting`.
        """
        invitation = decode_invitation(line)
        if invitation.node_id == self._own_id:
            raise BadInvitation("this is an invitation to this very node: take it to another one")
        if self._joining.locked():
            raise Busy("another invitation is being taken")
        async with self._joining:
            return await self._join(invitation)

    async def _join(self, invitation: Invitation) -> dict[str, object]:
        async with self._writing:
            try:
                await asyncio.to_thread(self._keep, invitation)
            except OSError as error:
                raise StoreFailed(f"keeping the invitation: {error.strerror or error}") from error
        log.info("invited to %s by %s", invitation.network, invitation.node_id)
        if not self._is_in_force(invitation):
            return _outcome(invitation, "restart")
        if invitation.closed and self._is_secret(""):
            why = "the network is closed: its secret is needed too"
            return _outcome(invitation, "not-linked", why)
        problem = await self._link(invitation)
        self._sight(invitation.node_id, invitation.addresses)
        return _outcome(invitation, "not-linked" if problem else "linked", problem)

    async def joined(self) -> dict[str, object]:
        """Return what is kept."""
        return to_json(await asyncio.to_thread(read_joined, self._data_dir))

    async def forget(self, name: str) -> dict[str, object] | None:
        """Forget a node or a network; None where nothing of that name is kept."""
        async with self._writing:
            try:
                if not await asyncio.to_thread(forget, name, self._data_dir):
                    return None
            except OSError as error:
                raise StoreFailed(f"forgetting: {error.strerror or error}") from error
        # What is in force stays so: a node has one network for as long as it runs.
        return {"name": name, "restart": name == self._network.id}

    def _keep(self, invitation: Invitation) -> None:
        keep(invitation, read_settings(self._config_file), self._data_dir)

    def _is_in_force(self, invitation: Invitation) -> bool:
        if invitation.network != self._network.id:
            return False
        return not invitation.secret or self._is_secret(invitation.secret)

    async def _link(self, invitation: Invitation) -> str:
        """Try all addresses; return "" once there is a link, else why there is none."""
        problems = []
        for host, port in invitation.addresses:
            if self._links.get(invitation.node_id) is not None:
                return ""
            try:
                link = await self._dialler.dial(host, port, invitation.node_id, within_s=DIAL_S)
            except DialFailed as failed:
                problems.append(f"{join_place(host, port)}: {failed}")
                continue
            if not (problem := await self._settle(link)):
                return ""
            problems.append(f"{join_place(host, port)}: {problem}")
        return "; ".join(problems)

    async def _settle(self, link: Link) -> str:
        """Live through a link; return "" as soon as it is taken in, else why it is not."""
        task = asyncio.ensure_future(self._live(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_S
        while self._links.get(link.node_id) is None and not task.done():
            if loop.time() > deadline:
                return "no answer"
            await asyncio.sleep(_LOOK_S)
        return "" if self._links.get(link.node_id) is not None else task.result()

    def _sight(self, node_id: str, places: Sequence[tuple[str, int]]) -> None:
        for host, port in places:
            self._sighted(Sighting(INVITATION, host, port, node_id))


def best_places(addresses: list[str]) -> list[tuple[str, int]]:
    """Return as many of `host:port` texts as an invitation has: of each kind one first.

    A node at home has often ten addresses of one kind, and the only one that works is of another.
    """
    places: list[tuple[str, int]] = []
    kinds: set[tuple[str, int]] = set()
    later: list[tuple[str, int]] = []
    for text in addresses:
        host, _, port = text.rpartition(":")
        packed = parse_ip(host.strip("[]"))
        if packed is None or kind(packed) in ("unspecified", "multicast", "link-local"):
            continue
        place = (host.strip("[]"), int(port))
        group = (kind(packed), len(packed))
        (later if group in kinds else places).append(place)
        kinds.add(group)
    return (places + later)[:MAX_ADDRESSES]


def reach_of(places: list[tuple[str, int]]) -> str:
    """Tell from where one of the addresses can be reached, at most."""
    kinds = {kind(packed) for host, _ in places if (packed := parse_ip(host)) is not None}
    if "global" in kinds:
        return INTERNET
    return MACHINE if kinds == {"loopback"} else LOCAL


def _outcome(invitation: Invitation, state: str, detail: str = "") -> dict[str, object]:
    return {
        "nodeId": invitation.node_id,
        "network": invitation.network,
        "state": state,
        "detail": detail or None,
    }
