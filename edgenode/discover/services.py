"""The nodes that mDNS tells of, in a table that no sender can make grow."""

from collections.abc import Callable, Iterator, Sequence

from edgenode.core.bucket import Bucket
from edgenode.core.ip import from_mapped, parse_ip
from edgenode.discover.crowd import one_too_many
from edgenode.discover.dnsmessage import AAAA, PTR, SRV, TXT, A, Record
from edgenode.discover.interfaces import Interface, literal, on_link
from edgenode.discover.servicetext import MAX_VALUE_BYTES, SERVICE, cut, read_text
from edgenode.discover.sighting import MDNS, OnSighting, Sighting

MAX_SERVICES = 256
"""More than a LAN of homes has; see `crowd` for who must go."""

MAX_ADDRESSES = 4
"""Of one service: an IPv4 and three IPv6 addresses, as a host has them. The last heard of stay."""

MAX_LIFE_S = 4500
"""75 minutes: what RFC 6762 section 10 recommends for what is not an address; nobody gets more."""

UNRESOLVED_LIFE_S = 20
"""Long enough for all questions below."""

ASK_AFTER_S = (0.1, 1.0, 3.0)
"""When one is asked for what is missing, counted from the question before: what comes by itself
comes at once, and one or two of the packets may be lost."""

RETELL_S = 60.0
"""What is heard anew is told anew no more often than this."""

NEW_ADDRESSES_PER_S = 1
"""Told at once, and as many as are kept in a burst: more are somebody's game."""

MAX_QUESTIONS = 16
"""In one packet, so that it fits."""

MAX_KNOWN = 24
"""Answers that are told to be known, in one packet, so that it fits."""

MAX_NAME_BYTES = 150
"""Of a service: a label of 63 bytes and what follows it is shorter."""


class Service:
    """One entry: `name` as it is asked for, the rest as far as it has been heard."""

    def __init__(self, name: str, source: str, now_s: float) -> None:
        self.name = name
        self.source = source
        self.told_id = ""  # the nodeId that was told of
        self.retell_s = now_s
        self.life_s = MAX_LIFE_S
        self.expires_s = now_s + UNRESOLVED_LIFE_S
        self.ask_at_s = now_s + ASK_AFTER_S[0]
        self.asked = 0
        self.target = ""
        self.port = 0
        self.has_text = False
        self.node_id = ""  # "" where the text is not that of another node of this network
        self.addresses: dict[str, None] = {}
        self.new_addresses = Bucket(NEW_ADDRESSES_PER_S, MAX_ADDRESSES, int(now_s * 1000))

    def lacks(self) -> tuple[tuple[str, int], ...]:
        """Return the names and types of records that are missing."""
        if self.has_text and not self.node_id:
            return ()
        if not self.target or not self.has_text:
            return ((self.name, SRV), (self.name, TXT))
        if not self.addresses:
            return ((self.target, A), (self.target, AAAA))
        return ()


class Services:
    """What is known of others: `take` what is heard, ask `questions`, `expire` now and then."""

    def __init__(
        self,
        *,
        network: str,
        node_id: str,
        own_name: str,
        on_seen: OnSighting,
        on_gone: Callable[[str], None],
    ) -> None:
        """`own_name`: of this node's own service, with `SERVICE` at its end."""
        self._network = cut(network, MAX_VALUE_BYTES)
        self._node_id = node_id
        self._own_name = own_name.lower()
        self._on_seen = on_seen
        self._on_gone = on_gone
        self._services: dict[str, Service] = {}

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._services)

    def take(
        self,
        records: Sequence[Record],
        source: str,
        heard_on: int,
        interfaces: tuple[Interface, ...],
        now_s: float,
    ) -> None:
        """Take the records of a response that came from the on-link address `source`."""
        heard: dict[str, None] = {}
        for record in records:
            if record.rtype == PTR and record.name == SERVICE:
                self._pointer(record, source, now_s)
                heard[record.target.lower()] = None
        for record in records:
            service = self._services.get(record.name)
            if service is not None and record.rtype in (SRV, TXT):
                self._details(service, record, now_s)
                heard[record.name] = None
        addressed = [each for each in records if each.rtype in (A, AAAA) and each.ttl_s]
        if addressed and heard_on == 0:
            packed = parse_ip(source.partition("%")[0])
            behind = None if packed is None else on_link(packed, interfaces)
            heard_on = 0 if behind is None else behind.number
        if addressed:
            by_target = {record.name for record in addressed}
            for key, service in self._services.items():
                if service.target.lower() not in by_target:
                    continue
                heard[key] = None
                for record in addressed:
                    if record.name == service.target.lower():
                        self._address(service, record, heard_on, interfaces, now_s)
        for key in heard:
            if key in self._services:
                self._settle(self._services[key], now_s)

    def questions(self, now_s: float) -> list[tuple[str, int]]:
        """Return what is to be asked now, at most one packet of it, counted as asked."""
        found: dict[tuple[str, int], None] = {}
        for service in self._services.values():
            if service.asked == len(ASK_AFTER_S) or service.ask_at_s > now_s:
                continue
            lacks = service.lacks()
            if lacks and len(found) + len(lacks) <= MAX_QUESTIONS:
                found.update(dict.fromkeys(lacks))
                service.asked += 1
                if service.asked < len(ASK_AFTER_S):
                    service.ask_at_s = now_s + ASK_AFTER_S[service.asked]
        return list(found)

    def next_question_s(self) -> float | None:
        """Return when there is something to be asked; None where all is known, or was asked."""
        due = [
            service.ask_at_s
            for service in self._services.values()
            if service.asked < len(ASK_AFTER_S) and service.lacks()
        ]
        return min(due, default=None)

    def known(self, now_s: float) -> Iterator[tuple[str, int]]:
        """Give names of services that need not be told again, and the seconds they have left.

        RFC 6762 section 7.1: those that have more than half of their life left.
        """
        fresh = [
            (service.name, int(service.expires_s - now_s))
            for service in self._services.values()
            if not service.lacks() and 2 * (service.expires_s - now_s) > service.life_s
        ]
        yield from fresh[:MAX_KNOWN]

    def targets(self) -> frozenset[bytes]:
        """Return the first labels, in lowercase, of the hosts whose addresses are missing."""
        return frozenset(
            service.target.partition(".")[0].lower().encode()
            for service in self._services.values()
            if service.target and service.node_id and not service.addresses
        )

    def expire(self, now_s: float) -> None:
        """Forget those whose time is up."""
        for key, service in list(self._services.items()):
            if service.expires_s <= now_s:
                self._drop(key)

    def doubt(self, now_s: float) -> None:
        """Take nobody for granted any more: the network is another, or was away.

        Whoever is not heard anew soon is forgotten.
        """
        for service in self._services.values():
            service.retell_s = now_s
            service.expires_s = min(service.expires_s, now_s + UNRESOLVED_LIFE_S)

    def _pointer(self, record: Record, source: str, now_s: float) -> None:
        key = record.target.lower()
        service = self._services.get(key)
        if record.ttl_s == 0:  # a goodbye (RFC 6762 section 10.1)
            if service is not None:
                self._drop(key)
            return
        if service is None:
            whole = key.endswith("." + SERVICE) and len(key.encode()) <= MAX_NAME_BYTES
            if not whole or key == self._own_name:
                return
            service = self._services[key] = Service(record.target, source, now_s)
            if len(self._services) > MAX_SERVICES:
                groups = {each: entry.source for each, entry in self._services.items()}
                self._drop(one_too_many(groups))
                return
        service.life_s = min(record.ttl_s, MAX_LIFE_S)

    def _details(self, service: Service, record: Record, now_s: float) -> None:
        if record.ttl_s == 0:
            self._drop(record.name)
        elif record.rtype == SRV:
            if (service.target, service.port) != (record.target, record.port):
                service.target, service.port = record.target, record.port
                service.addresses.clear()
                self._ask_anew(service, now_s)
        else:
            text = read_text(record.data)
            service.has_text = True
            service.node_id = ""
            if text is not None and text.network == self._network and text.node_id != self._node_id:
                service.node_id = text.node_id
            if service.told_id != service.node_id:
                self._tell_gone(service)
                service.retell_s = now_s

    def _address(
        self,
        service: Service,
        record: Record,
        heard_on: int,
        interfaces: tuple[Interface, ...],
        now_s: float,
    ) -> None:
        address = from_mapped(record.data)
        interface = on_link(address, interfaces, heard_on)
        if interface is None:
            return
        text = literal(address, interface)
        is_new = text not in service.addresses
        service.addresses.pop(text, None)
        service.addresses[text] = None  # the last heard of is the last
        if len(service.addresses) > MAX_ADDRESSES:
            del service.addresses[next(iter(service.addresses))]
        if is_new and service.told_id and not service.new_addresses.take(1, int(now_s * 1000)):
            self._tell(service, text)

    def _settle(self, service: Service, now_s: float) -> None:
        """Tell of a service whose last record has come, or that was heard of anew."""
        if service.lacks():
            return
        service.expires_s = now_s + service.life_s
        if not service.node_id or not service.port or now_s < service.retell_s:
            return
        service.told_id = service.node_id
        service.retell_s = now_s + RETELL_S
        for address in service.addresses:
            self._tell(service, address)

    def _tell(self, service: Service, address: str) -> None:
        self._on_seen(Sighting(MDNS, address, service.port, service.node_id, service.source))

    def _ask_anew(self, service: Service, now_s: float) -> None:
        service.retell_s = now_s
        service.asked = 0
        service.ask_at_s = now_s + ASK_AFTER_S[0]

    def _drop(self, key: str) -> None:
        service = self._services.pop(key, None)
        if service is not None:
            self._tell_gone(service)

    def _tell_gone(self, service: Service) -> None:
        """Tell that the node is gone which was told of, unless another service is of it too."""
        node_id, service.told_id = service.told_id, ""
        if node_id and all(other.told_id != node_id for other in self._services.values()):
            self._on_gone(node_id)
