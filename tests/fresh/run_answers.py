"""Starts `make run` in the current folder, asks the node who it is, and stops it.

Standard library alone: it runs on fresh machines. Prints the node's own answer; exits 1 with the
reason where there is none.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

RUN_FILE = Path(".node/run.json")
START_S = 60  # a Pi's first start included
STOP_S = 10  # the node's own limit is 5 s


def ask(node: "subprocess.Popen[bytes]") -> str:
    """Waits for the ready node and returns the text of its `/node/info`."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if node.poll() is not None:
            raise SystemExit(f"make run ended by itself, with status {node.returncode}")
        try:
            port = json.loads(RUN_FILE.read_text())["httpPort"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/node/info", timeout=5) as answer:
                return str(answer.read().decode())
        except (OSError, ValueError):
            time.sleep(0.2)
    raise SystemExit(f"no answer from the node in {START_S} s")


def main() -> None:
    RUN_FILE.unlink(missing_ok=True)
    node = subprocess.Popen(["make", "run"], start_new_session=True)
    try:
        sys.stdout.write(ask(node) + "\n")
        os.kill(json.loads(RUN_FILE.read_text())["pid"], signal.SIGTERM)
        if status := node.wait(STOP_S):
            raise SystemExit(f"make run ended with status {status} after SIGTERM")
    finally:
        if node.poll() is None:
            os.killpg(node.pid, signal.SIGKILL)
            sys.stderr.write("make run had to be killed\n")


if __name__ == "__main__":
    main()
