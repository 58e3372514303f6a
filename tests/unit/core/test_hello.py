"""The hello: what is written, what is read, what is refused."""

from edgenode.core.errors import DecodeError, ProtocolError
from edgenode.core.hello import MAX_FRAME_BYTES, MAX_HELLO_BYTES, Hello, decode_hello
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises

NODE_ID = "0a" * 32
PEER_ID = "0b" * 32


def hello(expected: str = PEER_ID) -> Hello:
    return Hello(
        network="brightchain",
        node_id=NODE_ID,
        expected_node_id=expected,
        nonce=bytes(range(32)),
        ephemeral_key=bytes(range(32, 64)),
        instance=bytes(range(64, 80)),
    )


def members() -> "dict[str, object]":
    value = decode(hello().raw, max_bytes=MAX_HELLO_BYTES)
    assert isinstance(value, dict)
    return value


def changed(name: str, value: object) -> bytes:
    changes = members()
    changes[name] = value
    return encode(changes)


def test_what_was_written_is_read() -> None:
    for expected in (PEER_ID, ""):
        read = decode_hello(hello(expected).raw)
        assert (read.network, read.node_id) == ("brightchain", NODE_ID)
        assert read.expected_node_id == expected
        assert read.nonce == bytes(range(32))
        assert read.ephemeral_key == bytes(range(32, 64))
        assert read.instance == bytes(range(64, 80))
        assert read.frame_limit == MAX_FRAME_BYTES


def test_the_bytes_are_kept_as_they_came() -> None:
    raw = b" " + hello().raw.replace(b",", b" ,\n")
    assert decode_hello(raw).raw == raw


def test_later_fields_are_ignored() -> None:
    assert decode_hello(changed("later", {"any": [1]})).node_id == NODE_ID
    assert decode_hello(changed("limits", {"frame": 70000, "later": 1})).frame_limit == 70000


def test_another_version_is_told_before_anything_else() -> None:
    for raw in (b'{"version":2}', b'{"version":1000000,"nodeId":7}'):
        assert raises(ProtocolError, decode_hello, raw).code == "wrong-version"


def test_versions_that_are_none() -> None:
    for version in (None, 0, -1, 1.0, True, "1", 1000001):
        raises(DecodeError, decode_hello, changed("version", version))


def test_each_field_is_needed() -> None:
    for name in members():
        left = members()
        del left[name]
        error = raises(DecodeError, decode_hello, encode(left))
        assert str(error).startswith("hello." + name + ": expected"), name
        raises(DecodeError, decode_hello, changed(name, None))


def test_wrong_values() -> None:
    wrong: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("network", (1, "n" * 65, [])),
        ("nodeId", ("", "0a" * 31, "0a" * 33, "0A" * 32, "zz" * 32, 7)),
        ("expectedNodeId", ("0b", "0b" * 31, "0B" * 32, "0b" * 33, 7)),
        ("nonce", ("", "00" * 31, "00" * 33, 7)),
        ("ephemeralKey", ("", "00" * 31, "00" * 33, 7)),
        ("instance", ("", "00" * 15, "00" * 17, 7)),
        ("limits", ([], {}, 262144, {"frame": "262144"}, {"frame": None})),
    )
    for name, values in wrong:
        for value in values:
            error = raises(DecodeError, decode_hello, changed(name, value))
            assert str(error).startswith("hello." + name), (name, value)


def test_bounds() -> None:
    assert decode_hello(changed("network", "n" * 64)).network == "n" * 64
    for limit in (68 * 1024, 2**31):
        assert decode_hello(changed("limits", {"frame": limit})).frame_limit == limit
    for limit in (68 * 1024 - 1, 2**31 + 1):
        raises(DecodeError, decode_hello, changed("limits", {"frame": limit}))


def test_size() -> None:
    raw = hello().raw
    full = raw + b" " * (MAX_HELLO_BYTES - len(raw))
    assert decode_hello(full).raw == full
    raises(DecodeError, decode_hello, full + b" ")


def test_a_full_chunk_fits_into_every_limit() -> None:
    # 17 bytes of seal, 1 of kind, 12 of the chunk's head
    assert 64 * 1024 + 17 + 1 + 12 <= 68 * 1024 <= MAX_FRAME_BYTES


def test_texts_that_are_no_hello() -> None:
    for raw in (b"", b"{}", b"[]", b"null", b"hello", hello().raw[:-1], hello().raw + b"x"):
        raises(DecodeError, decode_hello, raw)
