"""`python3 -m scripts.pages DIR` writes what a package installs beside the code into DIR.

Needs no packages. The date in the pages is SOURCE_DATE_EPOCH where that is set.
"""

import os
import sys
import time
from pathlib import Path

from edgenode.daemon.config.example import example_toml
from scripts.pages.command_page import command_page
from scripts.pages.completion import completion
from scripts.pages.settings_page import settings_page


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    when = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    date = time.strftime("%Y-%m-%d", when)
    written = {
        "edgenode.1": command_page(date),
        "edgenode.toml.5": settings_page(date),
        "edgenode.bash": completion(),
        "edgenode.toml": example_toml(),
    }
    for name, text in written.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
