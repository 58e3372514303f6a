"""A wall clock that jumps by years costs no link and no session: timers do not look at it."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.wait import eventually

pytestmark = pytest.mark.ci

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
YEARS = 3


class JumpingNode(Node):
    """Its wall clock is off by what `jump` says; the monotonic one, which has no name, is not."""

    @property
    def _offset(self) -> Path:
        return self.data_dir.parent / "offset"

    def jump(self, years: int) -> None:
        self._offset.write_text(f"{years:+d}y\n")

    async def now(self) -> datetime:
        """Return what it takes the time to be, as it shows it."""
        async with self._session.get(f"{self.rest.base}/node/history") as answer:
            until = str((await answer.json())["until"])
        return datetime.fromisoformat(until)

    async def is_years_off(self, years: int) -> bool:
        off = (await self.now() - datetime.now(UTC)).total_seconds() / (365 * 86400)
        return round(off) == years

    def _command(self) -> list[str]:
        return [
            *("env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME_TIMESTAMP_FILE={self._offset}"),
            *("FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1"),
            *super()._command(),
        ]


@pytest.fixture(autouse=True)
def _library() -> None:
    if LIBRARY is None:
        missing = "libfaketime is missing (apt-get install libfaketime)"
        if os.environ.get("EDGENODE_REQUIRE_LAB") == "1":
            pytest.fail(missing)
        pytest.skip(missing)


async def test_a_clock_that_jumps_by_years_drops_nobody(nodes: Nodes, tmp_path: Path) -> None:
    steady = await nodes.start("steady")
    jumping = JumpingNode(nodes.session, tmp_path / "jumping", dials=[steady.ws_port])
    jumping.jump(0)
    await jumping.start()
    try:
        await jumping.linked_with(steady)
        await steady.linked_with(jumping)
        _, link = await jumping.rest.write("/session/link", {})
        _, session = await jumping.rest.write("/session", {"code": link["code"]})
        for years in (YEARS, -YEARS, 0):
            jumping.jump(years)
            await eventually(lambda: jumping.is_years_off(years), "the clock has jumped")  # noqa: B023
            block_id = await steady.rest.post(f"there at {years:+d} years".encode())
            assert (await jumping.rest.get(block_id)).status == 200
            block_id = await jumping.rest.post(f"here at {years:+d} years".encode())
            assert (await steady.rest.get(block_id)).status == 200
            bearer = {"Authorization": f"Bearer {session['token']}"}
            url = f"{jumping.rest.base}/blocks"
            async with nodes.session.get(url, headers=bearer) as answer:
                assert answer.status == 200
        for node in (steady, jumping):
            assert not [line for line in node.lines if "ended" in line]
            assert len([line for line in node.lines if "linked with" in line]) == 1
    finally:
        await jumping.stop()
