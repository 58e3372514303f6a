"""Neighbours by announcements of our own: signed, sent to a multicast group."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from edgenode.core.advertisement import MAX_DATAGRAM_BYTES, encode_datagram
from edgenode.core.signed import Signed
from edgenode.discover.interfaces import Interface, bound_alone, find_interfaces
from edgenode.discover.multicast import Group
from edgenode.discover.neighbours import Neighbours
from edgenode.discover.sighting import OnSighting

# After the first announcement, at the start or on a change: one may be lost, a switch may take a
# second to pass on what comes from an interface that has just come up, and an address of IPv6 is
# of no use for two (RFC 4862 section 5.4).
REPEATS_S = (1.0, 2.0)

# Evenly within a tenth around the interval, so that nodes started together drift apart.
JITTER = 0.1

# Whoever comes anew hears of those who are there within a moment that no two of them have in
# common; for each of them one in a second, however many come, or claim to.
EARLY_S = 0.3
EARLY_GAP_S = 1.0

# A flood gets this much of the loop's time, and the kernel drops the rest.
BATCH = 16
PAUSE_S = 0.05

# Opening anew announces to all neighbours; interfaces may come and go by the dozen.
REOPEN_GAP_S = 1.0
# Where there is no interface, or the port cannot be had: changes of the network come at once.
RETRY_S = 60.0

log = logging.getLogger(__name__)


class LanAnnouncer:
    """Announces this node to a multicast group and hears others there; `run` it.

    `on_seen` and `on_gone` as those of `Mdns`: a node is gone once nothing was heard of it for
    `node_timeout_s`. What is sighted is the address that a datagram came from.
    """

    def __init__(
        self,
        *,
        node_id: str,
        network: str,
        peer_port: int,
        bind: str,
        group: str,
        port: int,
        interval_s: float,
        node_timeout_s: float,
        advertise: Callable[[str, int], Signed],
        verify_fn: Callable[[bytes, bytes, bytes], bool],
        on_seen: OnSighting,
        on_gone: Callable[[str], None],
        random: Callable[[], float],
    ) -> None:
        """`group`, `port`: the multicast group, IPv4 or IPv6, and the UDP port.

        `bind`: the one address that the peer port is bound to, "" for all. `advertise(address,
        port)` signs the node's next advertisement; `verify_fn` takes (public key, message,
        signature). `random` gives floats in [0, 1).
        """
        self._address = bound_alone(bind)
        self._peer_port = peer_port
        self._advertise = advertise
        self._group_address = group
        self._port = port
        self._interval_s = interval_s
        self._random = random
        self._neighbours = Neighbours(
            network=network,
            node_id=node_id,
            node_timeout_s=node_timeout_s,
            verify_fn=verify_fn,
            on_seen=on_seen,
            on_gone=on_gone,
        )
        self._interfaces: tuple[Interface, ...] = ()
        self._group: Group | None = None
        self._woken = asyncio.Event()
        self._resuming: asyncio.TimerHandle | None = None
        self._said = False
        self._look_at_s: float | None = 0.0
        self._opened_s = -REOPEN_GAP_S
        self._sent_s = -EARLY_GAP_S
        self._send_at_s = 0.0
        self._repeats = iter(REPEATS_S)

    async def run(self) -> None:
        """Work until cancelled; never ends by itself, and no trouble with the network raises."""
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            now_s = loop.time()
            if self._look_at_s is not None and self._look_at_s <= now_s:
                self._look(now_s)
            self._neighbours.expire(now_s)
            if self._group is not None and self._send_at_s <= now_s:
                self._announce(self._group, now_s)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_s(now_s)):
                    await self._woken.wait()

    def network_changed(self) -> None:
        """Look at the interfaces anew, and announce at once where they are not the same."""
        self._look_at_s = self._opened_s + REOPEN_GAP_S
        self._woken.set()

    async def close(self) -> None:
        """Close the sockets; after `run` was cancelled."""
        self._close()

    def _look(self, now_s: float) -> None:
        self._look_at_s = None
        interfaces = find_interfaces()
        if interfaces == self._interfaces and self._group is not None:
            return
        self._close()
        self._interfaces = interfaces
        if not interfaces:
            self._look_at_s = now_s + RETRY_S
            return
        self._opened_s = now_s
        try:
            self._group = Group(self._group_address, self._port, interfaces)
        except OSError as error:
            self._look_at_s = now_s + RETRY_S
            self._say(error)
            return
        self._said = False
        asyncio.get_running_loop().add_reader(self._group.socket, self._readable, self._group)
        self._send_at_s = now_s
        self._repeats = iter(REPEATS_S)

    def _close(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        group, self._group = self._group, None
        if group is not None:
            asyncio.get_running_loop().remove_reader(group.socket)
            group.close()

    def _say(self, error: OSError) -> None:
        if not self._said:
            self._said = True
            log.warning(
                "no announcements on the local network: group %s, UDP port %d: %s; "
                "trying again now and then",
                self._group_address,
                self._port,
                error.strerror or error,
                extra={"event": "lan-unavailable"},
            )

    def _announce(self, group: Group, now_s: float) -> None:
        group.send(encode_datagram(self._advertise(self._address, self._peer_port)))
        self._sent_s = now_s
        spread = 1 + JITTER * (2 * self._random() - 1)
        self._send_at_s = now_s + next(self._repeats, self._interval_s * spread)

    def _answer_early(self, now_s: float) -> None:
        early_s = max(now_s + self._random() * EARLY_S, self._sent_s + EARLY_GAP_S)
        if early_s < self._send_at_s:
            self._send_at_s = early_s
            self._woken.set()

    def _next_s(self, now_s: float) -> float:
        due = [now_s + RETRY_S]
        if self._look_at_s is not None:
            due.append(self._look_at_s)
        if self._group is not None:
            due.append(self._send_at_s)
        expiry_s = self._neighbours.next_expiry_s()
        if expiry_s is not None:
            due.append(expiry_s)
        return min(due)

    def _resume(self, group: Group) -> None:
        self._resuming = None
        asyncio.get_running_loop().add_reader(group.socket, self._readable, group)

    def _readable(self, group: Group) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(BATCH):
            try:
                datagram, sender = group.socket.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except OSError:  # there are no more
                return
            heard_on = int(sender[3]) if len(sender) > 3 else 0  # noqa: PLR2004 - IPv6's has four
            now_s = loop.time()
            heard = self._neighbours.take(
                datagram, str(sender[0]), heard_on, self._interfaces, now_s
            )
            if heard is not None and heard.is_new:
                self._answer_early(now_s)
        loop.remove_reader(group.socket)
        self._resuming = loop.call_later(PAUSE_S, self._resume, group)
