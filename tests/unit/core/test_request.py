"""Signed requests: what is bound, and what is said of the wrong ones."""

from edgenode.core.errors import DecodeError
from edgenode.core.request import (
    MAX_REQUEST_BYTES,
    RequestRefused,
    encode_request,
    open_request,
    read_signed,
    sign_request,
)
from edgenode.core.signed import Signed
from edgenode.core.strictjson import decode, encode
from tests.unit.core.helpers import raises
from tests.unit.core.record_makers import KEY, NETWORK, ORIGIN, signer, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OWN = "ee" * 32
HASH = bytes(range(16))
PATH = "/sync/request"


def signed(payload: str) -> Signed:
    return sign_request(NETWORK, KEY, (1, 2), 3, payload, signer())


def request(**changes: object) -> str:
    members: Any = decode(
        encode_request(OWN, "POST", PATH, HASH, {"a": [1]}).encode(), max_bytes=1000
    )
    members.update(changes)
    return encode(members).decode()


def opened(message: Signed, **changes: object) -> "dict[str, Any]":
    named: Any = {
        "node_id": ORIGIN,
        "network": NETWORK,
        "audience": OWN,
        "method": "POST",
        "path": PATH,
        "token_hash": HASH,
        "verify_fn": verify,
    }
    named.update(changes)
    return open_request(message, **named)


def test_a_request() -> None:
    assert opened(signed(request())) == {"a": [1]}
    again = read_signed(decode(encode(signed(request()).to_data()), max_bytes=2000), "body")  # type: ignore[arg-type]
    assert opened(again) == {"a": [1]}
    assert opened(signed(request(later="x", body={}))) == {}


def test_what_it_is_signed_for() -> None:
    message = signed(request())
    others: tuple[tuple[str, object, str, str], ...] = (
        ("audience", "ef" * 32, "wrong-request", "request.audience: "),
        ("method", "PUT", "wrong-request", "request.method: "),
        ("path", "/sync/metadata", "wrong-request", "request.path: "),
        ("token_hash", bytes(16), "wrong-request", "request.tokenHash: "),
        ("network", "other", "bad-signature", "request.signature: "),
        ("node_id", "0b" * 32, "wrong-node", "request.nodeId: "),
    )
    for name, value, code, where in others:
        error = raises(RequestRefused, opened, message, **{name: value})
        assert error.code == code, name
        assert str(error).startswith(where), str(error)


def test_the_signature_comes_first() -> None:
    unsigned = Signed(ORIGIN, 1, 2, 3, "not JSON", bytes(64))
    assert raises(RequestRefused, opened, unsigned).code == "bad-signature"


def test_malformed() -> None:
    wrong: tuple[tuple[str, str], ...] = (
        ("", ""),
        ("[]", "request: "),
        (request(audience=None), "request.audience: "),
        (request(audience="EE" * 32), "request.audience: "),
        (request(method=1), "request.method: "),
        (request(path="/" + 256 * "x"), "request.path: "),
        (request(tokenHash="00"), "request.tokenHash: "),
        (request(body=None), "request.body: "),
        (request(body=[]), "request.body: "),
    )
    for payload, where in wrong:
        assert str(raises(DecodeError, opened, signed(payload))).startswith(where)


def test_bounds() -> None:
    data: Any = signed("{}").to_data()
    data["payload"] = "x" * MAX_REQUEST_BYTES
    assert len(read_signed(data, "body").payload) == MAX_REQUEST_BYTES
    data["payload"] += "x"
    raises(DecodeError, read_signed, data, "body")
