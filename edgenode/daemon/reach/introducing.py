"""Standing in the middle while two peers arrange to meet (`core.meetevents`)."""

from collections.abc import Callable

from edgenode.core.bucket import Bucket
from edgenode.core.ip import from_mapped, is_global, parse_ip
from edgenode.core.meetevents import LACK, Meet
from edgenode.daemon.clock import loop_ms
from edgenode.link.link import Link

# Steps that one peer may have passed on: a meeting takes three at most on its side, so ten
# meetings at once and two new ones a second, more than a node with 48 links has any use for.
BURST = 30
RATE_PER_S = 6


class Introducing:
    """Passes the steps of meetings between linked peers, with the address each is seen at."""

    def __init__(
        self,
        *,
        links: Callable[[str], Link | None],
        post: Callable[[Link, Meet], None],
    ) -> None:
        """`post(link, step)` sends a step."""
        self._links = links
        self._post = post
        self._buckets: dict[str, Bucket] = {}

    def pass_on(self, link: Link, step: Meet) -> None:
        """Take a step of the peer of `link` and pass it on, or say why not."""
        if step.op == LACK or self._links(link.node_id) is not link:
            return
        now_ms = loop_ms()
        bucket = self._buckets.setdefault(link.node_id, Bucket(RATE_PER_S, BURST, now_ms))
        target = self._links(step.node)
        if bucket.take(1, now_ms):
            self._lack(link, step, "busy")
        elif target is None or target is link:
            self._lack(link, step, "not-linked")
        elif not (is_global(target.remote_address) and is_global(link.remote_address)):
            # Nobody elsewhere could use it; with a zone it would be no address at all.
            self._lack(link, step, "address")
        elif _family(target.remote_address) != _family(link.remote_address):
            # Each would be told an address that it may have no way to.
            self._lack(link, step, "family")
        else:
            told = Meet(
                step.op,
                link.node_id,
                step.meet_id,
                port=step.port,
                waited_ms=step.waited_ms,
                address=link.remote_address,
            )
            self._post(target, told)

    def on_lost(self, peer: str) -> None:
        """The link to `peer` ended."""
        self._buckets.pop(peer, None)

    def _lack(self, link: Link, step: Meet, reason: str) -> None:
        self._post(link, Meet(LACK, step.node, step.meet_id, reason=reason))


def _family(address: str) -> int:
    """Return the length of the packed address; 0 for what is no IP literal."""
    packed = parse_ip(address)
    return len(from_mapped(packed)) if packed is not None else 0
