"""Run a command with its log in a real journal of its own, then show what that has.

`unshare -m python -m tests.integration.support.journald COMMAND...` as root: mounts are then
its own. When the command has ended, a line of JSON follows for each entry, and at last all of
`journalctl -x`.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

CATALOG = Path(__file__).resolve().parents[3] / "systemd" / "edgenode.catalog"
JOURNAL = Path("/run/log/journal")
SOCKETS = Path("/run/systemd/journal")
START_S = 10.0


def main(command: list[str]) -> None:
    for folder in ("/run", "/var/lib/systemd", "/usr/lib/systemd/catalog"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    for path in (SOCKETS, JOURNAL, Path("/var/lib/systemd/catalog")):
        path.mkdir(parents=True)
    Path("/usr/lib/systemd/catalog/edgenode.catalog").write_bytes(CATALOG.read_bytes())
    subprocess.run(["journalctl", "--update-catalog"], check=True)
    journald = subprocess.Popen(["/lib/systemd/systemd-journald"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not (SOCKETS / "stdout").exists():
            assert time.monotonic() < deadline, "journald does not start"
            time.sleep(0.05)
        with socket.socket(socket.AF_UNIX) as stream:
            # As systemd connects a service: name, unit, level, and how lines are to be read.
            stream.connect(str(SOCKETS / "stdout"))
            stream.sendall(b"edgenode\n\n6\n1\n0\n0\n0\n")
            found = os.fstat(stream.fileno())
            environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
            done = subprocess.run(command, stderr=stream.fileno(), env=environment, check=False)
        sys.stderr.write(f"ended with {done.returncode}\n")
        subprocess.run(["journalctl", "--sync"], check=False, stderr=subprocess.DEVNULL)
        asked = ["journalctl", "-D", str(JOURNAL), "--no-pager", "-t", "edgenode"]
        entries = subprocess.run([*asked, "-o", "json"], stdout=subprocess.PIPE, check=True).stdout
        for line in entries.splitlines():
            sys.stdout.write(json.dumps(json.loads(line)) + "\n")
        sys.stdout.flush()
        subprocess.run([*asked, "-x"], check=True)
    finally:
        journald.terminate()
        journald.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
