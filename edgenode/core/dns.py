"""Questions to a DNS resolver, and its answers, as bytes.

RFC 1035, with AAAA of RFC 3596 and SRV of RFC 2782. Questions have no EDNS: what does not fit into
512 bytes comes by TCP, and there are routers that drop what they do not know.
"""

import struct

from edgenode.core.errors import DecodeError

A = 1
CNAME = 5
AAAA = 28
SRV = 33

NOERROR = 0
NXDOMAIN = 3

MAX_MESSAGE_BYTES = 0xFFFF
"""By TCP, section 4.2.2."""

# Records of an answer that are looked at, the rest is not: far more than anyone has use for.
MAX_RECORDS = 1024
# Labels of all names in a message, eight for each of two names a record. A crafted message could
# make us read 127 for every two of its bytes.
MAX_LABELS = 16 * MAX_RECORDS
# From alias to alias; resolvers follow about as many.
MAX_ALIASES = 8

_IN = 1
_HEADER_BYTES = 12
_RECORD_BYTES = 10  # after the owner: type, class, time to live, length
_SERVICE_BYTES = 6  # before the target: priority, weight, port
_MAX_LABEL_BYTES = 63
_MAX_NAME_BYTES = 255

_RESPONSE = 0x8000
_OPCODE = 0x7800
_TRUNCATED = 0x0200
_RECURSION = 0x0100
_RESULT = 0x000F

_ADDRESS_BYTES = {A: 4, AAAA: 16}
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"


class Service:
    """An SRV record; `target` is a name without its final dot, "" for "not offered here"."""

    __slots__ = ("port", "priority", "target", "weight")

    def __init__(self, priority: int, weight: int, port: int, target: str) -> None:
        """Take the fields."""
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target


class Answer:
    """What a resolver says to a question.

    `addresses` (4 or 16 bytes each) or `services`, whichever was asked for, in the order of the
    message. Both are empty unless `result` is NOERROR, and where `truncated`: ask by TCP.
    """

    __slots__ = ("addresses", "result", "services", "truncated")

    def __init__(self, result: int = NOERROR, truncated: bool = False) -> None:
        """Begin without records."""
        self.result = result
        self.truncated = truncated
        self.addresses: list[bytes] = []
        self.services: list[Service] = []


def encode_question(query_id: int, name: str, rtype: int) -> bytes:
    """Give the question for the records `rtype` of a name, to a resolver that recurses.

    Raises `ValueError` for what is no name: labels of 1 to 63 letters, digits, `-` and `_`, at most
    253 characters; a final dot may be there.
    """
    header = struct.pack("!HHHHHH", query_id & 0xFFFF, _RECURSION, 1, 0, 0, 0)
    return header + _encode_name(name) + struct.pack("!HH", rtype, _IN)


def decode_answer(data: bytes, question: bytes) -> Answer:
    """Return the answer to `question`, as `encode_question` made it; raises `DecodeError`.

    The question must come back (in any case of letters) with its id. Aliases are followed within
    the message. Records of other names, types and classes, and services at targets that are no
    names of hosts, are passed over.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError("dns: too long")
    if len(data) < len(question):
        raise DecodeError("dns: cut short")
    flags, questions, answers = struct.unpack("!HHH", data[2:8])
    if data[:2] != question[:2] or not flags & _RESPONSE or flags & _OPCODE or questions != 1:
        raise DecodeError("dns: not an answer to the question")
    # A pointer in the question has nowhere to point to, so that its bytes are comparable. Those of
    # type and class are below the letters.
    if data[_HEADER_BYTES : len(question)].lower() != question[_HEADER_BYTES:].lower():
        raise DecodeError("dns: another question")
    answer = Answer(flags & _RESULT, bool(flags & _TRUNCATED))
    if answer.result == NOERROR and not answer.truncated:
        (rtype,) = struct.unpack("!H", question[-4:-2])
        _Reader(data, len(question)).read(
            answer, question[_HEADER_BYTES:-4].lower(), rtype, answers
        )
    return answer


def _encode_name(name: str) -> bytes:
    if name.endswith("."):
        name = name[:-1]
    data = b""
    for label in name.split("."):
        encoded = label.encode()
        if not 0 < len(encoded) <= _MAX_LABEL_BYTES or not _is_plain(encoded):
            raise ValueError("not a name")
        data += bytes((len(encoded),)) + encoded
    data += b"\x00"
    if len(data) > _MAX_NAME_BYTES:
        raise ValueError("too long a name")
    return data


def _is_plain(label: bytes) -> bool:
    return all(letter in _LETTERS for letter in label)


class _Reader:
    """Reads the answer section; names are kept as they are sent, uncompressed and in lowercase."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._labels = 0

    def read(self, answer: Answer, name: bytes, rtype: int, count: int) -> None:
        aliases: dict[bytes, bytes] = {}
        found: list[tuple[bytes, int, int]] = []  # owner, where the data begins and ends
        for _ in range(min(count, MAX_RECORDS)):
            owner = self._name()
            begin = self._at + _RECORD_BYTES
            if begin > len(self._data):
                raise DecodeError("dns: cut short")
            rr_type, rr_class, _, length = struct.unpack("!HHIH", self._data[self._at : begin])
            end = begin + length
            if end > len(self._data):
                raise DecodeError("dns: cut short")
            if rr_class == _IN and rr_type == CNAME:
                self._at = begin
                # Of two, which is against the rules, the first counts.
                aliases.setdefault(owner, self._name())
                if self._at != end:
                    raise DecodeError("dns: an alias of another length")
            elif rr_class == _IN and rr_type == rtype:
                found.append((owner, begin, end))
            self._at = end
        for _ in range(MAX_ALIASES):
            name = aliases.get(name, name)
        for owner, begin, end in found:
            if owner == name:
                self._add(answer, rtype, begin, end)

    def _add(self, answer: Answer, rtype: int, begin: int, end: int) -> None:
        if rtype != SRV:
            if end - begin != _ADDRESS_BYTES[rtype]:
                raise DecodeError("dns: an address of another length")
            answer.addresses.append(self._data[begin:end])
            return
        self._at = begin + _SERVICE_BYTES
        if self._at >= end:
            raise DecodeError("dns: cut short")
        priority, weight, port = struct.unpack("!HHH", self._data[begin : self._at])
        target = _shown(self._name())
        if self._at != end:
            raise DecodeError("dns: a service of another length")
        if target is not None:
            answer.services.append(Service(priority, weight, port, target))

    def _name(self) -> bytes:
        """Read the name here, and go on behind it."""
        data, at = self._data, self._at
        behind = 0
        start = at  # of the piece being read: a pointer may only point to before it
        labels = []
        length = 1
        while True:
            self._labels += 1
            if self._labels > MAX_LABELS:
                raise DecodeError("dns: too many names")
            if at >= len(data):
                raise DecodeError("dns: cut short")
            size = data[at]
            if size > _MAX_LABEL_BYTES:
                if size < 0xC0 or at + 1 >= len(data):  # noqa: PLR2004 - section 4.1.4
                    raise DecodeError("dns: a malformed name")
                behind = behind or at + 2
                at = (size & 0x3F) << 8 | data[at + 1]
                if at >= start:
                    raise DecodeError("dns: a name that points ahead")
                start = at
                continue
            at += 1 + size
            if not size:
                break
            if at > len(data):
                raise DecodeError("dns: cut short")
            length += 1 + size
            if length > _MAX_NAME_BYTES:
                raise DecodeError("dns: too long a name")
            labels.append(data[at - size - 1 : at])
        self._at = behind or at
        return b"".join(labels).lower() + b"\x00"


def _shown(name: bytes) -> "str | None":
    """Give a name as text; None where a label holds what no name of a host does."""
    labels = []
    at = 0
    while name[at]:
        label = name[at + 1 : at + 1 + name[at]]
        if not _is_plain(label):
            return None
        labels.append(label.decode())
        at += 1 + name[at]
    return ".".join(labels)
