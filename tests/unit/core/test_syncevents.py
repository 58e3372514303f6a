"""`node:status` and the events with batches, from the frame to the record and back."""

from edgenode.core.batch import MAX_BATCH_BYTES, encode_batch
from edgenode.core.errors import DecodeError
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.hello import MIN_FRAME_BYTES
from edgenode.core.message import encode_message
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, Update
from edgenode.core.signed import Signed
from edgenode.core.syncevents import (
    FILL_BYTES,
    MAX_BATCHES,
    MAX_EVENT_BYTES,
    MAX_ORIGINS,
    Batches,
    NodeStatus,
    OriginStatus,
    batch_messages,
    event_of,
    status_messages,
)
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import (
    BLOCK_ID,
    ORIGIN,
    OTHER,
    PEER,
    numbered,
    received,
    signed,
    temperature,
)

BATCH_EVENTS = ("block:temperature", "block:location", "metadata:update")
ROOT = bytes(range(16))
SEAL_BYTES = 17


def refused(type_: str, data: "dict[str, object]") -> str:
    return str(raises(DecodeError, received, type_, data))


def status(node_id: str = ORIGIN, head: "Signed | None" = None) -> OriginStatus:
    return OriginStatus(node_id, head, ROOT, 5)


def text_bytes(message: "Batches | NodeStatus") -> int:
    longest = "block:temperature"
    return len(encode_message(longest, message.to_data(), 2**53 - 1, PEER))


def test_batches() -> None:
    sent = [signed("{}", seq=seq) for seq in (4, 5)]
    for event in BATCH_EVENTS:
        came = received(event, Batches(event, sent).to_data())
        assert isinstance(came, Batches)
        assert came.event == event
        assert [each.to_data() for each in came.batches] == [each.to_data() for each in sent]


def test_wrong_batches() -> None:
    good = signed("{}").to_data()
    for event in BATCH_EVENTS:
        wrong: tuple[object, ...] = (None, {}, "", [], [1], [[]], [good, {}])
        for value in wrong:
            assert refused(event, {"batches": value}).startswith("message.data.batches"), value
        small = dict(good, payload="")
        came = received(event, {"batches": [small] * MAX_BATCHES})
        assert isinstance(came, Batches)
        refused(event, {"batches": [small] * (MAX_BATCHES + 1)})


def test_a_payload_is_not_read_here() -> None:
    came = received("metadata:update", {"batches": [signed("not JSON").to_data()]})
    assert isinstance(came, Batches)
    assert came.batches[0].payload == "not JSON"


def test_the_event_of_a_batch() -> None:
    hot = Update(TEMPERATURE, BLOCK_ID, {"class": "HOT"})
    here = Update(LOCATION, BLOCK_ID, None)
    about = Update(METADATA, BLOCK_ID, {})
    assert event_of([hot, hot]) == "block:temperature"
    assert event_of([here]) == "block:location"
    for mixed in ([about], [hot, here], [here, about], [hot, about], []):
        assert event_of(mixed) == "metadata:update"


def test_status() -> None:
    head = signed("{}", "head")
    sent = NodeStatus([status(head=head), status(OTHER)], last=True)
    came = received("node:status", sent.to_data())
    assert isinstance(came, NodeStatus)
    assert came.last is True
    first, second = came.origins
    assert (first.node_id, first.root, first.count) == (ORIGIN, ROOT, 5)
    assert first.head is not None
    assert first.head.to_data() == head.to_data()
    assert (second.node_id, second.head) == (OTHER, None)
    assert came.to_data() == sent.to_data()
    empty = received("node:status", {"origins": [], "last": False})
    assert isinstance(empty, NodeStatus)
    assert (empty.origins, empty.last) == ([], False)


def test_wrong_status() -> None:
    good = status().to_data()
    not_origins: tuple[object, ...] = (None, {}, [1], [{}], [good] * (MAX_ORIGINS + 1))
    for value in not_origins:
        assert refused("node:status", {"origins": value, "last": True}).startswith("message.data.o")
    assert isinstance(
        received("node:status", {"origins": [good] * MAX_ORIGINS, "last": True}), NodeStatus
    )
    for last in (None, 0, 1, "true"):
        assert refused("node:status", {"origins": [], "last": last}).startswith("message.data.last")
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("nodeId", (None, "0A" * 32, "0a" * 31, 1)),
        ("head", ([], 1, {}, "")),
        ("root", (None, "00" * 15, 1)),
        ("count", (None, -1, 1.0, 2**53 - 1.0, "1")),
    )
    for name, values in wrong:
        for value in values:
            origin = status().to_data()
            origin[name] = value
            where = refused("node:status", {"origins": [origin], "last": True})
            assert where.startswith("message.data.origins[0]." + name), (name, value)


def test_the_head_of_another_origin() -> None:
    origin = status(OTHER, signed("{}", "head")).to_data()
    refused("node:status", {"origins": [origin], "last": True})


def test_a_head_that_is_absent() -> None:
    origin = status().to_data()
    del origin["head"]
    came = received("node:status", {"origins": [origin], "last": True})
    assert isinstance(came, NodeStatus)
    assert came.origins[0].head is None


def test_an_origin_without_batches() -> None:
    for count in (0, 2**53 - 1):
        origin = dict(status().to_data(), count=count)
        came = received("node:status", {"origins": [origin], "last": True})
        assert isinstance(came, NodeStatus)
        assert came.origins[0].count == count


def test_later_fields_are_ignored() -> None:
    origin = dict(status().to_data(), later=1)
    came = received("node:status", {"origins": [origin], "last": True, "later": []})
    assert isinstance(came, NodeStatus)
    batch = dict(signed("{}").to_data(), later={})
    assert isinstance(received("block:location", {"batches": [batch], "later": 1}), Batches)


def test_batches_are_put_into_messages() -> None:
    full = encode_batch("b", 0, [temperature(number) for number in range(100)])
    sent = [signed(full if seq % 3 else "{}", seq=seq) for seq in range(40)]
    messages = batch_messages("block:temperature", sent)
    assert [each.seq for message in messages for each in message.batches] == list(range(40))
    for message in messages:
        assert message.event == "block:temperature"
        assert 0 < len(message.batches) <= MAX_BATCHES
        assert text_bytes(message) <= FILL_BYTES
    # Of each two that follow one another, the first has no room for what the second begins with.
    for one, other in zip(messages, messages[1:]):  # noqa: B905, RUF007
        more = Batches(one.event, one.batches + other.batches[:1])
        assert text_bytes(more) > FILL_BYTES - 256
    assert batch_messages("metadata:update", []) == []


def test_no_message_has_too_many_batches() -> None:
    messages = batch_messages("metadata:update", [signed("") for _ in range(300)])
    assert sum(len(message.batches) for message in messages) == 300
    for message in messages:
        assert isinstance(received("metadata:update", message.to_data()), Batches)


def test_the_largest_batch_fits_the_smallest_frame() -> None:
    small = signed("{}")
    large = signed('"' * MAX_BATCH_BYTES)
    large.epoch = large.seq = large.timestamp_ms = 2**53 - 1
    messages = batch_messages("block:temperature", [small, large, small])
    assert [len(message.batches) for message in messages] == [1, 1, 1]
    text = encode_message("block:temperature", messages[1].to_data(), 2**53 - 1, PEER)
    assert FILL_BYTES < len(text) <= MAX_EVENT_BYTES
    assert len(encode_frame(text)) + SEAL_BYTES <= MIN_FRAME_BYTES
    came = received("block:temperature", messages[1].to_data())
    assert isinstance(came, Batches)
    assert came.batches[0].payload == large.payload


def test_messages_of_records_have_a_bound() -> None:
    for event in BATCH_EVENTS + ("node:status", "metadata:sync"):
        data: dict[str, object] = {
            "batches": [signed("{}").to_data()],
            "origins": [],
            "last": True,
            "op": "ack",
            "digests": [],
            "padding": "",
        }
        data["padding"] = "p" * (MAX_EVENT_BYTES - len(encode_message(event, data, 0, PEER)))
        assert received(event, data) is not None
        data["padding"] = str(data["padding"]) + "p"
        assert refused(event, data) == f"message: {MAX_EVENT_BYTES + 1} bytes of {event}"


def test_a_round_of_status() -> None:
    (empty,) = status_messages([])
    assert (empty.origins, empty.last) == ([], True)
    origins = [status(numbered(number).hex() * 2) for number in range(600)]
    messages = status_messages(origins)
    assert [message.last for message in messages] == [False] * (len(messages) - 1) + [True]
    got = [origin.node_id for message in messages for origin in message.origins]
    assert got == [origin.node_id for origin in origins]
    assert max(len(message.origins) for message in messages) == MAX_ORIGINS
    for message in messages:
        assert isinstance(received("node:status", message.to_data()), NodeStatus)


def test_a_round_with_heads_is_divided_by_size() -> None:
    head = signed("h" * 200, "head")
    messages = status_messages([status(head=head) for _ in range(300)])
    assert sum(len(message.origins) for message in messages) == 300
    for message in messages:
        assert text_bytes(message) <= FILL_BYTES
        assert len(message.origins) < MAX_ORIGINS
