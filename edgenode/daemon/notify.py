"""Telling systemd how the service is, where it asked for that (sd_notify(3))."""

import os
from contextlib import suppress


def notify(state: str) -> None:
    """Send `state` (`READY=1`, `WATCHDOG=1`, `STATUS=...`) if a service manager listens.

    One that does not take it is no reason to do anything else: whoever has to know will act.
    """
    if "NOTIFY_SOCKET" not in os.environ:
        return
    from systemd.daemon import notify as send  # noqa: PLC0415 - not loaded where nobody listens

    with suppress(OSError):
        send(state)
