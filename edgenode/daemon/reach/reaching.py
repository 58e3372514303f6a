"""Whether this node can be reached, kept up to date and told: mapping, dial-back, verdict."""

import logging
import time
from collections.abc import Callable, Coroutine

from edgenode.core.dialback import is_elsewhere
from edgenode.core.events import Announce
from edgenode.core.ip import is_global
from edgenode.core.reachability import BY_HAND, UNKNOWN, Verdict, judge
from edgenode.core.reachevents import ASK, DialBack
from edgenode.daemon.addresses import join
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import iso_time
from edgenode.daemon.reach.advertised import advertised
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.reach.asking import Asker, Peer
from edgenode.reach.checking import Checker
from edgenode.reach.neighbours import silent
from edgenode.reach.prober import Prober
from edgenode.reach.view import View

log = logging.getLogger(__name__)

# Before anything is known of the network.
_NOTHING = View(True, False, (), (), (), (), ())


class Reaching:
    """Reachability of the peer port `port`; `on_view` takes what mapping has come to.

    `local()` gives `host:port` of what the peer port is bound to. `announce(port)` makes what
    peers are told, with the port where they reach this node.
    """

    def __init__(
        self,
        *,
        links: LinkTable,
        outbound: Outbound,
        port: int,
        local: Callable[[], list[str]],
        announce: Callable[[int], Announce],
        wall_ms: Callable[[], int],
    ) -> None:
        self._links = links
        self._outbound = outbound
        self._port = port
        self._local = local
        self._announce = announce
        self._wall_ms = wall_ms
        self._view = _NOTHING
        self._prober = Prober(time.monotonic)
        self._asker = Asker(self._send)
        self.arrived = self._asker.arrived
        self._ipv4 = self._checker(ipv6=False)
        self._ipv6 = self._checker(ipv6=True)
        self._verdict = Verdict(UNKNOWN, "Not known yet: the node has just started.")
        self._since_ms = wall_ms()

    def _checker(self, *, ipv6: bool) -> Checker:
        return Checker(
            self._asker.round,
            lambda: self._verifiers(ipv6=ipv6),
            lambda: self._outer_port(ipv6=ipv6),
            self._judge,
        )

    def on_view(self, view: View) -> None:
        """Take a new view of gateways, addresses and mappings."""
        ports = {ipv6: self._outer_port(ipv6=ipv6) for ipv6 in (False, True)}
        earlier, self._view = self._view, view
        for checker, ipv6 in ((self._ipv4, False), (self._ipv6, True)):
            if _tried(earlier, ipv6=ipv6) != _tried(view, ipv6=ipv6):
                checker.begin_anew()
        self._judge()
        for link in self._links:
            ipv6 = ":" in link.remote_address
            if is_global(link.remote_address) and ports[ipv6] != self._outer_port(ipv6=ipv6):
                link.post(self._outbound.announce(self.announcement(link)))

    def on_linked(self, link: Link) -> None:
        """Somebody more can be asked."""
        checker = self._ipv6 if ":" in link.remote_address else self._ipv4
        checker.on_peer()
        self._judge()

    def receive(self, link: Link, step: DialBack) -> None:
        """Take a peer's wish or answer."""
        if step.op == ASK:
            self._prober.serve(
                link.node_id,
                link.remote_address,
                link.local_address,
                step,
                lambda result: link.post(self._outbound.dial_back(result)),
            )
        else:
            self._asker.on_result(link.node_id, step)

    def announcement(self, link: Link) -> Announce:
        """Return what the peer of `link` is told: the outer port, if it comes from outside."""
        if is_global(link.remote_address):
            return self._announce(self._outer_port(ipv6=":" in link.remote_address))
        return self._announce(self._port)

    def open_port(self, address: str) -> int:
        """Return the port at which this node is believed to be reachable from `address`, else 0.

        By the family of `address`, an IP literal: confirmed; or, while nobody has tried, opened by
        a gateway, or at a public IPv4 address of its own.
        """
        ipv6 = ":" in address
        tally = (self._ipv6 if ipv6 else self._ipv4).tally
        if tally.reached is not None:
            return tally.port if tally.reached else 0
        outer = [entry.external_address for entry in self._view.mappings if entry.ipv6 == ipv6]
        if not ipv6:
            outer += self._view.own_addresses
        believed = any(entry is None or is_global(entry) for entry in outer)
        return self._outer_port(ipv6=ipv6) if believed else 0

    def addresses(self) -> list[str]:
        """Return the addresses of NodeInfo."""
        return advertised(self._verdict, self._ipv4.tally, self._ipv6.tally, self._local())

    def status(self) -> dict[str, object]:
        """Return the `reachability` of NodeMetrics."""
        return {**self._verdict.to_data(), "since": iso_time(self._since_ms)}

    def work(self) -> list[Coroutine[None, None, None]]:
        """Return what runs beside the node, until cancelled."""
        return [self._ipv4.run(), self._ipv6.run()]

    async def close(self) -> None:
        """End the dial-backs that are being served."""
        await self._prober.close()

    def _send(self, node_id: str, step: DialBack) -> bool:
        link = self._links.get(node_id)
        if link is None:
            return False
        link.post(self._outbound.dial_back(step))
        return True

    def _outer_port(self, *, ipv6: bool) -> int:
        mappings = (entry for entry in self._view.mappings if entry.ipv6 == ipv6)
        return next((mapping.external_port for mapping in mappings), self._port)

    def _verifiers(self, *, ipv6: bool) -> list[Peer]:
        """Return the linked peers of this family that are on other networks."""
        view = self._view
        own: list[str] = [*view.own_addresses, *view.own_ipv6]
        own += [entry.external_address for entry in view.mappings if entry.external_address]
        tallies = (self._ipv4.tally, self._ipv6.tally)
        own += [tally.address for tally in tallies if tally.address]
        peers = (Peer(link.node_id, link.remote_address) for link in self._links)
        return [
            peer
            for peer in peers
            if (":" in peer.address) == ipv6 and is_elsewhere(peer.address, own)
        ]

    def _judge(self) -> None:
        """Come to a verdict; a change is logged, and dated."""
        view = self._view
        gateways = [gateway.address for gateway in view.gateways if not gateway.ipv6]
        found = judge(
            view,
            self._ipv4.tally,
            self._ipv6.tally,
            port=self._port,
            # While a mapping is there, its gateway is alive.
            silent_gateways=silent(gateways) if gateways and not view.mappings else (),
        )
        earlier, self._verdict = self._verdict, found
        if _facts(earlier) != _facts(found):
            self._since_ms = self._wall_ms()
            log.info("%s", _line(found), extra={"event": "reachability"})


def _tried(view: View, *, ipv6: bool) -> tuple[object, ...]:
    """What peers try when they dial back: where it is another, their word counts no more."""
    return (
        view.own_ipv6 if ipv6 else view.own_addresses,
        [gateway for gateway in view.gateways if gateway.ipv6 == ipv6],
        [
            (mapping.gateway, mapping.external_address, mapping.external_port)
            for mapping in view.mappings
            if mapping.ipv6 == ipv6
        ],
    )


def _facts(verdict: Verdict) -> tuple[object, ...]:
    """What makes a verdict another one; how many confirm it does not."""
    return (
        verdict.verdict,
        verdict.verified,
        verdict.method,
        verdict.external_address,
        verdict.external_port,
    )


def _line(verdict: Verdict) -> str:
    where = ""
    if verdict.external_address and verdict.external_port:
        where = " at " + join(verdict.external_address, verdict.external_port)
    how = ""
    if verdict.method is not None:
        how = " by hand" if verdict.method == BY_HAND else f" by {verdict.method}"
    return f"reachability: {verdict.verdict}{how}{where}. {verdict.advice}"
