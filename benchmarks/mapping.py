"""From the start of the mapping part to a mapped port, by method and under loss, beside upnpc.

Needs root: it runs in the laboratory of namespaces, against Debian's miniupnpd.
"""

import asyncio
import math
import subprocess
import time
from collections import Counter
from statistics import median
from typing import NamedTuple

from benchmarks.support.table import against, heading, say, table
from tests.lab.support import needs
from tests.lab.support.lab import Home, Lab
from tests.lab.support.mapping import MappingPart
from tests.lab.support.miniupnpd import NAT_PMP_ALONE, PCP_ALONE, UPNP_ALONE, Offers
from tests.lab.support.router import LAN
from tests.lab.support.rules import Rule, losing

RUNS = 30
UPNPC_LOSSY_RUNS = 10
"""Each takes ten seconds and more."""

GIVE_UP_S = 30.0
LOSS_PERCENT = 20
ALL = "all methods offered"
CASES = {"PCP alone": PCP_ALONE, "NAT-PMP alone": NAT_PMP_ALONE, "UPnP alone": UPNP_ALONE}
CASES[ALL] = Offers()
TARGETS_MS = {"PCP alone": 150.0, "NAT-PMP alone": 150.0, "UPnP alone": 400.0, ALL: 150.0}
TARGET_LOSS_MS = 1500.0


class Run(NamedTuple):
    """How long it took in milliseconds, infinite where it failed, and what mapped."""

    ms: float
    method: str


async def run(_with_nodejs: bool) -> None:
    """Map RUNS times in each case; print medians, 95th percentiles and what the targets say."""
    heading(f"mapping a port ({RUNS} runs of each)")
    if reason := needs.obstacle():
        say(f"left out: {reason}")
        return
    await asyncio.to_thread(_measure)


def _measure() -> None:
    rows: list[tuple[str, ...]] = []
    p95: dict[tuple[str, bool], float] = {}
    with Lab() as lab:
        for name, offers in CASES.items():
            home = lab.home(name.split()[0].lower(), offers, ipv6=False)
            for lossy in (False, True):
                rules = _lose(home) if lossy else []
                case = f"{name}, {LOSS_PERCENT} % loss" if lossy else name
                runs = [_edgenode(home) for _ in range(RUNS)]
                rows.append(_row(case, runs))
                p95[name, lossy] = _p95(runs)
                if offers.upnp and (offers.pcp or not lossy):
                    count = UPNPC_LOSSY_RUNS if lossy else RUNS
                    rows.append(_row(f"  upnpc, {case}", [_upnpc(home) for _ in range(count)]))
                for rule in rules:
                    rule.remove()
    table(("from start to mapped", "p50 ms", "p95 ms", "failed", "mapped by"), rows)
    for name, target in TARGETS_MS.items():
        against(f"{name}, p95", p95[name, False], target, at_most=True, unit=" ms")
    against(f"{ALL}, loss, p95", p95[ALL, True], TARGET_LOSS_MS, at_most=True, unit=" ms")


def _lose(home: Home) -> list[Rule]:
    """Lose packets between host and router, in each direction, where they come in."""
    return [
        Rule(home.host.namespace, losing(LOSS_PERCENT), drop=True),
        Rule(home.router.namespace, f'iifname "{LAN}" {losing(LOSS_PERCENT)}', drop=True),
    ]


def _edgenode(home: Home) -> Run:
    with MappingPart(home.host) as part:
        said = part.settled(GIVE_UP_S)
    _forget(home)
    if said is None or not said["mappings"]:
        return Run(math.inf, "-")
    return Run(said["ms"], said["mappings"][0][0])


def _upnpc(home: Home) -> Run:
    host = home.host
    port = "4242"
    command = ["upnpc", "-m", host.places[0].interface, "-a", host.address, port, port, "TCP"]
    began = time.perf_counter()
    done = subprocess.run(
        [*host.namespace.entering, *command], capture_output=True, text=True, check=False
    )
    took_ms = 1000 * (time.perf_counter() - began)
    mapped = done.returncode == 0 and "is redirected to" in done.stdout
    _forget(home)
    return Run(took_ms if mapped else math.inf, "upnp" if mapped else "-")


def _forget(home: Home) -> None:
    """Begin each run with an empty table, also where loss has eaten the deletion."""
    if home.daemon.mappings:
        home.daemon.reboot()


def _row(case: str, runs: list[Run]) -> tuple[str, ...]:
    failed = sum(math.isinf(one.ms) for one in runs)
    by = Counter(one.method for one in runs if not math.isinf(one.ms))
    return (
        case,
        f"{median(one.ms for one in runs):.1f}",
        f"{_p95(runs):.1f}",
        str(failed),
        ", ".join(f"{method} {count}" for method, count in by.most_common()),
    )


def _p95(runs: list[Run]) -> float:
    return sorted(one.ms for one in runs)[math.ceil(0.95 * len(runs)) - 1]
