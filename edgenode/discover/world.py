"""What is linked, as whoever decides on dials sees it."""

from collections.abc import Callable
from typing import NamedTuple

# Neighbours known up to which all are dialled, of the most that can be linked; and links with which
# one has enough where there are more. That is less than half, so that those who come last find
# places: if all took all they can get, the first would be full, and linked with one another alone.
MESH_SHARE = 4 / 5
CROWD_SHARE = 2 / 5


class World(NamedTuple):
    """What is linked at the moment; "elsewhere" is not on a network of this host."""

    linked: Callable[[str], bool]
    """Tells whether there is a link with a nodeId that shows no sign of being dead."""
    outbound: int
    """Links with nodes elsewhere that this node has dialled."""
    groups: frozenset[bytes]
    """The network groups that these are in."""
    room: bool
    """Whether one more neighbour is wanted; see `wants_neighbour`."""
    families: tuple[bool, ...] = ()
    """Of each link with a node elsewhere, whoever dialled it: whether it is by IPv6."""


def wants_neighbour(linked: int, known: int, most: int) -> bool:
    """Tell whether one more neighbour is to be dialled.

    `linked` are, of `known`; `most` can be.
    """
    return linked < (most if known <= most * MESH_SHARE else most * CROWD_SHARE)
