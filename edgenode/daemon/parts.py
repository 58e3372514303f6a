"""All parts of one node, joined: `node` starts them, and stops them in reverse."""

import time
from pathlib import Path

from edgenode.api.access import OperatorToken
from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters
from edgenode.core.events import BlockSync
from edgenode.core.rotation import Retired
from edgenode.crypto import new_block_hasher
from edgenode.daemon.addresses import local_addresses
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.blocks.pinning import Pinning
from edgenode.daemon.blocks.repair import Repair
from edgenode.daemon.clock import monotonic_ms, wall_ms
from edgenode.daemon.config.profile import PROFILES
from edgenode.daemon.config.sections import Config
from edgenode.daemon.datadir import DataFolder
from edgenode.daemon.describe import Description, metrics
from edgenode.daemon.finding.discoveryparts import make_discovering
from edgenode.daemon.finding.inviting import Inviting
from edgenode.daemon.guard.belonging import load_belonging
from edgenode.daemon.guard.front import open_seats
from edgenode.daemon.guard.gate import pack
from edgenode.daemon.guard.guarding import Guarding
from edgenode.daemon.guard.onlink import OnLink
from edgenode.daemon.guard.peerauth import peer_auth
from edgenode.daemon.guard.retiring import Retiring
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.peers import Peers
from edgenode.daemon.reach.meetingparts import MeetingParts
from edgenode.daemon.reach.passing import Passing
from edgenode.daemon.reach.reaching import Reaching
from edgenode.daemon.reach.reachparts import PortMapping
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.daemon.session import Sessions
from edgenode.daemon.watch.display import Displaying
from edgenode.daemon.watch.liveness import Liveness
from edgenode.daemon.watch.logs import Logs
from edgenode.daemon.watch.peerclocks import PeerClocks
from edgenode.daemon.watch.watching import Watching
from edgenode.link.backlog import Backlog
from edgenode.link.dial import Dialler
from edgenode.link.keep import StaticPeer
from edgenode.link.link import Link
from edgenode.link.table import LinkTable
from edgenode.reach.view import View
from edgenode.store.blocks import BlockStore
from edgenode.store.pins import PinTable
from edgenode.store.retired import RetiredTable


class Parts:
    """Every part of one node, each given what it uses of the others; nothing runs yet."""

    def __init__(
        self,
        config: Config,
        data: DataFolder,
        logs: Logs,
        *,
        config_file: Path,
        http_port: int,
        ws_port: int,
    ) -> None:
        self.config = config
        self._started = time.monotonic()
        self.node_id = data.key.public_key.hex()
        self.counters = Counters()
        self.outbound = Outbound(self.node_id, wall_ms)
        profile = PROFILES[config.server.profile]
        self.links = LinkTable(
            self.node_id,
            max_links=profile.max_links,
            max_inbound=profile.max_inbound,
            max_near=profile.max_near,
            is_near=self._is_near,
            is_static=lambda node_id: any(peer.node_id == node_id for peer in self.static),
        )
        kept = [node for node in config.bootstrap.nodes if node.is_static]
        self.static = [StaticPeer(node.address, node.port) for node in kept]
        self.on_link = OnLink()
        self.guarding = Guarding(
            limits=config.rate_limit,
            static=self.static,
            links=self.links,
            on_link=self.on_link,
            database=data.state.database,
            wall_ms=wall_ms,
        )
        clocks = PeerClocks(self.links, now_ms=monotonic_ms, wall_ms=wall_ms)
        self.peers = Peers(self.links, self.static, wall_ms, clocks.offset_ms)
        former_ids = [rotation.old_id for rotation in data.rotations]
        self._description = Description(
            node_id=self.node_id,
            network=config.network.id,
            region=config.node.region,
            capabilities=config.node.capabilities,
            former_ids=former_ids,
            http_port=http_port,
            ws_port=ws_port,
        )
        self.reaching = Reaching(
            links=self.links,
            outbound=self.outbound,
            port=ws_port,
            local=lambda: local_addresses(config.server.ws_bind, ws_port),
            announce=self._description.announce,
            wall_ms=wall_ms,
        )
        self.mapping = PortMapping(
            nat=config.nat,
            server=config.server,
            ws_port=ws_port,
            database=data.state.database,
            on_view=self._on_view,
        )
        self.feed = EventFeed(
            node_id=self.node_id, wall_ms=wall_ms, counters=self.counters, region=self._region
        )
        retired = Retired()
        self.records = RecordParts(
            network=config.network.id,
            key=data.key,
            key_is_new=data.key_is_new,
            epoch=data.epoch,
            state=data.state,
            batch=config.batch,
            outbound=self.outbound,
            feed=self.feed,
            wall_ms=wall_ms,
            retired=retired,
            former_ids=former_ids,
        )
        self.retiring = Retiring(
            retired=retired,
            own=data.rotations,
            network=config.network.id,
            table=RetiredTable(data.state.database),
            links=self.links,
            static=self.static,
            encode_event=self.outbound.rotations,
            is_carried=self.records.carries,
            drop=self.records.drop,
        )
        storage = config.storage
        self.store = BlockStore(
            data.path / "blocks",
            max_bytes=storage.max_bytes,
            reserve_bytes=storage.reserve_bytes,
            max_block_size=storage.max_block_size,
            new_hasher=new_block_hasher,
            on_corrupt=self._want,
            on_held=self.records.on_held,
            on_gone=self.records.on_gone,
        )
        self.fetcher = Fetcher(
            self.store,
            max_block_size=storage.max_block_size,
            linked=lambda: [link.node_id for link in self.links],
            send=self._send_sync,
            reach=self._reach_holder,
        )
        self.passing = Passing(
            bytes_per_s=config.nat.relay_bandwidth if config.nat.relay else 0,
            links=self.links.get,
            holders=self.records.holders,
            new_id=self.fetcher.new_id,
            encode=self.outbound.block_sync,
            counters=self.counters,
        )
        self.records.follow(self.store)
        self.pinning = Pinning(PinTable(data.state.database), self.store, self._look_for_missing)
        self.repair = Repair(self.fetcher, self.store.wanted, self.pinning.missing)
        self.belonging = load_belonging(config.network, config.fleet, data.path)
        self.identity = self.belonging.identity(data.key.public_key, data.key.sign)
        self.backlog = Backlog()
        self.dialler = Dialler(
            self.identity,
            counters=self.counters,
            backlog=self.backlog,
            ping=self.outbound.ping,
            is_shut_out=self.guarding.gate.is_shut_out,
        )
        self.meetings = MeetingParts(
            links=self.links,
            peers=self.peers,
            reaching=self.reaching,
            outbound=self.outbound,
            dialler=self.dialler,
            live=self.live,
            known=self.records.others,
            max_links=profile.max_links,
        )
        self.discovering = make_discovering(
            key=data.key,
            epoch=data.epoch,
            database=data.state.database,
            network=config.network.id,
            discovery=config.discovery,
            bootstrap=config.bootstrap,
            dns=config.dns,
            bind=config.server.ws_bind,
            http_port=http_port,
            ws_port=ws_port,
            announce=self._description.announce,
            reaching=self.reaching,
            outbound=self.outbound,
            links=self.links,
            static=self.static,
            dialler=self.dialler,
            live=self.live,
            is_near=self._is_near,
            admits=self.guarding.gate.admits,
            outbound_target=profile.outbound_target,
            wall_ms=wall_ms,
        )
        self.peers.ways = self.discovering.ways
        self.inviting = Inviting(
            own_id=self.node_id,
            network=config.network,
            is_secret=self.belonging.is_secret,
            config_file=config_file,
            data_dir=data.path,
            addresses=self.reaching.addresses,
            links=self.links,
            dialler=self.dialler,
            live=self.live,
            sighted=self.discovering.sighted,
        )
        self._sessions = Sessions(
            links=self.links,
            peers=self.peers,
            clocks=clocks,
            store=self.store,
            fetcher=self.fetcher,
            passing=self.passing,
            outbound=self.outbound,
            records=self.records,
            on_read=self.records.touch,
            show=lambda type_, event, sender: self.feed.publish(type_, event, sender=sender),
            reaching=self.reaching,
            meetings=self.meetings,
            discovering=self.discovering,
            on_linked=self.repair.wake,
            pace=self.guarding.pace,
            retiring=self.retiring,
        )
        liveness = Liveness(data.state.database, data.path)
        self.alive = liveness.check
        self.watching = Watching(
            liveness=liveness,
            database=data.state.database,
            store=self.store,
            storage=storage,
            fetcher=self.fetcher,
            repair=self.repair,
            dials=self.dialler.dials,
            addresses=self.discovering.addresses,
            links=self.links,
            feed=self.feed,
            records=self.records,
            logs=logs,
            gate=self.guarding.gate,
            clock_trusted=clocks.trusted,
            status=self.metrics,
        )
        self.displaying = Displaying(
            counters=self.counters,
            store=self.store,
            storage=storage,
            batch=config.batch,
            fetcher=self.fetcher,
            repair=self.repair,
            links=self.links,
            records=self.records,
            feed=self.feed,
            liveness=liveness,
            status=self.metrics,
            wall_ms=wall_ms,
        )
        self.operator = OperatorToken(data.token, new_block_hasher)
        self.seats = open_seats(self.on_link, self.static, self.guarding.gate.admits)
        self.peer_auth = peer_auth(
            own_id=self.node_id,
            network=config.network.id,
            wall_ms=wall_ms,
            refusal=lambda id_: (
                self.retiring.refusal(id_)
                or self.belonging.refusal(id_, self.links.get(id_) is not None)
            ),
        )

    async def live(self, link: Link) -> str:
        """Live through `link`; return the reason for its end."""
        address = link.remote_address
        reason = await self._sessions.serve(link)
        self.guarding.judge(link, address)
        self.mapping.on_link_end(reason)
        return reason

    def _is_near(self, address: str) -> bool:
        packed = pack(address)
        return packed is not None and self.guarding.gate.is_near(packed)

    def _on_view(self, view: View) -> None:
        self.watching.on_view(view)
        self.reaching.on_view(view)

    def _region(self, node_id: str) -> str:
        own = node_id == self.node_id
        return self.config.node.region if own else self.peers.region(node_id)

    def _look_for_missing(self) -> None:
        self.repair.wake()

    def _want(self, block_id: str) -> None:
        self.repair.want(block_id)

    async def _reach_holder(self, block_id: str) -> bool:
        """Try to come to a link with one who says that he holds the block."""
        return await self.meetings.meet_one(await self.records.holders(block_id))

    def _send_sync(self, node_id: str, sync: BlockSync) -> bool:
        link = self.links.get(node_id)
        if link is None:
            return False
        link.post(self.outbound.block_sync(sync))
        return True

    def info(self) -> dict[str, object]:
        """Return NodeInfo as it is now."""
        return self._description.info(self.reaching.addresses())

    def metrics(self) -> dict[str, object]:
        """Return NodeMetrics as they are now."""
        return metrics(
            uptime_s=time.monotonic() - self._started,
            peers=len(self.links),
            blocks=self.store.count,
            counters=self.counters,
            pending_sync=len(self.repair.wanted | self.fetcher.pending),
            alone_s=self.discovering.alone_s(),
            reachability=self.reaching.status(),
        )
