"""The parts that find peers, made and joined."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial

from edgenode.core.events import Announce
from edgenode.crypto import SigningKey
from edgenode.daemon.config.sections import BootstrapConfig, DiscoveryConfig, DnsConfig
from edgenode.daemon.finding.acquainting import Acquainting
from edgenode.daemon.finding.addresskeeping import AddressKeeping
from edgenode.daemon.finding.advertising import Advertiser
from edgenode.daemon.finding.discovering import Discovering
from edgenode.daemon.finding.neighbourhood import neighbourhood
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.reach.reaching import Reaching
from edgenode.discover.sighting import Sighting
from edgenode.link.dial import Dialler
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.store.addresses import AddressTable
from edgenode.store.database import Database


def make_discovering(
    *,
    key: SigningKey,
    epoch: int,
    database: Database,
    network: str,
    discovery: DiscoveryConfig,
    bootstrap: BootstrapConfig,
    dns: DnsConfig,
    bind: str,
    http_port: int,
    ws_port: int,
    announce: Callable[[int], Announce],
    reaching: Reaching,
    outbound: Outbound,
    links: LinkTable,
    static: Sequence[StaticPeer],
    dialler: Dialler,
    live: Callable[[Link], Coroutine[None, None, str]],
    is_near: Callable[[str], bool],
    admits: Callable[[str], bool],
    outbound_target: int,
    wall_ms: Callable[[], int],
) -> Discovering:
    """Return what finds peers; `bind` and `ws_port` are where others reach this node.

    `announce(port)` says what it tells of itself. The rest as `Discovering` has it.
    """
    own_id = key.public_key.hex()
    keeping = AddressKeeping(AddressTable(database))

    def on_told(sighting: Sighting) -> None:
        discovering.on_told(sighting)

    advertiser = Advertiser(
        network=network, key=key, epoch=epoch, announce=announce, wall_ms=wall_ms
    )
    acquainting = Acquainting(
        own_id=own_id,
        network=network,
        links=links,
        announcement=reaching.announcement,
        encode=outbound.announce,
        addresses=reaching.addresses,
        open_port=reaching.open_port,
        advertiser=advertiser,
        book=keeping.book,
        now_s=keeping.now_s,
        on_sighting=on_told,
    )
    discovering = Discovering(
        own_id=own_id,
        make_near=partial(
            neighbourhood,
            discovery=discovery,
            network=network,
            own_id=own_id,
            advertise=advertiser.sign,
            capabilities=announce(ws_port).capabilities,
            http_port=http_port,
            ws_port=ws_port,
            bind=bind,
        ),
        acquainting=acquainting,
        keeping=keeping,
        bootstrap=bootstrap,
        dns=dns,
        static=static,
        links=links,
        dialler=dialler,
        live=live,
        is_near=is_near,
        admits=admits,
        outbound_target=outbound_target,
        wall_ms=wall_ms,
    )
    return discovering
