"""The table of services that mDNS tells of."""

import socket

from edgenode.discover.dnsmessage import AAAA, PTR, SRV, TXT, A, Record
from edgenode.discover.interfaces import Interface, Subnet
from edgenode.discover.services import (
    MAX_ADDRESSES,
    MAX_LIFE_S,
    MAX_QUESTIONS,
    MAX_SERVICES,
    UNRESOLVED_LIFE_S,
    Services,
)
from edgenode.discover.servicetext import SERVICE
from edgenode.discover.sighting import MDNS, Sighting

ME = "f" * 64
LINK_LOCAL = b"\xfe\x80" + bytes(13) + b"\x07"
ETH0 = Interface(
    "eth0",
    2,
    (Subnet(bytes((10, 0, 0, 1)), 8), Subnet(b"\xfe\x80" + bytes(13) + b"\x01", 64)),
)


def node(number: int) -> str:
    return f"{number:064x}"


def name(number: int) -> str:
    return f"Node-{number}.{SERVICE}"


def host(number: int) -> str:
    return f"host-{number}.local."


def pointer(number: int, ttl_s: int = 4500) -> Record:
    return Record(SERVICE, PTR, ttl_s, b"", name(number), 0)


def place(number: int, port: int = 4242) -> Record:
    return Record(name(number).lower(), SRV, 120, b"", host(number), port)


def text(number: int, network: str = "n", node_id: str = "") -> Record:
    strings = [f"nodeId={node_id or node(number)}", f"network={network}"]
    data = b"".join(bytes((len(each),)) + each.encode() for each in strings)
    return Record(name(number).lower(), TXT, 4500, data, "", 0)


def address(number: int, literal: str) -> Record:
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    rtype = AAAA if ":" in literal else A
    return Record(host(number), rtype, 120, socket.inet_pton(family, literal), "", 0)


def everything(number: int) -> list[Record]:
    return [pointer(number), place(number), text(number), address(number, "10.0.0.7")]


class Table:
    """Services with a clock and lists of what they tell."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.seen: list[Sighting] = []
        self.gone: list[str] = []
        self.services = Services(
            network="n",
            node_id=ME,
            own_name=name(0),
            on_seen=self.seen.append,
            on_gone=self.gone.append,
        )

    def take(self, *records: Record, source: str = "10.0.0.7", heard_on: int = 0) -> None:
        self.services.take(records, source, heard_on, (ETH0,), self.now_s)

    def questions(self) -> list[tuple[str, int]]:
        return self.services.questions(self.now_s)


def sighting(number: int, at: str = "10.0.0.7", port: int = 4242) -> Sighting:
    return Sighting(MDNS, at, port, node(number), "10.0.0.7")


def test_what_comes_at_once_is_told_at_once_and_asked_for_by_nobody() -> None:
    table = Table()
    table.take(*everything(1))
    assert table.seen == [sighting(1)]
    assert table.services.next_question_s() is None
    assert [each for each, _ in table.services.known(table.now_s)] == [name(1)]


def test_what_is_missing_is_asked_for_three_times() -> None:
    table = Table()
    table.take(pointer(1))
    assert table.questions() == []
    asked = []
    for _ in range(10):
        due = table.services.next_question_s()
        if due is None:
            break
        table.now_s = due
        asked.append(table.questions())
    assert asked == [[(name(1), SRV), (name(1), TXT)]] * 3
    table.take(place(1), text(1))
    assert not table.seen
    table.now_s += UNRESOLVED_LIFE_S
    table.services.expire(table.now_s)
    assert len(table.services) == 0


def test_addresses_of_a_host_with_another_name_are_asked_for() -> None:
    table = Table()
    table.take(pointer(1), place(1), text(1))
    assert table.services.targets() == {b"host-1"}
    table.now_s += 1
    assert table.questions() == [(host(1), A), (host(1), AAAA)]
    table.take(address(1, "10.0.0.7"))
    assert table.seen == [sighting(1)]
    assert table.services.targets() == frozenset()


def test_link_local_addresses_have_the_zone_that_they_were_heard_in() -> None:
    table = Table()
    table.take(*everything(1), address(1, "fe80::7"))
    assert sighting(1, "fe80::7%eth0") in table.seen
    table.take(address(1, "fe80::8"), source="fe80::8%eth0", heard_on=5)
    assert not any(each.host.startswith("fe80::8") for each in table.seen)


def test_addresses_that_are_not_on_link_are_never_told() -> None:
    table = Table()
    for literal in ("127.0.0.1", "8.8.8.8", "192.168.1.1", "::1", "2a01::1", "224.0.0.1"):
        table.take(pointer(1), place(1), text(1), address(1, literal))
    assert table.seen == []


def test_another_network_oneself_and_nonsense_are_not_told_or_asked_for() -> None:
    table = Table()
    table.take(pointer(1), text(1, network="other"))
    table.take(pointer(2), text(2, node_id=ME))
    table.take(pointer(3), text(3, node_id="nobody"))
    table.take(pointer(0))
    table.now_s += 1
    assert table.questions() == []
    assert table.seen == []
    assert len(table.services) == 3


def test_a_goodbye_is_told_once() -> None:
    table = Table()
    table.take(*everything(1))
    table.take(pointer(1, ttl_s=0))
    table.take(pointer(1, ttl_s=0))
    assert table.gone == [node(1)]
    assert len(table.services) == 0


def test_a_node_with_two_services_is_gone_with_the_second() -> None:
    table = Table()
    table.take(*everything(1))
    table.take(pointer(2), place(2), text(2, node_id=node(1)), address(2, "10.0.0.7"))
    table.take(pointer(1, ttl_s=0))
    assert table.gone == []
    table.take(pointer(2, ttl_s=0))
    assert table.gone == [node(1)]


def test_records_run_out_and_nobody_lives_longer_than_is_said() -> None:
    table = Table()
    table.take(pointer(1, ttl_s=2**31), *everything(1)[1:])
    table.now_s += MAX_LIFE_S - 1
    table.services.expire(table.now_s)
    assert table.gone == []
    table.now_s += 1
    table.services.expire(table.now_s)
    assert table.gone == [node(1)]


def test_what_is_heard_anew_is_told_once_a_minute() -> None:
    table = Table()
    for _ in range(10):
        table.take(*everything(1))
    assert len(table.seen) == 1
    table.now_s += 60
    table.take(*everything(1))
    assert len(table.seen) == 2


def test_a_change_is_told_at_once() -> None:
    table = Table()
    table.take(*everything(1))
    table.take(address(1, "10.0.0.8"))
    assert table.seen[-1] == sighting(1, "10.0.0.8")
    table.take(place(1, port=4343), address(1, "10.0.0.7"))
    assert table.seen[-1] == sighting(1, port=4343)


def test_addresses_that_change_all_the_time_are_told_seldom() -> None:
    table = Table()
    table.take(*everything(1))
    for number in range(200):
        table.take(address(1, f"10.0.1.{number}"))
    assert len(table.seen) <= 1 + MAX_ADDRESSES


def test_after_a_change_of_the_network_all_have_to_tell_again() -> None:
    table = Table()
    table.take(*everything(1))
    table.take(*everything(2))
    table.services.doubt(table.now_s)
    assert list(table.services.known(table.now_s)) == []
    table.take(*everything(1))
    assert table.seen[2:] == [sighting(1)]
    table.now_s += UNRESOLVED_LIFE_S
    table.services.expire(table.now_s)
    assert table.gone == [node(2)]


def test_one_sender_crowds_nobody_out() -> None:
    table = Table()
    table.take(*everything(1), source="10.0.0.7")
    for number in range(1000, 3000):
        table.take(*everything(number), source="10.6.6.6")
    table.take(*everything(2), source="10.0.0.8")
    assert len(table.services) == MAX_SERVICES
    assert table.gone.count(node(1)) == 0
    known = {entry.told_id for entry in table.services._services.values()}
    assert {node(1), node(2)} <= known


def test_questions_fit_into_a_packet() -> None:
    table = Table()
    for number in range(1, 100):
        table.take(pointer(number), source=f"10.0.0.{number}")
    table.now_s += 1
    asked = [table.questions() for _ in range(10)]
    assert all(len(each) <= MAX_QUESTIONS for each in asked)
    assert sum(len(each) for each in asked) == 10 * MAX_QUESTIONS


def test_names_that_are_no_service_are_not_kept() -> None:
    table = Table()
    for target in ("x.local.", SERVICE, "y" * 200 + "." + SERVICE, ""):
        table.take(Record(SERVICE, PTR, 4500, b"", target, 0))
    assert len(table.services) == 0
