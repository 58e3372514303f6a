"""`metadata:sync`, from the frame to the record and back."""

from edgenode.core.errors import DecodeError
from edgenode.core.message import encode_message
from edgenode.core.syncevents import FILL_BYTES
from edgenode.core.triesync import (
    MAX_NAMED,
    MAX_WANTED,
    AckBatches,
    AskNode,
    HaveBatches,
    NodeChildren,
    NodeList,
    WantBatches,
)
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import ORIGIN, PEER, numbered, received

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.core.triesync import MetadataSync

EVENT = "metadata:sync"
DIGEST = bytes(range(16))
HEX = DIGEST.hex()
MOST = 2**53 - 1

# One of each, with its data to the letter.
STEPS: "list[tuple[MetadataSync, dict[str, object]]]" = [
    (AskNode(ORIGIN, "0f"), {"op": "node", "origin": ORIGIN, "prefix": "0f"}),
    (
        NodeChildren(ORIGIN, "", [DIGEST] * 16),
        {"op": "children", "origin": ORIGIN, "prefix": "", "digests": [HEX] * 16},
    ),
    (
        NodeList(ORIGIN, "00", [(1, 0, DIGEST)]),
        {"op": "list", "origin": ORIGIN, "prefix": "00", "items": [[1, 0, HEX]]},
    ),
    (
        WantBatches(ORIGIN, [(1, 0), (2, 7)]),
        {"op": "want", "origin": ORIGIN, "items": [[1, 0], [2, 7]]},
    ),
    (HaveBatches([(ORIGIN, 1, 0, DIGEST)]), {"op": "have", "items": [[ORIGIN, 1, 0, HEX]]}),
    (AckBatches([DIGEST]), {"op": "ack", "digests": [HEX]}),
]


def refused(data: "dict[str, object]") -> str:
    return str(raises(DecodeError, received, EVENT, data))


def test_each_step_is_written_and_read() -> None:
    for step, data in STEPS:
        assert step.to_data() == data
        came = received(EVENT, data)
        assert type(came) is type(step)
        for name in ("origin", "prefix", "digests", "items"):
            assert getattr(came, name, None) == getattr(step, name, None), name


def test_each_field_is_needed() -> None:
    for _, data in STEPS:
        for name in data:
            where = refused(dict(data, **{name: None}))
            assert where.startswith("message.data." + name + ": expected"), where


def test_an_op_of_a_later_version() -> None:
    for op in ("later", "", "NODE"):
        assert received(EVENT, {"op": op, "origin": 1}) is None
    wrong: tuple[object, ...] = (1, True, [], "o" * 33)
    for value in wrong:
        assert refused({"op": value}).startswith("message.data.op: ")


def test_later_fields_are_ignored() -> None:
    for step, data in STEPS:
        assert type(received(EVENT, dict(data, later=1))) is type(step)


def test_wrong_values() -> None:
    numbers: tuple[object, ...] = (-1, MOST + 1.0, 1.0, "1", None, True)
    rows: list[object] = [[], [1], [1, 0, HEX, 1], {}, 1, None]
    rows.extend([[0, 0, HEX], [1, 0, HEX[2:]], [1, 0, HEX.upper()], [1, 0, None]])
    rows.extend([[number, 0, HEX] for number in numbers])
    rows.extend([[1, number, HEX] for number in numbers])
    pairs: list[object] = [[], [1], [1, 0, 0], [0, 0]]
    pairs.extend([[number, 0] for number in numbers] + [[1, number] for number in numbers])
    origins: tuple[object, ...] = ("", ORIGIN.upper(), ORIGIN[2:], 1, [])
    prefixes: tuple[object, ...] = ("0" * 33, "0F", "g", " ", "0x", 1, [])
    digests: tuple[object, ...] = ([HEX] * 15 + [HEX[2:]], [HEX] * 15 + [1], {}, "", HEX)
    for step, data in STEPS:
        wrong: dict[str, object] = {"origin": origins, "prefix": prefixes, "digests": digests}
        if isinstance(step, NodeList):
            wrong["items"] = [[row] for row in rows] + [{}, "", 1]
        elif isinstance(step, WantBatches):
            wrong["items"] = [[row] for row in pairs] + [{}, "", 1]
        elif isinstance(step, HaveBatches):
            named = [[ORIGIN] + row for row in rows if isinstance(row, list)]
            wrong["items"] = [[row] for row in named] + [[[each, 1, 0, HEX]] for each in origins]
        for name, values in wrong.items():
            if name in data:
                assert isinstance(values, (list, tuple))
                for value in values:
                    where = refused(dict(data, **{name: value}))
                    assert where.startswith("message.data." + name), (where, value)


def test_sixteen_children() -> None:
    for count in (0, 15, 17):
        data = NodeChildren(ORIGIN, "", [DIGEST] * count).to_data()
        assert refused(data).startswith("message.data.digests: ")


def test_no_children_below_a_whole_digest() -> None:
    data = NodeChildren(ORIGIN, "f" * 32, [DIGEST] * 16).to_data()
    assert refused(data).startswith("message.data.prefix: ")


def test_bounds() -> None:
    for step in (
        AskNode(ORIGIN, "f" * 32),
        NodeChildren(ORIGIN, "f" * 31, [DIGEST] * 16),
        NodeList(ORIGIN, "", [(MOST, MOST, numbered(each)) for each in range(64)]),
        WantBatches(ORIGIN, [(MOST, MOST)] * MAX_WANTED),
        HaveBatches([(ORIGIN, MOST, MOST, DIGEST)] * MAX_NAMED),
        AckBatches([DIGEST] * MAX_NAMED),
        NodeList(ORIGIN, "", []),
    ):
        assert type(received(EVENT, step.to_data())) is type(step)
        assert len(encode_message(EVENT, step.to_data(), MOST, PEER)) <= FILL_BYTES
    for step in (
        NodeList(ORIGIN, "", [(1, 1, numbered(each)) for each in range(65)]),
        WantBatches(ORIGIN, [(1, 1)] * (MAX_WANTED + 1)),
        HaveBatches([(ORIGIN, 1, 1, DIGEST)] * (MAX_NAMED + 1)),
        AckBatches([DIGEST] * (MAX_NAMED + 1)),
    ):
        assert "more than" in refused(step.to_data())
