"""The addresses that this node gives away: those that are believed to work, the best first."""

from collections.abc import Sequence

from edgenode.core.dialback import Tally
from edgenode.core.ip import is_global
from edgenode.core.reachability import REACHABLE, Verdict
from edgenode.daemon.addresses import MAX_ADDRESSES, join


def advertised(verdict: Verdict, ipv4: Tally, ipv6: Tally, local: Sequence[str]) -> list[str]:
    """Return `host:port` texts: confirmed from outside, opened by a router, global, then local.

    `local` are those that the peer port is bound to. A global one where peers were turned away is
    left out, whatever the interface says; those for the local network alone stand at the end.
    """
    first: list[tuple[bool, str]] = []
    if verdict.verdict in REACHABLE and verdict.external_address and verdict.external_port:
        text = join(verdict.external_address, verdict.external_port)
        tried = ipv6 if ":" in verdict.external_address else ipv4
        first.append((bool(tried.reached), text))
    rest = []
    for text in local:
        host = text.rpartition(":")[0].strip("[]")
        reached = (ipv6 if ":" in host else ipv4).reached
        if not is_global(host):
            rest.append(text)
        elif reached is not False:
            first.append((bool(reached), text))
    first.sort(key=lambda entry: not entry[0])
    return list(dict.fromkeys([text for _, text in first] + rest))[:MAX_ADDRESSES]
