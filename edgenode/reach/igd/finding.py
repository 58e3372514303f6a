"""Finding a gateway's services: search, and read the descriptions that it has."""

import asyncio
from typing import NamedTuple

from edgenode.core.ip import parse_ip
from edgenode.reach.igd import http, ssdp
from edgenode.reach.igd.description import FIREWALL, Service, Url, read_services
from edgenode.reach.igd.ssdp import Answer
from edgenode.reach.igd.xmlscan import BadXml
from edgenode.reach.method import Gateway, MappingFailed

# What is searched for, and for how long an answer is awaited before the next: gateways answer in
# 50 ms to 1 s (MX), and a datagram is lost at times. After these, only late answers are awaited.
ROUNDS = ((ssdp.FIRST_TARGETS, 0.25), (ssdp.ALL_TARGETS, 0.35), (ssdp.ALL_TARGETS, 0.5))

# How long another answer is awaited of a gateway whose first was of no use.
LINGER_S = 1.0

# A gateway's old addresses answer nobody; each is tried at the same time as the others, and again,
# since packets are lost.
DESCRIPTION_S = 2.0
DESCRIPTION_TRIES = 2

_HTTP_OK = 200


class Found(NamedTuple):
    """Services of a gateway, and the answer to the search that led to them."""

    services: list[Service]
    answer: Answer


async def find_services(gateway: Gateway, turn: asyncio.Lock, search_s: float) -> Found:
    """Give the services of the first description that has one for the gateway's address family.

    `turn` is held while searching, not while late answers are awaited, `search_s` in all. Raises
    `MappingFailed`: "no-answer" where no description was had, else what is wrong with it.
    """
    fetches = _Fetches(gateway)
    try:
        search = ssdp.Search(gateway, fetches.begin)
    except OSError as error:
        raise MappingFailed("no-answer", str(error)) from None
    try:
        async with asyncio.timeout(search_s):
            return await _find(search, fetches, turn)
    except TimeoutError:
        raise fetches.failure from None
    finally:
        search.close()
        await fetches.cancel()


async def _find(search: ssdp.Search, fetches: "_Fetches", turn: asyncio.Lock) -> Found:
    async with turn:
        for targets, pause_s in ROUNDS:
            search.send(targets)
            await fetches.wait(pause_s)
            if fetches.found.done() or search.heard:
                break
    if not search.heard:
        search.admit_strangers()
        return await fetches.found
    while not fetches.found.done():
        if fetches.pending:
            await asyncio.wait(fetches.pending, return_when=asyncio.FIRST_COMPLETED)
        elif fetches.failure.reason == "no-answer":
            # It is just starting, and does not serve its description yet; or it has started since
            # it answered, and serves it at another port.
            fetches.unanswered(search)
            async with turn:
                search.send(ssdp.FIRST_TARGETS)
                await fetches.wait(LINGER_S)
        else:
            await fetches.wait(LINGER_S)
            if not fetches.pending and not fetches.found.done():
                raise fetches.failure
    return fetches.found.result()


class _Fetches:
    """Descriptions being read, each in a task, until one is of use: then `found` has it."""

    def __init__(self, gateway: Gateway) -> None:
        self.found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self.failure = MappingFailed("no-answer", "no UPnP gateway answers")
        self._gateway = gateway
        self._tasks: dict[asyncio.Task[None], Answer] = {}

    @property
    def pending(self) -> list["asyncio.Task[None]"]:
        return [task for task in self._tasks if not task.done()]

    def begin(self, answer: Answer) -> None:
        if not self.found.done():
            self._tasks[asyncio.ensure_future(self._fetch(answer))] = answer

    def unanswered(self, search: ssdp.Search) -> None:
        """Have `search` hand on once more what led nowhere, should it be answered again."""
        for answer in self._tasks.values():
            search.forget(answer)

    async def wait(self, seconds: float) -> None:
        await asyncio.wait((self.found,), timeout=seconds)

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fetch(self, answer: Answer) -> None:
        for _ in range(DESCRIPTION_TRIES):
            try:
                services = await _describe(self._gateway, answer.url)
            except MappingFailed as error:
                if error.reason != "no-answer" or self.failure.reason == "no-answer":
                    self.failure = error
                if error.reason != "no-answer":
                    return
            else:
                if not self.found.done():
                    self.found.set_result(Found(services, answer))
                return


async def _describe(gateway: Gateway, url: Url) -> list[Service]:
    request = http.get(gateway, url.port, url.path)
    try:
        answer = await http.exchange(gateway, url.port, request, total_s=DESCRIPTION_S)
        if answer.status != _HTTP_OK:
            raise MappingFailed("malformed", f"its description: HTTP {answer.status}")
        own = parse_ip(gateway.address)
        services = read_services(answer.body, url, {url.host} | ({own} if own else set()))
    except http.NoAnswer as error:
        raise MappingFailed("no-answer", f"its description: {error}") from None
    except (http.BadAnswer, BadXml) as error:
        raise MappingFailed("malformed", f"its description: {error}") from None
    usable = [service for service in services if (service.kind == FIREWALL) == gateway.ipv6]
    if not usable:
        raise MappingFailed("unsupported", "it has no service for this address family")
    return usable
