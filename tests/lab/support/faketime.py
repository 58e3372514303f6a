"""A process whose time of day is another, now or later."""

import os
from pathlib import Path

from tests.lab.support.needs import REQUIRED

_LIBRARIES = Path("/usr/lib")
_LIBRARY = "*/faketime/libfaketimeMT.so.1"


def obstacle() -> str:
    """Why there can be no such process; "" where there can. Raises in CI, which must have one."""
    if any(_LIBRARIES.glob(_LIBRARY)):
        return ""
    if os.environ.get(REQUIRED) == "1":
        raise AssertionError("libfaketime is missing")
    return "libfaketime is missing (apt-get install faketime)"


class WallClock:
    """The wall clock of a process that is run `within` these words; time otherwise goes on."""

    def __init__(self, file: Path, offset: str) -> None:
        """`offset` as libfaketime has it: `-20y`, `+3d`."""
        self._file = file
        self.set(offset)
        (library,) = _LIBRARIES.glob(_LIBRARY)
        self.within = (
            "env",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )

    def set(self, offset: str) -> None:
        """Let it jump."""
        # In one step, as it is read at any time.
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._file)
