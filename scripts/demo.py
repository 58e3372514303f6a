"""`make demo`: three nodes on loopback hand real files to one another.

Starts the nodes, puts files into one, gets each by its id from another, compares, prints a table.
Exits with 0 if every file came back whole.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EDGENODE = (sys.executable, "-m", "edgenode")
NODES = ("A", "B", "C")
START_TIMEOUT_S = 20
COMMAND_TIMEOUT_S = 30
STOP_TIMEOUT_S = 6


class Failed(Exception):
    """The demonstration cannot go on."""


class Node(NamedTuple):
    """A running node."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    ws_port: int

    def command(self, *arguments: str) -> str:
        """Run an `edgenode` command against this node and return what it printed."""
        done = subprocess.run(
            [*EDGENODE, *arguments, "--data-dir", str(self.folder)],
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise Failed(f"edgenode {arguments[0]} at {self.name}: {done.stderr.strip()}")
        return done.stdout


def main() -> int:
    """Run the demonstration."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="edgenode-demo-") as folder,
        contextlib.ExitStack() as stack,
    ):
        nodes: list[Node] = []
        for name in NODES:
            nodes.append(stack.enter_context(running(name, Path(folder), nodes)))
        print(f"{len(nodes)} nodes run on loopback, linked with one another:")
        for node in nodes:
            wait_for_links(node, len(nodes) - 1)
            node_id = json.loads(node.command("id", "--json"))["nodeId"]
            print(f"  {node.name}  {node_id}  peer port {node.ws_port}")
        print()
        same = hand_over(nodes, Path(folder))
        print()
        told = tell_temperature(nodes, Path(folder))
    print(f"\n{time.monotonic() - started:.1f} s in all; ", end="")
    print("every file came back whole." if same else "A FILE CAME BACK CHANGED.")
    return 0 if same and told else 1


def hand_over(nodes: list[Node], folder: Path) -> bool:
    """Put each file into one node and get it from the next; print a line for each."""
    print(f"{'file':24} {'bytes':>9}  {'block id':18} {'put':4} {'got':4} {'time':>7}  SHA3-512")
    same = True
    for index, source in enumerate(real_files()):
        giver = nodes[index % len(nodes)]
        taker = nodes[(index + 1) % len(nodes)]
        target = folder / "got"
        block_id = giver.command("put", str(source)).split()[0]
        begun = time.monotonic()
        taker.command("get", block_id, "-o", str(target))
        elapsed_ms = (time.monotonic() - begun) * 1000
        equal = digest(source) == digest(target) == block_id
        same = same and equal
        print(
            f"{source.name[:24]:24} {source.stat().st_size:>9,}  {block_id[:16]}…  {giver.name:4} "
            f"{taker.name:4} {elapsed_ms:>4.0f} ms  {'same' if equal else 'DIFFERS'}"
        )
    return same


def tell_temperature(nodes: list[Node], folder: Path) -> bool:
    """Set a block's temperature at one node and read it at the others."""
    source = folder / "heated"
    source.write_bytes(Path(__file__).read_bytes())
    block_id = nodes[0].command("put", str(source)).split()[0]
    begun = time.monotonic()
    nodes[0].command("temp", block_id, "HOT")
    print(f"block {block_id[:16]}… set HOT at {nodes[0].name}")
    for node in nodes[1:]:
        while (seen := temperature(node, block_id)) != "HOT":
            if time.monotonic() - begun > COMMAND_TIMEOUT_S:
                print(f"  at {node.name} it is {seen}")
                return False
            time.sleep(0.1)
        print(f"  seen at {node.name} {time.monotonic() - begun:.1f} s later")
    return True


def temperature(node: Node, block_id: str) -> str | None:
    """Return the temperature of a block as `node` knows it."""
    try:
        answer = json.loads(node.command("meta", block_id, "--json"))
    except Failed:  # the node has not heard of the block yet
        return None
    return str(answer["temperature"]["class"])


def real_files() -> list[Path]:
    """Return files of many sizes that every machine with Python has: its own sources, itself."""
    library = Path(os.__file__).parent
    sources = sorted(library.glob("*.py"), key=lambda path: (path.stat().st_size, path.name))
    sources = [path for path in sources if path.stat().st_size]
    return [*sources[:: max(1, len(sources) // 10)], Path(sys.executable).resolve()]


def digest(path: Path) -> str:
    """Return the SHA3-512 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha3_512").hexdigest()


@contextlib.contextmanager
def running(name: str, folder: Path, others: list[Node]) -> Iterator[Node]:
    """Run a node that dials `others`; it is stopped at the end."""
    data = folder / name
    data.mkdir()
    peers = ", ".join(
        f'{{ address = "127.0.0.1", port = {other.ws_port}, is_static = true }}' for other in others
    )
    config = folder / f"{name}.toml"
    config.write_text(
        'network = "demo"\n'
        '[server]\nhttp_bind = "127.0.0.1"\nhttp_port = 0\nws_bind = "127.0.0.1"\nws_port = 0\n'
        "upnp = false\n[discovery]\nmdns = false\nmulticast = false\n"
        f"[bootstrap]\nnodes = [{peers}]\nretry_interval = 200\n"
    )
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*EDGENODE, "run", "--config", str(config), "--data-dir", str(data)],
            stdout=output,
            stderr=output,
        )
    try:
        ws_port = wait_for_port(process, data / "run.json", log)
        yield Node(name, data, process, ws_port)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(process: "subprocess.Popen[bytes]", run_file: Path, log: Path) -> int:
    """Return the peer port once the node serves."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if run_file.exists():
            return int(json.loads(run_file.read_text())["wsPort"])
        time.sleep(0.05)
    raise Failed(f"a node did not start:\n{log.read_text()}")


def wait_for_links(node: Node, count: int) -> None:
    """Return when `node` has `count` links."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if json.loads(node.command("status", "--json"))["peers"] >= count:
            return
        time.sleep(0.1)
    raise Failed(f"node {node.name} has not got {count} links")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        sys.exit(f"demo: {failed}")
