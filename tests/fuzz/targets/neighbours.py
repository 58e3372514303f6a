"""What the local network and resolvers say: DNS, mDNS and our own announcements."""

import struct

from edgenode.core.dns import AAAA, SRV, A, decode_answer, encode_question
from edgenode.core.errors import DecodeError
from edgenode.core.ip import parse_ip
from edgenode.core.strictjson import encode
from edgenode.discover.dnsmessage import MAX_ENTRIES, PTR, TXT, read_message
from edgenode.discover.interfaces import Interface, Subnet, on_link
from edgenode.discover.neighbours import MAX_NEIGHBOURS, Neighbours
from edgenode.discover.services import MAX_ADDRESSES, MAX_SERVICES, Services
from edgenode.discover.servicetext import SERVICE, instance_name, read_text
from edgenode.discover.sighting import Sighting
from tests.fuzz.engine import Target
from tests.fuzz.mutation import STEP
from tests.fuzz.targets.events import PEER, SIGNED
from tests.fuzz.targets.links import OWN, verify

ETH0 = Interface(
    "eth0",
    2,
    (Subnet(bytes((10, 0, 0, 1)), 8), Subnet(b"\xfe\x80" + bytes(13) + b"\x01", 64)),
)
SENDER = "10.0.0.9"
_POINTER = b"\xc0\x0c"


def dns_answer(data: bytes) -> str:
    """Addresses have their length, and there are no more than are looked at."""
    outcome = ""
    for rtype, size in ((A, 4), (AAAA, 16), (SRV, 0)):
        question = encode_question(7, "seed.example.org", rtype)
        # What stands first is what was asked: nothing is read of anything else.
        answer = decode_answer(question[:2] + data[:10] + question[12:] + data[10:], question)
        assert len(answer.addresses) + len(answer.services) <= 1024
        assert all(len(each) == size for each in answer.addresses)
        assert all(len(each.target) <= 253 for each in answer.services)
        outcome += f"{len(answer.addresses)} {len(answer.services)} "
    return outcome


def mdns_message(data: bytes) -> str:
    """Records are bounded in number."""
    found = read_message(data)
    assert len(found.records) <= MAX_ENTRIES
    return f"{found.is_response} {len(found.records)}"


def service_text(data: bytes) -> str:
    """A nodeId is one."""
    found = read_text(data)
    if found is not None:
        assert len(bytes.fromhex(found.node_id)) == 32
    label = instance_name(data.decode("utf-8", "replace"), OWN)
    assert len(label.encode()) <= 63
    return str(found is not None)


def services(data: bytes) -> str:
    """Whatever comes, the table is bounded, and only what is on the link is told of."""
    seen: list[Sighting] = []
    gone: list[str] = []
    table = Services(
        network="n",
        node_id=OWN,
        own_name=f"me.{SERVICE}",
        on_seen=seen.append,
        on_gone=gone.append,
    )
    refused = 0
    now_s = 1.0
    for step in data.split(STEP):
        now_s += len(step) % 40
        try:
            table.take(read_message(step).records, SENDER, 2, (ETH0,), now_s)
        except DecodeError:
            refused += 1
        table.questions(now_s)
        table.expire(now_s)
        assert len(table) <= MAX_SERVICES
    for each in seen:
        packed = parse_ip(each.host.partition("%")[0])
        assert packed is not None and on_link(packed, (ETH0,), 2) is not None
        assert 0 < each.port <= 65535 and each.node_id != OWN
    assert len(seen) <= 64 * MAX_ADDRESSES * MAX_ENTRIES
    return f"{len(seen)} {len(gone)} {len(table)} {refused}"


def announcements(data: bytes) -> str:
    """Nobody is told of at another address than that a datagram came from."""
    seen: list[Sighting] = []
    table = Neighbours(
        network="n",
        node_id=OWN,
        node_timeout_s=90,
        verify_fn=verify,
        on_seen=seen.append,
        on_gone=lambda _: None,
    )
    now_s = 1.0
    for step in data.split(STEP):
        table.take(step, SENDER, 2, (ETH0,), now_s)
        now_s += len(step) % 40
        table.expire(now_s)
        assert len(table) <= MAX_NEIGHBOURS
    assert all(each.host == SENDER and each.node_id != OWN for each in seen)
    return f"{len(seen)} {len(table)}"


def _name(text: str) -> bytes:
    labels = text.rstrip(".").split(".")
    return b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"


def _record(name: bytes, rtype: int, data: bytes, ttl_s: int = 120, rclass: int = 1) -> bytes:
    return name + struct.pack("!HHLH", rtype, rclass, ttl_s, len(data)) + data


def _answer(*records: bytes, flags: int = 0x8180) -> bytes:
    return struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + b"".join(records)


def _dns_seeds() -> list[bytes]:
    target = _name("node.example.org")
    return [
        _answer(_record(_POINTER, A, bytes((192, 0, 2, 1))), _record(_POINTER, A, bytes(4))),
        _answer(_record(_POINTER, AAAA, bytes(16))),
        _answer(_record(_POINTER, SRV, struct.pack("!HHH", 1, 2, 4242) + target)),
        _answer(_record(_POINTER, 5, target), _record(target, A, bytes(4))),
        _answer(flags=0x8183),
    ]


_INSTANCE = f"Pi-1.{SERVICE}"
_TEXT = b"".join(
    bytes((len(each),)) + each for each in (b"nodeId=" + PEER.encode(), b"network=n", b"version=1")
)


def _mdns(*records: bytes) -> bytes:
    return struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


_WHOLE = (
    _record(_name(SERVICE), PTR, _name(_INSTANCE)),
    _record(_name(_INSTANCE), SRV, struct.pack("!HHH", 0, 0, 4242) + _name("pi.local")),
    _record(_name(_INSTANCE), TXT, _TEXT),
    _record(_name("pi.local"), A, bytes((10, 0, 0, 7))),
    _record(_name("pi.local"), AAAA, b"\xfe\x80" + bytes(13) + b"\x07"),
)
_GOODBYE = _record(_name(SERVICE), PTR, _name(_INSTANCE), ttl_s=0)


def _mdns_seeds() -> list[bytes]:
    asked = struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 0) + _name(SERVICE) + b"\0\x0c\0\x01"
    pointing = _mdns(_WHOLE[0], b"\xc0\x0c" + _WHOLE[0][len(_name(SERVICE)) :])
    return [asked, pointing, _mdns(*_WHOLE), _mdns(_GOODBYE)]


def _service_seeds() -> list[bytes]:
    return [STEP.join((*(_mdns(each) for each in _WHOLE), _mdns(_GOODBYE))), _mdns(*_WHOLE)]


def _announcement(address: str, seq: int) -> bytes:
    said = {
        "nodeId": PEER, "address": address, "port": 4242, "capabilities": ["blocks"], "version": "1"
    }  # fmt: skip
    return encode({**SIGNED, "seq": seq, "payload": encode(said).decode()})


_NAMES = (_name(SERVICE), b"\xc0\x0c", b"\xc0\x00", b"\xff\xff", b"\x3f" + b"a" * 63)

TARGETS = (
    Target("dns", dns_answer, (DecodeError,), _dns_seeds, _NAMES),
    Target("mdns", mdns_message, (DecodeError,), _mdns_seeds, _NAMES),
    Target("mdns-text", service_text, (), lambda: [_TEXT, b"\x01a\0\xff"], (b"\x09network=n",), 2),
    Target("mdns-services", services, (), _service_seeds, _NAMES),
    Target(
        "announcements",
        announcements,
        (),
        lambda: [STEP.join((_announcement("", 1), _announcement(SENDER, 2), _announcement("", 1)))],
    ),
)
