"""A place where a node is said to be, and what came of dialling it."""

from edgenode.discover.sighting import BOOTSTRAP, DNS, INVITATION, LAN, MDNS, PEER

NEIGHBOUR = "neighbour"
ANCHOR = "anchor"
SEED = "seed"
TOLD = "told"
STATIC = "static"
START = "start"
"""Kinds of targets: on the local network; linked well before the restart; from a DNS seed; from
the book of told addresses; configured to be kept; configured, or invited by, to begin with."""

PRIORITY = (STATIC, NEIGHBOUR, ANCHOR, START, SEED, TOLD)

REFUSALS = ("self", "busy", "wrong-network", "shut-out")
"""Why there is no link, and will be none soon."""

KIND_OF = {
    MDNS: NEIGHBOUR,
    LAN: NEIGHBOUR,
    BOOTSTRAP: START,
    INVITATION: START,
    DNS: SEED,
    PEER: TOLD,
}


class Target:
    """`began`, `due`, `lost` and `seen` are the loop's seconds; `lost` 0.0: not lost lately."""

    __slots__ = (
        *("began", "dialling", "due", "error", "failures", "host", "how", "kind"),
        *("lost", "node_id", "port", "proved", "refused", "seen", "source"),
    )

    def __init__(
        self, kind: str, how: str, host: str, port: int, *, node_id: str, source: str, now: float
    ) -> None:
        """`node_id`, "" where unknown, is as claimed until a link has `proved` it."""
        self.kind = kind
        self.how = [how]
        self.host = host
        self.port = port
        self.node_id = node_id
        self.source = source or host
        self.seen = now
        self.due = now
        self.began = -1.0
        self.lost = 0.0
        self.failures = 0
        self.dialling = False
        self.proved = False
        self.refused = False  # one of the two does not want the link, wherever they are
        self.error = ""

    @property
    def place(self) -> tuple[str, int]:
        """Where it is; no two targets have the same."""
        return self.host, self.port
