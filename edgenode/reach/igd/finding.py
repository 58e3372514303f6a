"""Finding a gateway's services: search, and read the descriptions that it has."""

import asyncio

from edgenode.core.ip import parse_ip
from edgenode.reach.igd import http, ssdp
from edgenode.reach.igd.description import FIREWALL, Service, Url, read_services
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


async def find_services(gateway: Gateway, turn: asyncio.Lock, search_s: float) -> list[Service]:
    """Give the services of the first description that has one for the gateway's address family.

    `turn` is held while searching, not while late answers are awaited, `search_s` in all. Raises
    `MappingFailed`: "no-answer" where no description was had, else what is wrong with it.
    """
    found: asyncio.Future[list[Service]] = asyncio.get_running_loop().create_future()
    fetches: set[asyncio.Task[None]] = set()
    failure = MappingFailed("no-answer", "no UPnP gateway answers")

    async def fetch(url: Url) -> None:
        nonlocal failure
        for _ in range(DESCRIPTION_TRIES):
            try:
                services = await _describe(gateway, url)
            except MappingFailed as error:
                if error.reason != "no-answer":
                    failure = error
                    return
            else:
                if not found.done():
                    found.set_result(services)
                return

    def begin(url: Url) -> None:
        if not found.done():
            fetches.add(asyncio.ensure_future(fetch(url)))

    try:
        search = ssdp.Search(gateway, begin)
    except OSError as error:
        raise MappingFailed("no-answer", str(error)) from None
    try:
        async with asyncio.timeout(search_s):
            async with turn:
                for targets, pause_s in ROUNDS:
                    search.send(targets)
                    await asyncio.wait((found,), timeout=pause_s)
                    if found.done() or search.heard:
                        break
            if not search.heard:
                search.admit_strangers()
                return await found
            while not found.done():
                pending = [task for task in fetches if not task.done()]
                if pending:
                    await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.wait((found,), timeout=LINGER_S)
                    if all(task.done() for task in fetches) and not found.done():
                        raise failure
            return found.result()
    except TimeoutError:
        raise failure from None
    finally:
        search.close()
        for task in fetches:
            task.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)


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
