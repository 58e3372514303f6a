"""The laboratory of a test: where there can be none, its tests are skipped, or fail in CI."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.lab.support import needs
from tests.lab.support.lab import Lab
from tests.lab.support.node import LabNodes


def pytest_runtest_setup() -> None:
    """Of the tests in this folder alone."""
    if reason := needs.obstacle():
        if os.environ.get(needs.REQUIRED) == "1":
            pytest.fail(f"no laboratory: {reason}")
        pytest.skip(f"no laboratory: {reason}")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as made:
        yield made


@pytest.fixture
async def nodes(lab: Lab, tmp_path: Path) -> AsyncIterator[LabNodes]:
    """Makes nodes, which end before the laboratory does."""
    async with LabNodes(tmp_path) as made:
        yield made
