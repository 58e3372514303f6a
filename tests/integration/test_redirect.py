"""A listener that answers the dialler with a redirect."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from edgenode.core.counters import Counters
from edgenode.crypto import SigningKey
from edgenode.link.backlog import Backlog
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.handshake import LocalIdentity


@pytest.fixture
async def dialler() -> AsyncIterator[Dialler]:
    key = SigningKey(bytes(32))
    identity = LocalIdentity("test-net", key.public_key, key.sign)
    dialler = Dialler(identity, counters=Counters(), backlog=Backlog(), ping=lambda: b"")
    yield dialler
    await dialler.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_listener_cannot_send_us_elsewhere(dialler: Dialler, status: int) -> None:
    """Else whoever is dialled could make this node ask its neighbours for anything."""
    asked = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere?reboot=1"})

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(DialFailed, match=f"not an edgenode peer port .HTTP {status}."):
            await dialler.dial("127.0.0.1", runner.addresses[0][1])
        assert asked == ["/ws"]
    finally:
        await runner.cleanup()
