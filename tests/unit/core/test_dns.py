"""Questions to a DNS resolver and its answers, to the byte."""

import random

from edgenode.core.dns import (
    AAAA,
    MAX_RECORDS,
    NOERROR,
    NXDOMAIN,
    SRV,
    A,
    Answer,
    decode_answer,
    encode_question,
)
from edgenode.core.errors import DecodeError
from tests.unit.core.helpers import raises

QUESTION = encode_question(0x1234, "seed.example", A)
SERVICES = encode_question(0x1234, "_edgenode._tcp.seed.example", SRV)
TOP = b"\xc0\x0c"
"""A pointer to the name of the question."""


def name(text: str) -> bytes:
    labels = [bytes((len(label),)) + label.encode() for label in text.split(".")]
    return b"".join(labels) + b"\x00"


def u16(*values: int) -> bytes:
    return b"".join([bytes((value >> 8, value & 0xFF)) for value in values])


def record(owner: bytes, rtype: int, data: bytes, rclass: int = 1) -> bytes:
    return owner + u16(rtype, rclass, 0, 300, len(data)) + data


def message(*records: bytes, question: bytes = QUESTION, flags: int = 0x8180) -> bytes:
    head = question[:2] + u16(flags, 1, len(records), 0, 0)
    return head + question[12:] + b"".join(records)


def address(number: int) -> bytes:
    return bytes((10, 0, number >> 8, number & 0xFF))


def said(*records: bytes) -> Answer:
    return decode_answer(message(*records), QUESTION)


def refused(data: bytes, question: bytes = QUESTION) -> str:
    return str(raises(DecodeError, decode_answer, data, question))


def test_questions() -> None:
    assert (
        QUESTION.hex() == "123401000001000000000000" + "0473656564076578616d706c6500" + "00010001"
    )
    assert encode_question(0, "a.b.", AAAA) == encode_question(0, "a.b", AAAA)
    assert encode_question(0x10001, "a", A)[:2] == b"\x00\x01"
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(encode_question(0, longest, A)) == 12 + 255 + 4


def test_what_is_no_name() -> None:
    too_long = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 62])
    for text in ("", ".", "a..b", "a b", "a" * 64, "café", "a\x00b", ".a", "a..", too_long):
        raises(ValueError, encode_question, 0, text, A)


def test_addresses_in_their_order() -> None:
    answer = said(record(TOP, A, b"\x0a\x00\x00\x02"), record(TOP, A, b"\x0a\x00\x00\x01"))
    assert answer.result == NOERROR
    assert not answer.truncated
    assert answer.addresses == [b"\x0a\x00\x00\x02", b"\x0a\x00\x00\x01"]
    assert answer.services == []


def test_addresses_of_ipv6() -> None:
    question = encode_question(7, "seed.example", AAAA)
    data = message(record(name("SEED.example"), AAAA, bytes(range(16))), question=question)
    assert decode_answer(data, question).addresses == [bytes(range(16))]


def test_services() -> None:
    within = b"\x05node1" + bytes((0xC0, 12 + 15))  # behind _edgenode._tcp: seed.example
    data = message(
        record(TOP, SRV, u16(1, 2, 4243) + name("Node2.Example")),
        record(TOP, SRV, u16(0, 65535, 1) + within),
        record(TOP, SRV, u16(0, 0, 0) + b"\x00"),
        record(TOP, SRV, u16(0, 0, 5) + b"\x02\xc3\xa9\x00"),  # no name of a host
        question=SERVICES,
    )
    found = decode_answer(data, SERVICES).services
    assert [(entry.priority, entry.weight, entry.port, entry.target) for entry in found] == [
        (1, 2, 4243, "node2.example"),
        (0, 65535, 1, "node1.seed.example"),
        (0, 0, 0, ""),
    ]


def test_what_was_not_asked_for_is_passed_over() -> None:
    answer = said(
        record(TOP, AAAA, bytes(16)),
        record(TOP, A, bytes(4), rclass=3),
        record(name("other.example"), A, bytes(4)),
        record(TOP, 16, b"\x04text"),
        record(TOP, A, b"\x01\x02\x03\x04"),
    )
    assert answer.addresses == [b"\x01\x02\x03\x04"]


def test_aliases_are_followed_in_any_order() -> None:
    answer = said(
        record(name("two.example"), A, address(1)),
        record(name("one.example"), 5, name("two.example")),
        record(TOP, 5, name("one.example")),
        record(TOP, A, address(2)),
    )
    assert answer.addresses == [address(1)]


def test_aliases_in_a_circle_end() -> None:
    circle = (
        record(TOP, 5, name("one.example")),
        record(name("one.example"), 5, TOP),
        record(name("away.example"), A, address(1)),
    )
    assert said(*circle).addresses == []
    assert said(record(TOP, 5, TOP), record(TOP, A, address(1))).addresses == [address(1)]


def test_too_many_aliases() -> None:
    names = ["seed.example"] + [f"a{number}.example" for number in range(9)]
    links = [record(name(names[at]), 5, name(names[at + 1])) for at in range(9)]
    assert said(*links, record(name(names[9]), A, address(1))).addresses == []
    assert said(*links[:8], record(name(names[8]), A, address(1))).addresses == [address(1)]


def test_truncated_and_refused() -> None:
    cut = decode_answer(message(record(TOP, A, address(1)), flags=0x8380), QUESTION)
    assert cut.truncated
    assert cut.addresses == []
    absent = decode_answer(message(flags=0x8183), QUESTION)
    assert absent.result == NXDOMAIN
    assert decode_answer(message(flags=0x8182), QUESTION).result == 2


def test_answers_to_other_questions() -> None:
    good = message(record(TOP, A, address(1)))
    assert decode_answer(good, QUESTION).addresses
    assert "not an answer" in refused(b"\x12\x35" + good[2:])
    assert "not an answer" in refused(message(flags=0x0100))
    assert "not an answer" in refused(message(flags=0x8980))
    assert "not an answer" in refused(good[:4] + b"\x00\x02" + good[6:])
    assert "another question" in refused(good.replace(b"\x04seed", b"\x04feed"))
    assert "another question" in refused(good[: len(QUESTION) - 3] + b"\x1c" + good[-19:])
    assert "cut short" in refused(good[: len(QUESTION) - 1])
    assert "too long" in refused(good + bytes(65536))


def test_the_question_may_come_back_in_other_letters() -> None:
    shouted = message(record(TOP, A, address(1))).replace(b"\x04seed", b"\x04SeEd")
    assert decode_answer(shouted, QUESTION).addresses == [address(1)]


def test_names_that_loop_or_point_ahead() -> None:
    here = len(QUESTION)
    ahead = bytes((0xC0, here + 20))
    for owner in (bytes((0xC0, here)), ahead, b"\x01a" + bytes((0xC0, here))):
        assert "points ahead" in refused(message(record(owner, A, address(1))))
    first = record(b"\x01a" + TOP, A, address(1))
    # To what points on, and so backwards each time.
    assert said(first, record(bytes((0xC0, here)), A, address(2))).addresses == []


def test_malformed_names() -> None:
    assert "malformed name" in refused(message(record(b"\x40a\x00", A, address(1))))
    assert "malformed name" in refused(message(record(b"\x80a\x00", A, address(1))))
    assert "malformed name" in refused(message(b"\xc0"))
    assert "cut short" in refused(message(b"\x05abc"))
    assert "cut short" in refused(message(b"\x03abc"))
    long = (b"\x3f" + b"a" * 63) * 4 + b"\x00"
    assert "too long a name" in refused(message(record(long, A, address(1))))


def test_records_cut_short_or_of_another_length() -> None:
    whole = message(record(TOP, A, address(1)))
    for end in range(len(QUESTION), len(whole)):
        assert refused(whole[:end])
    assert "another length" in refused(message(record(TOP, A, bytes(5))))
    assert "another length" in refused(message(record(TOP, 5, name("a.example") + b"\x00")))
    for data, expected in (
        (bytes(6), "cut short"),
        (bytes(8), "another length"),
        (bytes(6) + b"\x03abc", "cut short"),
    ):
        spoilt = message(record(TOP, SRV, data), question=SERVICES)
        assert expected in refused(spoilt, SERVICES), data


def test_a_thousand_addresses() -> None:
    answer = said(*[record(TOP, A, address(number)) for number in range(1000)])
    assert answer.addresses == [address(number) for number in range(1000)]
    answer = said(*[record(TOP, A, address(number)) for number in range(MAX_RECORDS + 5)])
    assert len(answer.addresses) == MAX_RECORDS


def test_names_without_end_are_given_up() -> None:
    label = b"\x01a" * 100 + b"\x00"
    there = bytes((0xC0, len(QUESTION)))
    first = record(label, A, address(1))
    assert "too many names" in refused(message(first, *[record(there, A, address(2))] * 1000))


def test_any_bytes_give_an_answer_or_an_error() -> None:
    random.seed(35)
    seeds = [
        message(*[record(TOP, A, address(number)) for number in range(3)]),
        message(record(TOP, 5, b"\x01a" + TOP), record(b"\x01a" + TOP, A, address(1))),
    ]
    outcomes = [0, 0]
    for _ in range(3000):
        data = bytearray(seeds[random.randrange(2)])
        for _ in range(1 + random.randrange(3)):
            at = len(QUESTION) + random.randrange(len(data) - len(QUESTION))
            data[at] = random.choice((0, 1, 0xC0, 0xFF, random.randrange(256)))
        if random.randrange(4) == 0:
            data = data[: random.randrange(len(data))]
        try:
            decode_answer(bytes(data), QUESTION)
            outcomes[0] += 1
        except DecodeError:
            outcomes[1] += 1
    assert min(outcomes) > 100, outcomes
