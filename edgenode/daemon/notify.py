"""Telling systemd how the service is, where it asked for that (sd_notify(3))."""

import os


def notify(state: str) -> None:
    """Send `state` (`READY=1`, `WATCHDOG=1`, `STOPPING=1`) if a service manager listens."""
    if "NOTIFY_SOCKET" not in os.environ:
        return
    from systemd.daemon import notify as send  # noqa: PLC0415 - not loaded where nobody listens

    send(state)
