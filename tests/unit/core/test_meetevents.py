from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.meetevents import (
    CALL,
    CONNECT,
    DIAL,
    LACK,
    MAX_MEET_ID,
    MAX_WAITED_MS,
    SYNC,
    Meet,
    decode_meet,
)
from tests.unit.core.helpers import raises

NODE = "0f" * 32


def came(data: "dict[str, object]") -> "Meet | None":
    return decode_meet(Fields(data, "data"))


def refused(change: "dict[str, object]", op: str = CONNECT) -> None:
    data = Meet(op, NODE, 7, port=5, waited_ms=3, address="8.8.8.8").to_data()
    assert came(dict(data)) is not None
    data.update(change)
    raises(DecodeError, came, data)


def test_every_step_comes_as_it_went() -> None:
    for op in (CALL, DIAL, CONNECT, SYNC):
        for address in ("", "8.8.8.8", "2001:4860::8888"):
            step = came(Meet(op, NODE, MAX_MEET_ID, port=65535, address=address).to_data())
            assert step is not None
            assert (step.op, step.node, step.meet_id) == (op, NODE, MAX_MEET_ID)
            assert (step.port, step.address) == (65535, address)
    step = came(Meet(CONNECT, NODE, 0, port=1, waited_ms=MAX_WAITED_MS).to_data())
    assert step is not None
    assert step.waited_ms == MAX_WAITED_MS
    step = came(Meet(LACK, NODE, 1, reason="busy").to_data())
    assert step is not None
    assert (step.op, step.reason) == (LACK, "busy")


def test_an_address_has_its_usual_form() -> None:
    forms = (
        ("2001:4860:0:0:0:0:0:8888", "2001:4860::8888"),
        ("2001:4860::ABCD", "2001:4860::abcd"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("::ffff:808:808", "8.8.8.8"),
    )
    for told, usual in forms:
        step = came(Meet(CALL, NODE, 1, address=told).to_data())
        assert step is not None
        assert step.address == usual


def test_only_a_call_may_be_without_a_port() -> None:
    step = came(Meet(CALL, NODE, 1).to_data())
    assert step is not None
    assert step.port == 0
    for op in (DIAL, CONNECT, SYNC):
        refused({"port": 0}, op)


def test_what_is_known_is_checked() -> None:
    changes: list[dict[str, object]] = [
        {"node": "0f"},
        {"node": NODE.upper()},
        {"meetId": MAX_MEET_ID + 1},
        {"meetId": -1},
        {"port": 65536},
        {"waited": MAX_WAITED_MS + 1},
        {"waited": None},
        {"address": "example.org"},
        {"address": "8.8.8.8%eth0"},
        {"address": 8},
    ]
    for change in changes:
        refused(change)


def test_later_steps_are_ignored() -> None:
    assert came({"op": "wave"}) is None
