"""Asking a gateway whether it has booted since: one datagram, where it answers that.

UPnP Device Architecture 1.1, section 1.3.2 (unicast M-SEARCH) and 1.2 (BOOTID.UPNP.ORG).
"""

import asyncio
from typing import NamedTuple

from edgenode.reach.igd import ssdp
from edgenode.reach.igd.ssdp import Answer
from edgenode.reach.method import Gateway

# How long an answer is awaited: it may take 1 s (MX). Then it is asked in the other way too.
WAITS_S = (1.2, 1.2, 2.0)

# A gateway that answers for several devices may answer for another first.
OTHERS_S = 0.2


class Seen(NamedTuple):
    """What came of it."""

    answer: Answer | None  # None: none
    way: int  # in which to ask it next time: ssdp.GROUP or ssdp.GATEWAY


async def ask_boot(gateway: Gateway, turn: asyncio.Lock, known: Answer, way: int) -> Seen:
    """Ask for what gave the answer `known` earlier, in this `way` first, as long as WAITS_S.

    The answer is `known` itself where the gateway has not booted since. `turn` as in `finding`.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer) -> None:
        if not told.done():
            told.set_result(answer)

    def hear(answer: Answer) -> None:
        if answer.target == known.target:
            if answer.boot == known.boot:
                settle(known)
            else:
                loop.call_later(OTHERS_S, settle, answer)

    async with turn:
        try:
            search = ssdp.Search(gateway, hear)
        except OSError:
            return Seen(None, way)
        try:
            for number, wait_s in enumerate(WAITS_S):
                search.send((known.target,), ssdp.BOTH if number else (way,))
                await asyncio.wait((told,), timeout=wait_s)
                if told.done():
                    other = ssdp.GROUP if way == ssdp.GATEWAY else ssdp.GATEWAY
                    return Seen(told.result(), other if number else way)
        finally:
            search.close()
    return Seen(None, way)
