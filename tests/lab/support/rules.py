"""Packets counted or dropped by a rule of nftables that comes and goes."""

import itertools
import json
from types import TracebackType

from tests.lab.support.namespace import Namespace

_numbers = itertools.count(1)

PCP = "udp dport 5351 @th,64,8 2"
"""Requests of PCP. It shares its port with NAT-PMP; the version, the first byte, tells which."""

NAT_PMP = "udp dport 5351 @th,64,8 0"
SSDP = "udp dport 1900"
TO_ITSELF = "fib daddr type local"
UPNP_HTTP = f"meta l4proto tcp {TO_ITSELF}"
"""On a gateway: connections to the gateway itself, for its descriptions and SOAP."""

ANNOUNCES = "udp dport { 1900, 5350 }"
"""On a host: what a gateway tells everyone by itself, by SSDP, NAT-PMP and PCP."""


class Rule:
    """A rule before all others, in a table of its own; ends with `remove` or its context.

    It sees packets where they come into `namespace` (`hook` prerouting) or leave it
    (postrouting). A drop belongs where packets come in: dropped where they leave, the sender's own
    system call fails, as it does on no wire.
    """

    def __init__(
        self, namespace: Namespace, match: str, *, drop: bool = False, hook: str = "prerouting"
    ) -> None:
        self._namespace = namespace
        self._table = f"lab{next(_numbers)}"
        verdict = "drop" if drop else ""
        namespace.nft(
            f"table inet {self._table} {{\nchain packets {{\n"
            f"type filter hook {hook} priority -310; policy accept;\n"
            f"{match} counter {verdict}\n"
            "}\n}\n"
        )

    def __enter__(self) -> "Rule":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def packets(self) -> int:
        """How many packets have matched so far."""
        listed = json.loads(
            self._namespace.run("nft", "--json", "list", "table", "inet", self._table)
        )
        (rule,) = [item["rule"] for item in listed["nftables"] if "rule" in item]
        (count,) = [part["counter"]["packets"] for part in rule["expr"] if "counter" in part]
        return int(count)

    def remove(self) -> None:
        """Delete it."""
        self._namespace.nft(f"delete table inet {self._table}")


def losing(percent: int) -> str:
    """A match for packets at random, `percent` of all."""
    return f"numgen random mod 100 < {percent}"
