"""A request of a peer: what it signs so that one node, and no other, does one thing once.

The payload of the SignedMessage (context `request`) is JSON text with `audience` (the nodeId of
who is asked), `method`, `path`, `tokenHash` (of the session in which it is asked) and `body`.
"""

from edgenode.core.errors import DecodeError, EdgenodeError
from edgenode.core.fields import Fields
from edgenode.core.pae import PUBLIC_KEY_BYTES
from edgenode.core.signed import check, decode_signed, sign
from edgenode.core.strictjson import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from edgenode.core.signed import Signed

CONTEXT = "request"

# 1,000 block ids take 131 kB; a whole batch, its quotes escaped, takes less.
MAX_REQUEST_BYTES = 160 * 1024

TOKEN_HASH_BYTES = 16
MAX_METHOD_CHARS = 16
MAX_PATH_CHARS = 256


class RequestRefused(EdgenodeError):
    """A signed request is not taken; the message begins with the path to what is wrong.

    `code` says why: `bad-signature`, `wrong-node` (it is, or speaks for, another node than the
    session's), `wrong-request` (signed for something else), `not-carried`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def encode_request(
    audience: str, method: str, path: str, token_hash: bytes, body: "Mapping[str, object]"
) -> str:
    """Return the payload to sign."""
    return encode(
        {
            "audience": audience,
            "method": method,
            "path": path,
            "tokenHash": token_hash.hex(),
            "body": dict(body),
        }
    ).decode()


def sign_request(
    network: str,
    public_key: bytes,
    position: "tuple[int, int]",
    timestamp_ms: int,
    payload: str,
    sign_fn: "Callable[[bytes], bytes]",
) -> "Signed":
    """Return the message to send; `position` is (epoch, seq), above those of the session before."""
    return sign(CONTEXT, network, public_key, *position, timestamp_ms, payload, sign_fn)


def read_signed(body: "Mapping[str, Any]", path: str) -> "Signed":
    """Return the message that is the body of a request, unverified; raises `DecodeError`."""
    return decode_signed(Fields(body, path), MAX_REQUEST_BYTES)


def open_request(
    signed: "Signed",
    *,
    node_id: str,
    network: str,
    audience: str,
    method: str,
    path: str,
    token_hash: bytes,
    verify_fn: "Callable[[bytes, bytes, bytes], bool]",
) -> "dict[str, Any]":
    """Return the `body` of a request that the session's node `node_id` has signed for all this.

    Nothing of it is read before its signature has been checked. Raises `RequestRefused` and
    `DecodeError`, whose message begins with `request.`. Whether it is new, (epoch, seq) tell.
    """
    if signed.node_id != node_id:
        raise RequestRefused("wrong-node", "request.nodeId: not the node of the session")
    try:
        check(signed, CONTEXT, network, verify_fn)
    except EdgenodeError as error:
        raise RequestRefused(error.code, "request.signature: does not verify") from None
    value: Any = decode(signed.payload.encode(), max_bytes=MAX_REQUEST_BYTES)
    fields = Fields(value, "request")
    said = (
        ("audience", fields.hex_bytes("audience", PUBLIC_KEY_BYTES).hex(), audience),
        ("method", fields.text("method", MAX_METHOD_CHARS), method),
        ("path", fields.text("path", MAX_PATH_CHARS), path),
        ("tokenHash", fields.hex_bytes("tokenHash", TOKEN_HASH_BYTES).hex(), token_hash.hex()),
    )
    for name, found, expected in said:
        if found != expected:
            raise RequestRefused("wrong-request", f"request.{name}: not that of this request")
    body: Any = value.get("body")
    if not isinstance(body, dict):
        raise DecodeError("request.body: expected an object")
    return body
