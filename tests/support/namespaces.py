"""A network namespace for a test's programs: by root, else in a user namespace."""

import functools
import os
import shutil
import subprocess

# Root needs no user namespace; a user maps themselves to root in one (-Ur) and mounts there (-m).
_BY_ROOT = ("unshare", "-nm")
_BY_USER = ("unshare", "-Urnm")


def entering() -> list[str]:
    """The words before a command that run it in a new, empty network namespace.

    To be asked for in tests marked `netns` alone: those are skipped where it cannot be done.
    """
    way, reason = _probe()
    if way is None:
        raise RuntimeError(reason)
    return list(way)


def obstacle() -> str:
    """Why this machine gives no network namespace; empty where it does."""
    return _probe()[1]


@functools.cache
def _probe() -> tuple[tuple[str, ...] | None, str]:
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(tool) is None:
            return None, f"{tool} is missing (apt-get install {package})"
    said = ""
    for way in (_BY_ROOT, _BY_USER) if os.geteuid() == 0 else (_BY_USER,):
        # Root without CAP_NET_ADMIN enters one but cannot bring its loopback up.
        tried = subprocess.run(
            [*way, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
        )
        if tried.returncode == 0:
            return way, ""
        said = tried.stderr.strip()
    return None, f"{' '.join(way)}: {said}"
