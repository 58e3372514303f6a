"""The nodes of a test: those of the integration tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.support.nodes import Nodes


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Makes nodes; those still running at the end must stop as they should."""
    async with Nodes(tmp_path) as made:
        yield made
