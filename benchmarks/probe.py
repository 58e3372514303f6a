"""Asks a node again and again until its input ends; then prints what each answer took, in ms.

Argument: the HTTP port. A process of its own, so that its measure holds no waiting of others.
"""

import json
import select
import socket
import sys
import time

PAUSE_S = 0.01
REQUEST = b"GET /node/info HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
MAX_ANSWER = 65536

waits: list[float] = []
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
        began = time.perf_counter()
        connection.sendall(REQUEST)
        if not connection.recv(MAX_ANSWER).startswith(b"HTTP/1.1 200"):
            raise SystemExit("not answered")
        waits.append(1000 * (time.perf_counter() - began))
sys.stdout.write(json.dumps(waits) + "\n")
