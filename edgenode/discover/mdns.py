"""Neighbours by mDNS and DNS-SD (RFC 6762, RFC 6763), with zeroconf."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from edgenode.discover.dnsmessage import PTR, Message
from edgenode.discover.interfaces import Interface, find_interfaces
from edgenode.discover.responder import Responder
from edgenode.discover.services import Services
from edgenode.discover.servicetext import SERVICE, instance_name, properties, target_name
from edgenode.discover.sighting import OnSighting

# RFC 6762 section 5.2: the first question after a moment that no two nodes have in common, then
# after 1 s, 2 s, 4 s … and once an hour.
FIRST_QUESTION_S = (0.02, 0.12)
NEXT_QUESTION_S = 1.0
MAX_QUESTION_GAP_S = 3600.0

# Between two packets that ask for what a service lacks: a flood of half services costs so many.
DETAILS_GAP_S = 0.25

# Opening anew tells all neighbours again; interfaces may come and go by the dozen.
REOPEN_GAP_S = 2.0
# Where there is no interface, or the port cannot be had: changes of the network come at once.
RETRY_S = 60.0

log = logging.getLogger(__name__)


class Mdns:
    """Announces this node as `_edgenode._tcp.local.` and looks for others; `run` it.

    `on_seen`: for each address of a node of the same network that is heard of, again when it is
    heard anew (at most once a minute where nothing changed). `on_gone(node_id)`: it has said
    goodbye, or its records have run out.
    """

    def __init__(
        self,
        *,
        node_id: str,
        network: str,
        version: str,
        capabilities: Sequence[str],
        host_name: str,
        peer_port: int,
        http_port: int,
        bind: str,
        on_seen: OnSighting,
        on_gone: Callable[[str], None],
        random: Callable[[], float],
    ) -> None:
        """`bind`: the one address that the peer port is bound to, "" for all.

        `random` gives floats in [0, 1).
        """
        self._name = f"{instance_name(host_name, node_id)}.{SERVICE}"
        self._target = target_name(node_id)
        self._port = peer_port
        self._text = properties(
            node_id=node_id,
            version=version,
            network=network,
            capabilities=capabilities,
            http_port=http_port,
        )
        self._bind = bind
        self._random = random
        self._services = Services(
            network=network,
            node_id=node_id,
            own_name=self._name,
            on_seen=on_seen,
            on_gone=on_gone,
        )
        self._interfaces: tuple[Interface, ...] = ()
        self._responder: Responder | None = None
        self._complete = False
        self._woken = asyncio.Event()
        self._said = False
        self._look_at_s: float | None = 0.0
        self._opened_s = -REOPEN_GAP_S
        self._question_at_s = 0.0
        self._question_gap_s = NEXT_QUESTION_S
        self._details_at_s = 0.0

    async def run(self) -> None:
        """Work until cancelled; never ends by itself, and no trouble with the network raises."""
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            if self._look_at_s is not None and self._look_at_s <= loop.time():
                await self._look(loop.time())
            now_s = loop.time()
            self._services.expire(now_s)
            if self._responder is not None:
                self._ask(self._responder, now_s)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_s(now_s)):
                    await self._woken.wait()

    def network_changed(self) -> None:
        """Look at the interfaces anew; to be called when the kernel tells of changes."""
        self._look_at_s = self._opened_s + REOPEN_GAP_S
        self._woken.set()

    async def close(self) -> None:
        """Say goodbye, in at most 0.1 s; after `run` was cancelled."""
        responder, self._responder = self._responder, None
        if responder is not None:
            await responder.close(goodbye=True)

    async def _look(self, now_s: float) -> None:
        self._look_at_s = None
        interfaces = find_interfaces()
        if interfaces == self._interfaces and self._responder is not None and self._complete:
            return
        if self._responder is not None:
            await self._responder.close(goodbye=False)
            self._responder = None
        self._interfaces = interfaces
        if not interfaces:
            self._look_at_s = now_s + RETRY_S
            return
        self._opened_s = now_s
        responder = Responder(
            name=self._name,
            target=self._target,
            port=self._port,
            text=self._text,
            bind=self._bind,
            on_response=self._on_response,
            hosts_wanted=self._services.targets,
        )
        try:
            self._complete = await responder.open(interfaces)
        except OSError as error:
            await responder.close(goodbye=False)
            self._look_at_s = now_s + RETRY_S
            self._say(error)
            return
        except asyncio.CancelledError:
            await responder.close(goodbye=False)
            raise
        self._said = False
        self._responder = responder
        self._services.doubt(now_s)
        if not self._complete:  # an address of IPv6 is of no use for the first two seconds
            self._look_at_s = now_s + REOPEN_GAP_S
        first, last = FIRST_QUESTION_S
        self._question_at_s = now_s + first + self._random() * (last - first)
        self._question_gap_s = NEXT_QUESTION_S

    def _say(self, error: OSError) -> None:
        if not self._said:
            self._said = True
            log.warning(
                "no neighbours by mDNS: UDP port 5353: %s; trying again now and then",
                error.strerror or error,
                extra={"event": "mdns-unavailable"},
            )

    def _ask(self, responder: Responder, now_s: float) -> None:
        if self._question_at_s <= now_s:
            responder.ask([(SERVICE, PTR)], self._services.known(now_s))
            self._question_at_s = now_s + self._question_gap_s
            self._question_gap_s = min(2 * self._question_gap_s, MAX_QUESTION_GAP_S)
        if self._details_at_s <= now_s:
            questions = self._services.questions(now_s)
            if questions:
                responder.ask(questions, ())
                self._details_at_s = now_s + DETAILS_GAP_S

    def _next_s(self, now_s: float) -> float:
        due = [now_s + RETRY_S]  # when to forget whose time is up
        if self._look_at_s is not None:
            due.append(self._look_at_s)
        if self._responder is not None:
            due.append(self._question_at_s)
            details_s = self._services.next_question_s()
            if details_s is not None:
                due.append(max(details_s, self._details_at_s))
        return min(due)

    def _on_response(self, message: Message, sender: str, heard_on: int) -> None:
        now_s = asyncio.get_running_loop().time()
        self._services.take(message.records, sender, heard_on, self._interfaces, now_s)
        if self._services.next_question_s() is not None:
            self._woken.set()
