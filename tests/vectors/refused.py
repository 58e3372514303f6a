"""Hellos and frames that a node refuses, with the reason, and frames that it ignores."""

import json
from typing import Any

TIME_MS = 1_700_000_000_000

Case = dict[str, str]


def refused_hellos(sound: str, responder_id: str) -> list[Case]:
    """Give hellos that the responder of the vectors refuses, made from the `sound` one."""
    hello = json.loads(sound)

    def changed(**members: Any) -> str:
        return _text({**hello, **members})

    def without(name: str) -> str:
        return _text({key: hello[key] for key in hello if key != name})

    cases = [
        ("not JSON", "hello", "malformed"),
        ("a list", "[]", "malformed"),
        ("byte order mark", "\ufeff" + sound, "malformed"),
        ("something after the value", sound + "{}", "malformed"),
        ("a key twice", '{"version":1,' + sound[1:], "malformed"),
        ("nested 9 deep", changed(more=[[[[[[[[]]]]]]]]), "malformed"),
        ("4,097 bytes", sound + " " * (4097 - len(sound)), "malformed"),
        ("a later version, all else unknown", '{"version":2,"hi":true}', "wrong-version"),
        ("version 0", changed(version=0), "malformed"),
        ("version 1.0", changed(version=1.0), "malformed"),
        ("version true", changed(version=True), "malformed"),
        ("another network", changed(network="other"), "wrong-network"),
        ("network of 65 characters", changed(network="n" * 65), "malformed"),
        ("network null", changed(network=None), "malformed"),
        ("node id in capitals", changed(nodeId=hello["nodeId"].upper()), "malformed"),
        ("node id too short", changed(nodeId=hello["nodeId"][2:]), "malformed"),
        ("the responder's own id", changed(nodeId=responder_id), "clone"),
        ("another node is meant", changed(expectedNodeId="00" * 32), "wrong-node"),
        ("expected id of 63 digits", changed(expectedNodeId="0" * 63), "malformed"),
        ("expected id missing", without("expectedNodeId"), "malformed"),
        ("nonce of 31 bytes", changed(nonce="00" * 31), "malformed"),
        ("nonce missing", without("nonce"), "malformed"),
        ("ephemeral key of 33 bytes", changed(ephemeralKey="00" * 33), "malformed"),
        ("instance of 15 bytes", changed(instance="00" * 15), "malformed"),
        ("no limits", without("limits"), "malformed"),
        ("frame limit below the least", changed(limits={"frame": 69631}), "malformed"),
        ("frame limit above the most", changed(limits={"frame": 2**31 + 1}), "malformed"),
    ]
    return [{"name": name, "text": text, "reason": reason} for name, text, reason in cases]


def refused_frames(sender: str, block_id: str) -> list[Case]:
    """Give plaintexts of frames from `sender` that end the link."""
    ping = _event(sender, "system:ping", {"nonce": 7})
    want = {"op": "want", "blockId": block_id, "fetchId": 1, "offset": 0, "length": 1}
    have = {"op": "have", "blockId": block_id, "fetchId": 1, "size": 1}
    lack = {"op": "lack", "blockId": block_id, "fetchId": 1, "reason": "not-held"}
    announce: dict[str, Any] = {
        "version": "1",
        "httpPort": None,
        "wsPort": 4242,
        "capabilities": [],
        "region": "",
    }

    def sync(step: dict[str, Any], **members: Any) -> bytes:
        return _event(sender, "block:sync", {**step, **members})

    def node(**members: Any) -> bytes:
        return _event(sender, "node:announce", {**announce, **members})

    def metadata_sync(**members: Any) -> bytes:
        return _event(sender, "metadata:sync", {"origin": sender, "prefix": "", **members})

    def status(**members: Any) -> bytes:
        origin = {"nodeId": sender, "head": None, "root": "00" * 16, "count": 0, **members}
        return _event(sender, "node:status", {"origins": [origin], "last": True})

    def dial_back(**members: Any) -> bytes:
        return _event(sender, "reach:dialback", {"nonce": "00" * 16, **members})

    def meet(**members: Any) -> bytes:
        return _event(sender, "reach:meet", {"node": sender, "meetId": 1, "port": 1, **members})

    digest = "0f" * 16
    rows = [[1, number, digest] for number in range(65)]
    cases = [
        ("empty", b"", "malformed"),
        ("an end without the final tag", b"\x00bye", "protocol-violation"),
        ("chunk without a byte of the block", b"\x02" + bytes(12), "malformed"),
        ("chunk cut short", b"\x02" + bytes(5), "malformed"),
        ("message without text", b"\x01", "malformed"),
        ("not JSON", b"\x01{'a':1}", "malformed"),
        ("not UTF-8", ping.replace(b"system", b"syst\xff\xff"), "malformed"),
        ("another sender", _event("00" * 32, "system:ping", {"nonce": 7}), "protocol-violation"),
        ("no sender", ping.replace(b"sender", b"Sender"), "malformed"),
        ("type of 65 characters", _event(sender, "t" * 65, {}), "malformed"),
        ("data is a list", _event(sender, "later:event", []), "malformed"),
        ("timestamp below 0", _event(sender, "later:event", {}, -1), "malformed"),
        ("timestamp with a fraction", _event(sender, "later:event", {}, 1.5), "malformed"),
        ("ping without nonce", _event(sender, "system:ping", {}), "malformed"),
        ("ping of 33 bits", _event(sender, "system:ping", {"nonce": 2**32}), "malformed"),
        ("pong with a text", _event(sender, "system:pong", {"nonce": "7"}), "malformed"),
        ("leave without reason", _event(sender, "node:leave", {}), "malformed"),
        ("reason too long", _event(sender, "node:leave", {"reason": "r" * 33}), "malformed"),
        ("port 0", node(wsPort=0), "malformed"),
        ("port 65,536", node(httpPort=65536), "malformed"),
        ("17 capabilities", node(capabilities=["c"] * 17), "malformed"),
        ("capability too long", node(capabilities=["c" * 65]), "malformed"),
        ("region too long", node(region="r" * 65), "malformed"),
        ("version too long", node(version="v" * 33), "malformed"),
        ("want without length", sync({**want, "length": None}), "malformed"),
        ("want of 262,145 bytes", sync(want, length=262145), "malformed"),
        ("want before the beginning", sync(want, offset=-1), "malformed"),
        ("block id in capitals", sync(want, blockId=block_id.upper()), "malformed"),
        ("block id too short", sync(want, blockId=block_id[1:]), "malformed"),
        ("fetch id of 33 bits", sync(want, fetchId=2**32), "malformed"),
        ("want through 1", sync(want, through=1), "malformed"),
        ("have through a text", sync(have, through="true"), "malformed"),
        ("have of nothing", sync(have, size=0), "malformed"),
        ("have of 2^53 bytes", sync(have, size=2**53), "malformed"),
        ("lack without reason", sync(lack, reason=None), "malformed"),
        ("no batches", _event(sender, "metadata:update", {"batches": []}), "malformed"),
        ("a batch of nothing", _event(sender, "block:location", {"batches": [{}]}), "malformed"),
        ("status without last", _event(sender, "node:status", {"origins": []}), "malformed"),
        ("root of 15 bytes", status(root="00" * 15), "malformed"),
        ("count below 0", status(count=-1), "malformed"),
        ("a head that is a text", status(head="head"), "malformed"),
        ("prefix of 33 digits", metadata_sync(op="node", prefix="0" * 33), "malformed"),
        ("prefix in capitals", metadata_sync(op="node", prefix="A"), "malformed"),
        ("node without origin", metadata_sync(op="node", origin=None), "malformed"),
        ("15 children", metadata_sync(op="children", digests=[digest] * 15), "malformed"),
        ("list of 65", metadata_sync(op="list", items=rows), "malformed"),
        ("entry of 2 in a list", metadata_sync(op="list", items=[[1, 1]]), "malformed"),
        ("want of epoch 0", metadata_sync(op="want", items=[[0, 1]]), "malformed"),
        ("want of 65", metadata_sync(op="want", items=[row[:2] for row in rows]), "malformed"),
        ("have without nodeId", metadata_sync(op="have", items=rows[:1]), "malformed"),
        ("ack of 257", metadata_sync(op="ack", digests=[digest] * 257), "malformed"),
        ("nonce of 15 bytes", dial_back(op="ask", port=1, nonce="00" * 15), "malformed"),
        ("dial-back without a port", dial_back(op="ask"), "malformed"),
        ("dial-back to port 0", dial_back(op="ask", port=0), "malformed"),
        ("result without address", dial_back(op="result", result="reached"), "malformed"),
        (
            "address with a zone",
            dial_back(op="result", result="reached", address="fe80::1%eth0"),
            "malformed",
        ),
        ("meeting with nobody", meet(op="call", node=None), "malformed"),
        ("meeting of 33 bits", meet(op="call", meetId=2**32), "malformed"),
        ("dial at port 0", meet(op="dial", port=0), "malformed"),
        ("connect without waited", meet(op="connect"), "malformed"),
        ("waited for 10,001 ms", meet(op="connect", waited=10001), "malformed"),
        ("address that is a name", meet(op="call", address="a.example"), "malformed"),
        ("meeting lacks without reason", meet(op="lack"), "malformed"),
    ]
    return [{"name": name, "plaintext": data.hex(), "reason": why} for name, data, why in cases]


def ignored_frames(sender: str, block_id: str) -> list[Case]:
    """Give plaintexts of frames that a later version may send and this one passes over."""
    cases = [
        ("a kind of frame that is not known", b"\x03anything"),
        ("the highest kind", b"\xff"),
        ("an event that is not known", _event(sender, "later:event", {"any": [1, "a", None]})),
        (
            "a step of a block transfer that is not known",
            _event(sender, "block:sync", {"op": "later", "blockId": block_id}),
        ),
        (
            "a step of comparing that is not known",
            _event(sender, "metadata:sync", {"op": "later", "prefix": 1}),
        ),
        (
            "a step of a dial-back that is not known",
            _event(sender, "reach:dialback", {"op": "later", "nonce": 1}),
        ),
        (
            "a step of a meeting that is not known",
            _event(sender, "reach:meet", {"op": "later", "port": -1}),
        ),
    ]
    return [{"name": name, "plaintext": data.hex()} for name, data in cases]


def _event(sender: str, type_: str, data: object, timestamp: float = TIME_MS) -> bytes:
    message = {"data": data, "sender": sender, "timestamp": timestamp, "type": type_}
    return b"\x01" + _text(message).encode()


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
