"""Whom this node takes for its network: the secret, the members, its own membership."""

import asyncio
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from edgenode.core.errors import DataFolderError, DecodeError, ProtocolError
from edgenode.core.hello import Hello
from edgenode.core.membership import (
    MAX_MEMBERSHIP_BYTES,
    Members,
    decode_text,
)
from edgenode.core.signed import Signed
from edgenode.crypto import network_key, verify
from edgenode.daemon.config.sections import FLEET, FleetConfig, NetworkConfig
from edgenode.daemon.guard.networksecret import network_secret
from edgenode.daemon.service import MEMBERSHIP_CREDENTIAL, credential
from edgenode.daemon.watch.process import clock_is_set
from edgenode.link.handshake import LocalIdentity
from edgenode.link.link import Link

MEMBERSHIP_FILE = "membership.json"

# A membership that has ended, or a clock that was set, is noticed within this; a link is looked
# at for a signature's time.
LOOK_AGAIN_S = 600.0

log = logging.getLogger(__name__)


class Belonging:
    """The network of this node, and who belongs to it; an open one has everybody."""

    def __init__(
        self,
        network: NetworkConfig,
        fleet: FleetConfig,
        *,
        secret: str,
        membership: Signed | None,
        trusted_now_ms: Callable[[], int | None],
    ) -> None:
        self.id = network.id
        self.closed = bool(secret or network.members)
        self._key = network_key(secret) if secret else b""
        self._membership = membership
        self._members: Members | None = None
        if network.members:
            by_fleet = FLEET in network.members
            self._members = Members(
                network.id,
                [member for member in network.members if member != FLEET],
                fleet.operators if by_fleet else (),
                verify,
                trusted_now_ms,
            )

    def identity(self, public_key: bytes, sign: Callable[[bytes], bytes]) -> LocalIdentity:
        """Return who this node is on its links, and whom it takes there."""
        admit = None if self._members is None else self._admit
        return LocalIdentity(
            self.id,
            public_key,
            sign,
            network_key=self._key,
            membership=self._membership,
            admit=admit,
        )

    def is_secret(self, text: str) -> bool:
        """Tell whether `text` is the secret of this network, "" for one that has none."""
        return self._key == (network_key(text) if text else b"")

    def refusal(self, node_id: str, linked: bool) -> str:
        """Return the problem for which a node may not use REST here, "" for none.

        To a closed network belongs who is `linked`, which took all that it asks for, and who is
        listed by his id where there is no secret to know.
        """
        if not self.closed or linked:
            return ""
        listed = self._members is not None and self._members.lists(node_id)
        return "" if listed and not self._key else "not-a-member"

    async def watch(self, links: Iterable[Link]) -> None:
        """Until cancelled, end the links of nodes whose membership has ended."""
        while self._members is not None:
            await asyncio.sleep(LOOK_AGAIN_S)
            self.look(links)

    def look(self, links: Iterable[Link]) -> None:
        """End the links of nodes that do not belong any more."""
        for link in links:
            try:
                self._admit(link.peer)
            except ProtocolError as error:
                log.info("ending the link with %s: %s", link.node_id, error)
                link.close(error.code)

    def _admit(self, hello: Hello) -> None:
        if self._members is not None:
            self._members.check(hello.node_id, hello.membership)


def load_belonging(network: NetworkConfig, fleet: FleetConfig, data_dir: Path) -> Belonging:
    """Read the secret and the membership of this node from where they are kept.

    A credential of the service goes before a file. Raises `DataFolderError`. Blocking.
    """
    return Belonging(
        network,
        fleet,
        secret=network_secret(network),
        membership=_membership(data_dir),
        trusted_now_ms=trusted_now_ms,
    )


def trusted_now_ms() -> int | None:
    """Return Unix time, None while the time service says that it has not set the clock."""
    return None if clock_is_set() is False else time.time_ns() // 1_000_000


def warn_if_exposed(config_file: Path, network: NetworkConfig) -> None:
    """Warn of a configuration with a secret, or a file of it, that every user can read."""
    secret_file = Path(network.secret_file) if network.secret_file else None
    for path in (config_file if network.secret else None, secret_file):
        try:
            exposed = path is not None and path.stat().st_mode & stat.S_IROTH
        except OSError:
            continue
        if exposed:
            log.warning(
                "%s holds the secret of the network, and every user can read it: chmod o= it",
                path,
                extra={"event": "secret-exposed"},
            )


def _membership(data_dir: Path) -> Signed | None:
    path = credential(MEMBERSHIP_CREDENTIAL) or data_dir / MEMBERSHIP_FILE
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not keep the start waiting
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataFolderError(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_MEMBERSHIP_BYTES + 1)
    try:
        return decode_text(data)
    except DecodeError as error:
        raise DataFolderError(
            f"{path} holds no membership ({error}): put there what 'edgenode membership sign' "
            "wrote, or remove it"
        ) from None
