"""The store of blocks, killed ten thousand times."""

import shutil
from pathlib import Path

import pytest

from tests.unit.store.test_kill import killed_again_and_again

KILLS = 10_000
"""At some six a second."""

OF_ONE_FOLDER = 100
"""Before the next folder is begun with: at the end of each, what is there is read whole."""


@pytest.mark.full
@pytest.mark.timeout(3 * 3600)
async def test_ten_thousand_kills(tmp_path: Path) -> None:
    acknowledged = left_behind = 0
    for first in range(0, KILLS, OF_ONE_FOLDER):
        folder = tmp_path / str(first)
        counts = await killed_again_and_again(folder, range(first, first + OF_ONE_FOLDER))
        acknowledged += counts[0]
        left_behind += counts[1]
        shutil.rmtree(folder)
    assert acknowledged > KILLS
    assert left_behind
