"""The end of all links, when the node stops."""

import asyncio
from contextlib import suppress

from edgenode.daemon.outbound import Outbound
from edgenode.link.table import LinkTable

# SIGTERM to exit takes at most 5 s. A link that hangs needs two of its deadlines of 1 s, and so do
# the requests under way after that.
STOP_LINKS_S = 2.0


async def end_links(links: LinkTable, outbound: Outbound) -> None:
    """Say good-bye on every link and wait, with a deadline, until they are over."""
    links.close()
    ending = list(links)
    for link in ending:
        link.post(outbound.leave("stopping"))
        link.close("bye")
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_LINKS_S):
            for link in ending:
                await link.ended()
