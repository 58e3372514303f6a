"""Asking peers to dial back, and believing what arrives here rather than what they say."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import shuffle
from typing import NamedTuple

from edgenode.core.dialback import VERIFIERS, Tally, is_elsewhere, network_of, tally
from edgenode.core.reachevents import ASK, NONCE_BYTES, UNREACHED, DialBack

# The prober's deadline, and the way there and back.
ANSWER_TIMEOUT_S = 10.0

# Peers asked in one round: some are of an older version and stay silent, or are busy.
MAX_ASKED = 9

# Dial-backs under way: a round of each address family, and room.
MAX_OPEN = 32


class Peer(NamedTuple):
    """A linked peer who might dial back: nodeId, and IP literal of its end of the link."""

    node_id: str
    address: str


class _Open:
    __slots__ = ("arrived", "odd", "peer", "told")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.arrived = False
        self.odd = False  # somebody knocked, but not from where the peer is
        self.told: asyncio.Future[DialBack] = asyncio.get_running_loop().create_future()


class Asker:
    """Asks; `arrived` is told of each knock on the peer port, `on_result` of each answer."""

    def __init__(self, send: Callable[[str, DialBack], bool]) -> None:
        """`send(nodeId, step)` sends over the link with a peer; False if there is none."""
        self._send = send
        self._open: dict[bytes, _Open] = {}

    def arrived(self, nonce: str, source: str) -> bool:
        """Take a knock with `nonce` (as in the path) from the IP literal `source`.

        True if it is one that was asked for, for the first time, from the network of the peer that
        was asked: a nonce that was passed on to somebody nearer proves nothing.
        """
        try:
            known = self._open.get(bytes.fromhex(nonce))
        except ValueError:
            return False
        if known is None or known.arrived:
            return False
        if network_of(source) is None or network_of(source) != network_of(known.peer.address):
            known.odd = True
            return False
        known.arrived = True
        return True

    def on_result(self, node_id: str, step: DialBack) -> None:
        """Take a peer's answer; what was not asked of this peer has no effect."""
        known = self._open.get(step.nonce)
        if known is not None and known.peer.node_id == node_id and not known.told.done():
            known.told.set_result(step)

    async def round(self, peers: Sequence[Peer], port: int) -> Tally:
        """Ask up to `VERIFIERS` of `peers` (of one address family), others where some are silent.

        Returns what those who answered have found at `port`.
        """
        waiting = _spread(list(peers))[:MAX_ASKED]
        answers: list[tuple[bool, str]] = []
        while waiting and len(answers) < VERIFIERS:
            count = VERIFIERS - len(answers)
            asked, waiting = waiting[:count], waiting[count:]
            found = await asyncio.gather(*(self._ask(peer, port) for peer in asked))
            answers += [answer for answer in found if answer is not None]
        return tally(answers, port)

    async def _ask(self, peer: Peer, port: int) -> tuple[bool, str] | None:
        """Return whether the peer got through and where it sees us; None if it says nothing."""
        if len(self._open) >= MAX_OPEN:
            return None
        nonce = os.urandom(NONCE_BYTES)
        known = self._open[nonce] = _Open(peer)
        step: DialBack | None = None
        try:
            if self._send(peer.node_id, DialBack(ASK, nonce, port=port)):
                with suppress(TimeoutError):
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        step = await known.told
        finally:
            del self._open[nonce]
        # A peer that sees us on its own network proves nothing, whatever it says.
        if step is None or not is_elsewhere(peer.address, [step.address]):
            return None
        if known.arrived:
            return True, step.address
        # What says that it got through, and did not, is not heard at all.
        return (False, step.address) if step.result == UNREACHED and not known.odd else None


def _spread(peers: list[Peer]) -> list[Peer]:
    """Order by chance, but so that different networks come first."""
    shuffle(peers)
    seen: set[bytes | None] = set()
    first: list[Peer] = []
    rest: list[Peer] = []
    for peer in peers:
        network = network_of(peer.address)
        (rest if network in seen else first).append(peer)
        seen.add(network)
    return first + rest
