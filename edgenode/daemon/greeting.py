"""What a person who started the node in a terminal is told."""

import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class AskedOfRouters(NamedTuple):
    """What the node asks of the routers of its network; `methods` () where it asks nothing."""

    routers: Sequence[str]  # their addresses, as known at the start
    methods: Sequence[str]
    protocol: str
    port: int


def greeting(
    *, node_id: str, http_port: int, ws_port: int, data_dir: Path, asked: AskedOfRouters
) -> str:
    """Return the text: what runs where, what is asked of the router, what to type next."""
    command = f"{_command()} --data-dir {shlex.quote(_short(data_dir))}"
    return f"""\
edgenode is running.

  node id      {node_id}
  status page  http://127.0.0.1:{http_port}/
  peer port    {ws_port}

{textwrap.fill(_router(asked), 88)}

In another terminal:
  {command} put FILE
      keep a file as a block; prints its id
  {command} get ID
      get a block, from here or from a linked node
  {command} status
      how the node is doing
Nodes on the same network find one another. To link it with one elsewhere:
  {command} invite
      print a line for the other node
  {command} join LINE
      take the line that another node has printed

Ctrl-C stops it.
"""


def _router(asked: AskedOfRouters) -> str:
    if not asked.methods:
        return (
            "Your router is asked for nothing, as the settings want it: there is nothing to undo. "
            f"To be reachable from outside, forward {asked.protocol} port {asked.port} to this "
            "machine yourself, or let other nodes be the ones that listen."
        )
    wish = f"to pass {asked.protocol} port {asked.port} on to this machine"
    avoid = (
        "To have no router asked, write [nat] and below it enabled = false into a configuration "
        "file, and start with --config FILE."
    )
    if not asked.routers:
        return f"No router was found. One that appears will be asked {wish}. {avoid}"
    names = ", ".join(asked.routers)
    methods = " or ".join(asked.methods)
    return (
        f"Your router ({names}) is asked by {methods} {wish}, so that other nodes can reach it; "
        "the status page tells what comes of it. Stopping the node undoes it; what a crash leaves "
        f"behind the router forgets when its time is over. {avoid}"
    )


def _command() -> str:
    """Return how this program was called, so that the next one can be called alike."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(_short(Path(sys.executable)))} -m edgenode"
    return shlex.quote(_short(called)) if called.is_absolute() else str(called)


def _short(path: Path) -> str:
    """Return the path from the working folder on, where it lies below that."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
