"""A small real HTTP server that answers as a node does, and its data folder."""

import base64
import contextlib
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

TOKEN = "right-token"
NODE_ID = "ab" * 32

STATUS = {
    "uptime": 93784.5,
    "peers": 2,
    "blocks": 7,
    "bandwidth": {"in": 2048, "out": 5 * 2**30, "relayed": 0},
    "operations": {"success": 10, "failed": 1},
    "pendingSync": 3,
    "alone": 0,
    "reachability": {
        "verdict": "mapped",
        "verified": True,
        "method": "pcp",
        "externalAddress": "192.0.2.9",
        "externalPort": 4242,
        "advice": "Nothing to do: it works.",
        "confirmations": 2,
        "since": "2026-01-02T03:04:05.678Z",
    },
}


@dataclass
class FakeNode:
    data_dir: Path
    port: int = 0
    node_id: str = NODE_ID
    peers: Any = field(default_factory=list)
    status: Any = field(default_factory=lambda: dict(STATUS))
    blocks: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    refusal: tuple[int, dict[str, Any]] | None = None
    """What a POST is answered with, before its body is read."""
    done: threading.Event = field(default_factory=threading.Event)
    """After a refusal, the connection stays open, unread, until this is set."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What is answered for the metadata of each block."""
    health: Any = field(default_factory=dict)
    page: int = 3
    """How many blocks a page of the listing has at most."""
    cursor: Any = None
    """What a page names as the next one, in the place of the right one."""
    posted: list[Any] = field(default_factory=list)
    """The JSON of each POST that was answered from `answers`."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What is answered to a POST of JSON, by its path."""
    events: list[bytes] | None = None
    """What is sent to who watches; None: nobody may."""
    farewell: tuple[int, bytes] | None = (1000, b"bye")
    """How the events end: with this close frame, or with a cut."""
    hold: bool = False
    """Whether the events do not end until `done` is set."""
    cut: int = 0
    """How many bytes of a block are kept back before the connection is closed."""

    def add(self, data: bytes) -> str:
        block_id = hashlib.sha3_512(data).hexdigest()
        self.blocks[block_id] = data
        return block_id

    def write_files(self, *, port: int, node_id: str) -> None:
        info = {"pid": 1, "nodeId": node_id, "httpPort": port, "wsPort": 1}
        (self.data_dir / "run.json").write_text(json.dumps(info))
        (self.data_dir / "operator.token").write_text(TOKEN + "\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    node: ClassVar[FakeNode]

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self.note()
        answers = {
            "/node/info": {"nodeId": self.node.node_id, "network": "test", "version": "9"},
            "/node/status": self.node.status,
            "/node/peers": {"peers": self.node.peers},
            "/node/discovered": {"discovered": []},
            "/network/health": self.node.health,
            **{f"/blocks/{key}/metadata": value for key, value in self.node.metadata.items()},
            **self.node.answers,
        }
        if self.path in answers:
            return self.answer(200, answers[self.path])
        if self.path.partition("?")[0] == "/events":
            return self.send_events()
        if self.path.startswith("/blocks?"):
            return self.list_blocks()
        data = self.node.blocks.get(self.path.rpartition("/")[2])
        if data is None:
            return self.problem(404, "The block is not held here")
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) - self.node.cut])
        self.close_connection = True
        return None

    def do_POST(self) -> None:
        self.note()
        if self.node.refusal is not None:
            self.close_connection = True
            self.answer(*self.node.refusal)
            self.node.done.wait(10)
            return None
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.close_connection = True
            return self.problem(401, "The operator's token is needed")
        data = self.body()
        if self.path in self.node.answers:
            assert self.headers["Content-Type"] == "application/json"
            self.node.posted.append(json.loads(data))
            return self.answer(200, self.node.answers[self.path])
        if len(data) < int(self.headers.get("Content-Length", 0)):
            self.close_connection = True  # cut off: there is nobody to answer
            return None
        if not data:
            return self.problem(400, "A block has at least one byte")
        is_new = hashlib.sha3_512(data).hexdigest() not in self.node.blocks
        block_id = self.node.add(data)
        return self.answer(201 if is_new else 200, {"blockId": block_id, "size": len(data)})

    def do_DELETE(self) -> None:
        self.note()
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.problem(401, "The operator's token is needed")
        if self.node.blocks.pop(self.path.rpartition("/")[2], None) is None:
            return self.problem(404, "The block is not held here")
        self.send_response(204)
        self.end_headers()
        return None

    def list_blocks(self) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.problem(401, "The operator's token is needed")
        query = dict(pair.split("=") for pair in self.path.partition("?")[2].split("&"))
        assert query.keys() <= {"limit", "cursor"}
        assert query["limit"] == "1000"
        ids = sorted(key for key in self.node.blocks if key > query.get("cursor", ""))
        page = ids[: self.node.page]
        cursor = self.node.cursor or (page[-1] if len(ids) > len(page) else None)
        found = [{"blockId": key, "size": len(self.node.blocks[key])} for key in page]
        return self.answer(200, {"blocks": found, "cursor": cursor})

    def send_events(self) -> None:
        """Upgrade (RFC 6455), send what there is as text frames, and close."""
        if self.node.events is None:
            return self.problem(503, "Too much of this is under way")
        magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        key = (self.headers["Sec-WebSocket-Key"] + magic).encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accept = hashlib.sha1(key, usedforsecurity=False).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        for event in self.node.events:
            self.wfile.write(b"\x81\x7f" + struct.pack(">Q", len(event)) + event)
        if self.node.hold:
            self.node.done.wait(10)
        if self.node.farewell is not None:
            code, reason = self.node.farewell
            self.wfile.write(struct.pack(">BBH", 0x88, len(reason) + 2, code) + reason)
            self.rfile.read(2)  # the answer begins
        self.close_connection = True
        return None

    def note(self) -> None:
        self.node.requests.append((self.command, self.path, dict(self.headers.items())))

    def body(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def problem(self, status: int, detail: str) -> None:
        self.answer(status, {"type": "urn:x", "title": "t", "status": status, "detail": detail})

    def answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet: a client that breaks off is what some tests are about."""


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[FakeNode]:
    node = FakeNode(data_dir)
    handler = type("BoundHandler", (Handler,), {"node": node})
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        node.port = server.server_address[1]
        node.write_files(port=node.port, node_id=node.node_id)
        try:
            yield node
        finally:
            node.done.set()
            server.shutdown()
            thread.join()
