"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or all."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks import blocks, mapping, memory, records, startup, transfer, updates
from benchmarks.support.compared import CACHE, install_nodejs
from benchmarks.support.table import say

BENCHMARKS: dict[str, Callable[[bool], Coroutine[None, None, None]]] = {
    "memory": memory.run,
    "startup": startup.run,
    "updates": updates.run,
    "records": records.run,
    "transfer": transfer.run,
    "blocks": blocks.run,
    "mapping": mapping.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks, each given whether the Node.js programs are there."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        say(f"no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
        return 2
    # As of an installed package: compiled once, not at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE.parent / "bytecode")
    missing = install_nodejs()
    if missing is not None:
        say(f"Node.js is left out: {missing}")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the nodes' own lines
        for name in names or BENCHMARKS:
            asyncio.run(BENCHMARKS[name](missing is None))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
