"""Reading messages of mDNS (RFC 6762 section 18, in the format of RFC 1035), strict and bounded.

zeroconf reads them too, but keeps something of each malformed one that it has seen (0.147), so
that nothing reaches it which was not read here first.
"""

import struct
from typing import NamedTuple

from edgenode.core.errors import DecodeError

A, PTR, TXT, AAAA, SRV = 1, 12, 16, 28, 33

MAX_BYTES = 9000
"""RFC 6762 section 17, with headers."""
MAX_ENTRIES = 128
"""Questions and records of one message; a packet of Ethernet has room for fewer."""
MAX_NAME_BYTES = 255
MAX_LABEL_BYTES = 63

_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHLH")
_SRV = struct.Struct("!HHH")
_RESPONSE = 0x8000
_POINTER = 0xC0
_CLASS_IN, _CLASS_BITS = 1, 0x7FFF  # the highest bit says something else (RFC 6762 section 18.12)
_LENGTHS = {A: 4, AAAA: 16}


class Record(NamedTuple):
    """A record of class IN of one of the types above."""

    name: str
    """In lowercase, with a dot at its end."""
    rtype: int
    ttl_s: int
    data: bytes
    """Of A, AAAA and TXT."""
    target: str
    """Of PTR and SRV: a name as it was written."""
    port: int
    """Of SRV."""


class Message(NamedTuple):
    """A query or a response."""

    is_response: bool
    records: tuple[Record, ...]
    """Of all sections; those of other types are left out."""


def read_message(data: bytes) -> Message:
    """Return the message in a datagram; raises `DecodeError`."""
    if len(data) > MAX_BYTES:
        raise DecodeError(f"message: more than {MAX_BYTES} bytes")
    try:
        return _Reader(data).message()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise DecodeError("message: cut off, or not in UTF-8") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._names: dict[int, list[str]] = {}

    def message(self) -> Message:
        _, flags, *counts = _HEADER.unpack_from(self._data)
        if sum(counts) > MAX_ENTRIES:
            raise DecodeError(f"message: more than {MAX_ENTRIES} entries")
        at = _HEADER.size
        for _ in range(counts[0]):
            _, at = self._name(at)
            _QUESTION.unpack_from(self._data, at)
            at += _QUESTION.size
        records = []
        for _ in range(sum(counts[1:])):
            record, at = self._record(at)
            if record is not None:
                records.append(record)
        return Message(bool(flags & _RESPONSE), tuple(records))

    def _record(self, at: int) -> tuple[Record | None, int]:
        name, at = self._name(at)
        rtype, rclass, ttl_s, length = _RECORD.unpack_from(self._data, at)
        at += _RECORD.size
        end = at + length
        if end > len(self._data):
            raise DecodeError("record: cut off")
        if rclass & _CLASS_BITS != _CLASS_IN or rtype not in (A, PTR, TXT, AAAA, SRV):
            return None, end
        data, target, port = b"", "", 0
        if rtype in (PTR, SRV):
            if rtype == SRV:
                _, _, port = _SRV.unpack_from(self._data, at)
                at += _SRV.size
            target, at = self._name(at)
            if at != end:
                raise DecodeError("record: not as long as it says")
        else:
            data = self._data[at:end]
            if length != _LENGTHS.get(rtype, length):
                raise DecodeError("record: an address of another length")
        return Record(name.lower(), rtype, ttl_s, data, target, port), end

    def _name(self, at: int) -> tuple[str, int]:
        """Give the name that begins at `at`, with a dot at its end, and where it ends."""
        labels, end = self._labels(at)
        name = "".join(label + "." for label in labels)
        if len(name.encode()) > MAX_NAME_BYTES:
            raise DecodeError("name: too long")
        return name, end

    def _labels(self, start: int) -> tuple[list[str], int]:
        labels: list[str] = []
        at = start
        while length := self._data[at]:
            if length >= _POINTER:
                back = (length & ~_POINTER) << 8 | self._data[at + 1]
                known = self._names.get(back)
                # To a name that was read before: so there is no circle, and no work is done twice.
                if known is None:
                    raise DecodeError("name: a pointer to no earlier name")
                labels += known
                at += 1
                break
            if length > MAX_LABEL_BYTES:
                raise DecodeError("name: an unknown kind of label")
            label = self._data[at + 1 : at + 1 + length]
            if len(label) != length:
                raise DecodeError("name: cut off")
            labels.append(label.decode())
            at += 1 + length
        if len(labels) > MAX_NAME_BYTES // 2:
            raise DecodeError("name: too long")
        # Later names may point to each label of this one.
        offset = start
        for number in range(len(labels)):
            if offset > at or self._data[offset] >= _POINTER:
                break
            self._names[offset] = labels[number:]
            offset += 1 + self._data[offset]
        self._names.setdefault(start, labels)
        return labels, at + 1
