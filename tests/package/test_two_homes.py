"""Two installed nodes, each behind a real router, that know nothing but a common node outside."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.lab.support import needs
from tests.lab.support.host import Host
from tests.lab.support.lab import Home, Lab
from tests.lab.support.miniupnpd import Offers
from tests.package.machine import Machine
from tests.package.node import complaints, get, node_id, put, start

pytestmark = pytest.mark.ci

PATIENCE_S = 60.0
POLL_S = 0.3
BLOCK = "from one home to the other"


@pytest.fixture
def lab() -> Iterator[Lab]:
    reason = needs.obstacle()
    assert not reason, f"no laboratory: {reason}"
    with Lab() as made:
        yield made


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(POLL_S)


def maps(home: Home) -> bool:
    return bool(home.daemon.mappings)


def maps_nothing(home: Home) -> bool:
    return not home.daemon.mappings


def installed(stack: ExitStack, host: Host, package: Path, *, knows: str | None) -> Machine:
    """A machine on a host of the laboratory, its node started, with one setting at most."""
    machine = stack.enter_context(Machine(host.namespace.path))
    machine.apt(f"install {machine.copy_in(package)}")
    if knows is not None:
        setting = f'nodes = [{{ address = "{knows}" }}]'
        machine.run(f"sed -i 's/^#nodes = .*/{setting}/' /etc/edgenode/edgenode.toml")
    start(machine)
    return machine


def test_they_are_mapped_meet_and_hand_a_block_over(lab: Lab, package: Path) -> None:
    outside = lab.host("outside")
    homes = [lab.home(name, Offers()) for name in ("one", "two")]
    with ExitStack() as stack:
        common = installed(stack, outside, package, knows=None)
        one, two = (installed(stack, home.host, package, knows=outside.address) for home in homes)
        for home in homes:
            eventually(partial(maps, home), "no router has mapped a port")
        ids = {node_id(machine) for machine in (one, two)}
        eventually(
            lambda: all(found in common.run("edgenode peers --json") for found in ids),
            "they have not found the common node",
        )

        block_id, holder = put(one, BLOCK), node_id(one)
        eventually(
            lambda: holder in two.try_run(f"edgenode meta {block_id} --json")[1],
            "the other home was not told who holds the block",
        )
        assert get(two, block_id) == BLOCK
        assert complaints(one) == complaints(two) == []

        for home, machine in zip(homes, (one, two), strict=True):
            machine.run("systemctl stop edgenode")
            eventually(partial(maps_nothing, home), "a mapping was left behind")
