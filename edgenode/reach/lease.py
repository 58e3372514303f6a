"""When a mapping is asked for again: renewals, verifications, and what they cost.

A gateway's reboot shows in the epoch of any answer (core/epoch.py), so that each exchange verifies.
An exchange is one datagram out and one back for PCP and NAT-PMP. VERIFY_S after the last one
comes the next, and the first of these that falls into the time for the renewal is the renewal. So a
lease of two hours, by default, costs five questions and a renewal in an hour: six datagrams, and no
more in any hour where nothing changes, for both families of one router together. Leases under 20
minutes are renewed between the verifications, and of these few are left then: one of n seconds
costs 7200 / n an hour at most, 120 if it is of 60 s.

UPnP has no epoch, but most gateways show in an answer to a search which boot of theirs it is. So it
goes by the same times: five searches of one datagram each, to the gateway alone, and a renewal, a
TCP connection with five packets of ours: ten in an hour. Whoever notifies by itself in time (most
do, every few minutes) need not be searched, which leaves the five. Fewer cannot be had where
nothing is heard: one datagram in ten minutes is six an hour already, and the renewal is of TCP. A
gateway that shows no boots either (version 1.0 of UPnP asked for none) is asked for nothing between
the renewals, which are as far apart as RENEW_AT_MOST_S lets them: to look its mapping up would be
another five packets each time. There, hints and lost links alone tell earlier.
"""

from collections.abc import Callable

from edgenode.core.epoch import lost_by_nat_pmp, lost_by_pcp
from edgenode.reach.method import PCP, Grant, Offer

# The longest that a reboot stays unnoticed, where no hint came and no link died of it.
VERIFY_S = 600.0

# RFC 6887 section 11.2.1: the first renewal is drawn from 1/2 to 5/8 of the lifetime. It may wait
# for the next verification, up to a fourth of it: then there is still time to try again.
RENEW_FROM = 1 / 2
RENEW_SPREAD = 1 / 8
RENEW_PATIENCE = 1 / 4
# A gateway that grants seconds would have us ask without end. ProtonVPN's leases of 60 s are the
# shortest that are met with.
RENEW_AT_LEAST_S = 15.0
# A permanent mapping dies with its gateway's memory as any other, and a long one, too.
RENEW_AT_MOST_S = 3600.0


class Lease:
    """One grant, from when it was given; all times of `now_s` are of one monotonic clock."""

    __slots__ = ("expires_s", "latest_s", "renew_s")

    def __init__(self, grant: Grant, now_s: float, random: Callable[[], float]) -> None:
        """`random` gives floats in [0, 1)."""
        lifetime_s = float(grant.lifetime_s or 2 * RENEW_AT_MOST_S)
        self.expires_s = now_s + lifetime_s
        spread = RENEW_FROM + RENEW_SPREAD * random()
        after_s = max(lifetime_s * spread, RENEW_AT_LEAST_S)
        if grant.epoch_s is None:
            after_s = min(after_s, 2 * RENEW_AT_MOST_S * spread)
        self.renew_s = now_s + after_s
        self.latest_s = self.renew_s + lifetime_s * RENEW_PATIENCE


class Epoch:
    """The last reading of one gateway's epoch, or boot, by one method."""

    __slots__ = ("_at_s", "_boot", "_method", "_seconds")

    def __init__(self) -> None:
        self._method = ""
        self._seconds = 0
        self._boot = ""
        self._at_s = 0.0

    def read(self, method: str, told: Offer | Grant, now_s: float) -> bool:
        """Take a reading; tell whether it shows that the gateway has lost its mappings.

        A boot that the gateway does not tell any more is taken for another one.
        """
        lost = False
        if method == self._method:
            if told.epoch_s is not None:
                rule = lost_by_pcp if method == PCP else lost_by_nat_pmp
                lost = rule(self._seconds, told.epoch_s, int((now_s - self._at_s) * 1000))
            else:
                lost = self._boot not in ("", told.boot)
        self._method, self._boot, self._at_s = method, told.boot, now_s
        self._seconds = told.epoch_s or 0
        return lost
