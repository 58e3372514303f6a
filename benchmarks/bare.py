"""A process that has imported the run-time packages, without OpenSSL and without code of ours.

The floor that a node in CPython stands on. Prints "ready", then waits.
"""

import sys

# As the node does: nothing may load OpenSSL.
for name in ("ssl", "_hashlib"):
    sys.modules[name] = None  # type: ignore[assignment]

import sqlite3  # noqa: E402, F401

import aiohttp.web  # noqa: E402, F401
import miniupnpc  # noqa: E402, F401
import nacl.bindings  # noqa: E402, F401
import netifaces  # noqa: E402, F401
import systemd.daemon  # noqa: E402, F401
import zeroconf.asyncio  # noqa: E402, F401

sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.read()
