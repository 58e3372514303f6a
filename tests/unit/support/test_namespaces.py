import subprocess

import pytest

from tests.support import namespaces


@pytest.mark.netns
def test_a_namespace_holds_loopback_alone_and_may_be_configured() -> None:
    result = subprocess.run(
        [*namespaces.entering(), "sh", "-c", "ip link set lo up && ip -brief address"],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = result.stdout.splitlines()
    assert line.split()[0] == "lo"
    assert "127.0.0.1/8" in line
