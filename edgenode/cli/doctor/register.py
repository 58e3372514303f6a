"""All checks, in the order in which they are shown."""

import os
import time
from collections.abc import Callable, Iterator

from edgenode.cli.client import reachable
from edgenode.cli.doctor.check import FAILURE, Check
from edgenode.cli.doctor.clock import check_clock, kernel_says_synchronised, peers_agree
from edgenode.cli.doctor.disk import check_disk, nearest_existing
from edgenode.cli.doctor.gateway import check_gateway
from edgenode.cli.doctor.identity import check_identity
from edgenode.cli.doctor.ipv6 import check_ipv6
from edgenode.cli.doctor.machine import check_machine
from edgenode.cli.doctor.mdns import can_share, check_mdns, holders
from edgenode.cli.doctor.memory import check_memory
from edgenode.cli.doctor.neighbours import check_neighbours
from edgenode.cli.doctor.ports import check_free, check_served
from edgenode.cli.doctor.reachability import check_reachability
from edgenode.cli.doctor.running import Answers, ask_node
from edgenode.cli.doctor.wear import check_wear
from edgenode.daemon.config.load import Config
from edgenode.daemon.guard.machine import was_begun_here
from edgenode.daemon.reach.network import default_gateways, global_ipv6_addresses, silent
from edgenode.daemon.watch.process import clock_is_set

Named = tuple[str, Callable[[], Check]]
"""The name of a check, and the check."""


def run_checks(config: Config) -> list[Check]:
    """Run every check that applies; one that breaks is a failure of its own, not of the others."""
    node, answers = ask_node(config.data_dir, config.server.http_bind)
    checks = [node]
    for name, check in _register(config, answers):
        try:
            checks.append(check())
        except Exception as error:
            checks.append(Check(name, FAILURE, f"the check itself failed: {error!r}"))
    return checks


def _register(config: Config, answers: Answers | None) -> Iterator[Named]:
    """Give the checks; those of `answers` only where a node runs."""
    if answers is not None:
        yield "reachability", lambda: check_reachability(answers.reachability)
        yield "neighbours", lambda: _neighbours(config, answers)
    yield "gateway", lambda: check_gateway(default_gateways(), silent)
    yield from _ports(config, answers)
    yield "ipv6", lambda: check_ipv6(global_ipv6_addresses())
    agreed = None if answers is None else peers_agree(answers.peers)
    yield (
        "clock",
        lambda: check_clock(time.time(), kernel_says_synchronised(), clock_is_set(), agreed),
    )
    yield (
        "mdns",
        lambda: check_mdns(enabled=config.discovery.mdns, shareable=can_share(), names=holders()),
    )
    folder = nearest_existing(config.data_dir)
    yield "disk", lambda: check_disk(folder, os.statvfs(folder), config.storage.reserve_bytes)
    yield "wear", check_wear
    yield "memory", lambda: check_memory(None if answers is None else answers.run.pid)
    yield "machine", lambda: check_machine(config.data_dir, was_begun_here(config.data_dir))
    if answers is not None:
        yield "identity", lambda: check_identity(answers.node_id, answers.peers)


def _neighbours(config: Config, answers: Answers) -> Check:
    return check_neighbours(
        answers.peers,
        answers.found,
        answers.alone_s,
        mdns=config.discovery.mdns,
        bootstrap=len(config.bootstrap.nodes),
        seeds=len(config.dns.seeds),
    )


def _ports(config: Config, answers: Answers | None) -> Iterator[Named]:
    server = config.server
    if answers is None:
        for name, setting, bind, port in (
            ("peer port", "[server] ws_port", server.ws_bind, server.ws_port),
            ("http port", "[server] http_port", server.http_bind, server.http_port),
        ):
            yield name, lambda x=(name, setting, bind, port): check_free(*x)  # type: ignore[misc]
        return
    run = answers.run
    yield "peer port", lambda: check_served("peer port", reachable(server.ws_bind), run.ws_port)
    yield "http port", lambda: check_served("http port", reachable(server.http_bind), run.http_port)
