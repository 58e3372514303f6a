"""The data of the events that carry records, near to what is right and far from it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgenode.core.errors import DecodeError
from edgenode.core.strictjson import decode, encode
from tests.unit.core.record_makers import ORIGIN, received, signed

HEX = "0f" * 16
SIGNED = signed("{}").to_data()

leaves: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, 1, -1, 1.0, 2**53 - 1, "", "0", HEX, ORIGIN, "node", [], {}, SIGNED]
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.sampled_from([[1, 0, HEX], [1, 0], [ORIGIN, 1, 0, HEX], HEX]), max_size=17)
        | st.just([HEX] * 16)
    ),
    max_leaves=5,
)
signed_data = st.fixed_dictionaries({name: st.just(SIGNED[name]) | leaves for name in SIGNED})
origins = st.fixed_dictionaries(
    {
        "nodeId": st.just(ORIGIN) | leaves,
        "head": st.none() | signed_data | leaves,
        "root": st.just(HEX) | leaves,
        "count": st.just(1) | leaves,
    }
)
data = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["node", "children", "list", "want", "have", "ack"]) | leaves,
        "origin": st.just(ORIGIN) | leaves,
        "prefix": st.text("0123456789abcdefg", max_size=33),
        "items": values,
        "digests": values,
        "batches": st.lists(signed_data, max_size=3) | values,
        "origins": st.lists(origins, max_size=3) | values,
        "last": st.booleans() | leaves,
    },
)
events = st.sampled_from(
    ["block:temperature", "block:location", "metadata:update", "node:status", "metadata:sync"]
)


@given(events, data)
def test_any_data_is_a_record_or_an_error_of_ours(event: str, members: dict[str, Any]) -> None:
    try:
        record: Any = received(event, members)
    except DecodeError as error:
        assert str(error).startswith("message.data")
        return
    if record is not None:
        # What was taken is what is written, but for what is not known.
        again = received(event, record.to_data())
        assert encode(record.to_data()) == encode(again.to_data())  # type: ignore[attr-defined]
        assert decode(encode(record.to_data()), max_bytes=100_000) == record.to_data()
