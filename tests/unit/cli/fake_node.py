"""A small real HTTP server that answers as a node does, and its data folder."""

import contextlib
import hashlib
import json
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
    "bandwidth": {"in": 2048, "out": 5 * 2**30},
    "operations": {"success": 10, "failed": 1},
    "pendingSync": 3,
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
        }
        if self.path in answers:
            return self.answer(200, answers[self.path])
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
