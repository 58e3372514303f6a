"""The blacklist as the operator sees and changes it."""

import logging
from collections.abc import Callable

from edgenode.core.blacklist import OPERATOR, Entry, key_of
from edgenode.core.errors import BlacklistFull, EdgenodeError, NeverShutOut
from edgenode.core.ip import format_ip
from edgenode.daemon.guard.gate import Gate, pack
from edgenode.daemon.peers import iso_time
from edgenode.link.table import LinkTable
from edgenode.store.blacklist import BlacklistTable, KeptEntry

log = logging.getLogger(__name__)


class Shutting:
    """Shuts out addresses and lets them in again; what the operator says outlives the process."""

    def __init__(
        self,
        gate: Gate,
        table: BlacklistTable,
        links: LinkTable,
        *,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int],
    ) -> None:
        self._gate = gate
        self._table = table
        self._links = links
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    async def open(self) -> None:
        """Take what was kept; call it before anybody is let in."""
        now_ms, wall_ms = self._now_ms(), self._wall_ms()
        ended = []
        for key, since_ms, until_ms in await self._table.load():
            if until_ms is not None and until_ms <= wall_ms:
                ended.append(key)
                continue
            begun_ms = now_ms - max(0, wall_ms - since_ms)
            # A clock that was set back must not make it longer than it was to be.
            lasts_ms = None if until_ms is None else min(until_ms - since_ms, until_ms - wall_ms)
            ends_ms = None if lasts_ms is None else now_ms + lasts_ms
            try:
                entry = Entry(key, OPERATOR, OPERATOR, begun_ms, ends_ms, 0)
                self._gate.blacklist.put(entry, now_ms)
            except BlacklistFull:
                break
        if ended:
            await self._table.delete(ended)

    def entries(self) -> list[dict[str, object]]:
        """Return {address, reason, since, until, by} of each, `until` null for those without."""
        return [self._shown(entry) for entry in self._gate.blacklist.entries(self._now_ms())]

    async def add(self, address: bytes, duration_s: int | None) -> dict[str, object]:
        """Shut out an address, durably, end its links, and return its entry.

        Raises `NeverShutOut`, `BlacklistFull`, and what the database raises.
        """
        if self._gate.is_exempt(address):
            raise NeverShutOut(f"{format_ip(address)} is loopback, or a static peer's")
        now_ms, wall_ms = self._now_ms(), self._wall_ms()
        near = self._gate.is_near(address)
        lasts_ms = None if duration_s is None else 1000 * duration_s
        entry = self._gate.blacklist.add(address, now_ms, lasts_ms, near=near)
        until_ms = None if lasts_ms is None else wall_ms + lasts_ms
        try:
            await self._table.save(KeptEntry(entry.key, wall_ms, until_ms))
        except EdgenodeError:
            self._gate.blacklist.remove(address)
            raise
        for link in self._links:
            packed = pack(link.remote_address)
            if packed is not None and entry.key in (packed, key_of(packed, near=False)):
                log.info("the link with %s is ended: %s is shut out", link.node_id, entry.address)
                link.close("bye")
        return self._shown(entry)

    async def remove(self, address: bytes) -> bool:
        """Let an address in again, durably; False if it was not shut out."""
        now_ms = self._now_ms()
        removed = self._gate.blacklist.remove(address)
        mine = [entry.key for entry in removed if entry.by == OPERATOR]
        if mine:
            await self._table.delete(mine)
        return any(entry.holds(now_ms) for entry in removed)

    def _shown(self, entry: Entry) -> dict[str, object]:
        offset = self._wall_ms() - self._now_ms()
        until_ms = entry.until_ms
        return {
            "address": entry.address,
            "reason": entry.reason,
            "since": iso_time(entry.since_ms + offset),
            "until": None if until_ms is None else iso_time(until_ms + offset),
            "by": entry.by,
        }
