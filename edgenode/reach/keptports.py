"""The mappings that outlive the process: loaded at the start, saved when they change."""

import asyncio
import logging
import os

from edgenode.core.errors import DecodeError, EdgenodeError
from edgenode.reach.method import Gateway
from edgenode.reach.portstate import (
    NONCE_BYTES,
    Kept,
    PortState,
    PortStore,
    decode,
    encode,
)

log = logging.getLogger(__name__)


class KeptPorts:
    """The nonce and the latest mapping of each gateway; `load` before all else.

    The nonce is this node's for all of its mappings: drawn once, before its first.
    """

    def __init__(self, store: PortStore) -> None:
        self._store = store
        self._state = PortState(bytes(NONCE_BYTES), ())
        self._saving: asyncio.Task[None] | None = None
        self._unsaved = False

    @property
    def nonce(self) -> bytes:
        """What proves to a PCP gateway that a mapping is ours."""
        return self._state.nonce

    async def load(self) -> None:
        """Read what is kept; where there is nothing, draw a nonce and begin to save it."""
        try:
            text = await self._store.load()
            if text is not None:
                self._state = decode(text)
                return
        except DecodeError as error:
            log.warning(
                "what was kept of port mappings is of no use: %s",
                error,
                extra={"event": "mapping-not-kept"},
            )
        except EdgenodeError as error:
            log.warning(
                "what was kept of port mappings cannot be read: %s",
                error,
                extra={"event": "mapping-not-kept"},
            )
        self._state = PortState(os.urandom(NONCE_BYTES), ())
        self._save()

    def find(self, gateway: Gateway) -> Kept | None:
        """Return what this gateway mapped last for us."""
        return self._state.find(gateway.address, gateway.own_address, ipv6=gateway.ipv6)

    def keep(self, kept: Kept) -> None:
        """Take what was mapped; saved in the background, and only where it is news."""
        before = self._state.find(kept.gateway, kept.own_address, ipv6=kept.ipv6)
        # The lifetime is no news: some gateways tell what is left of it.
        if before is None or _without_lifetime(before) != _without_lifetime(kept):
            self._state = self._state.with_mapping(kept)
            self._save()

    async def saved(self) -> None:
        """Return when all is durable, or could not be made so."""
        if self._saving is not None:
            await asyncio.wait([self._saving])

    def _save(self) -> None:
        self._unsaved = True
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        try:
            while self._unsaved:
                self._unsaved = False
                await self._store.save(encode(self._state))
        except EdgenodeError as error:
            log.warning(
                "the port mapping is not kept for the next start: %s",
                error,
                extra={"event": "mapping-not-kept"},
            )
        finally:
            self._saving = None


def _without_lifetime(kept: Kept) -> Kept:
    return kept._replace(grant=kept.grant._replace(lifetime_s=0))
