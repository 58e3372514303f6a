"""What every tier shares: which tests can run on this machine, and why the others cannot."""

import pytest

from tests.support import namespaces


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("netns") and (reason := namespaces.obstacle()):
        pytest.skip(f"no network namespace: {reason}")
