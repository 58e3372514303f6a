"""What a person who started the node in a terminal is told."""

import os
import shlex
import sys
import textwrap
from pathlib import Path


def greeting(*, node_id: str, http_port: int, ws_port: int, data_dir: Path) -> str:
    """Return the text: what runs where, what was asked of the router, what to type next."""
    command = f"{_command()} --data-dir {shlex.quote(_short(data_dir))}"
    return textwrap.dedent(
        f"""\
        edgenode is running.

          node id      {node_id}
          status page  http://127.0.0.1:{http_port}/
          peer port    {ws_port}

        Your router was asked for nothing: this version makes no port mapping, so there is
        nothing to undo. To be reachable from outside, forward TCP port {ws_port} to this machine
        yourself, or let other nodes be the ones that listen.

        In another terminal:
          {command} put FILE
              keep a file as a block; prints its id
          {command} get ID
              get a block, from here or from a linked node
          {command} status
              how the node is doing
        To link it with another node, name that one in a configuration file:
          [bootstrap]
          nodes = [{{ address = "ADDRESS", port = 4242, is_static = true }}]

        Ctrl-C stops it.
        """
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
