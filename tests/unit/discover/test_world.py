"""How many neighbours are dialled."""

import random

import pytest

from edgenode.discover.world import wants_neighbour


def linked_network(count: int, most: int, draw: random.Random) -> list[set[int]]:
    """Let `count` nodes come to a local network one after another; return whom each is linked."""
    links: list[set[int]] = []
    for new in range(count):
        links.append(set())
        # All hear of the new one, and those dial that want to; so does it.
        for other in draw.sample(range(new), new):
            wanted = any(wants_neighbour(len(links[one]), new, most) for one in (new, other))
            if wanted and max(len(links[new]), len(links[other])) < most:
                links[new].add(other)
                links[other].add(new)
    return links


def reached(links: list[set[int]]) -> int:
    """Return how many of the nodes are linked with the first, also by way of others."""
    seen = {0}
    waiting = [0]
    while waiting:
        fresh = links[waiting.pop()] - seen
        seen |= fresh
        waiting += fresh
    return len(seen)


@pytest.mark.parametrize(("most", "mesh"), [(40, 32), (16, 12)])
def test_a_small_network_is_a_full_mesh(most: int, mesh: int) -> None:
    links = linked_network(mesh, most, random.Random(1))
    assert all(len(of_one) == mesh - 1 for of_one in links)


@pytest.mark.parametrize("most", [40, 16])
@pytest.mark.parametrize("count", [42, 60, 200])
def test_a_large_network_stays_one(count: int, most: int) -> None:
    links = linked_network(count, most, random.Random(2))
    assert reached(links) == count
    assert min(len(of_one) for of_one in links) >= 3
