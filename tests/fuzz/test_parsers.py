"""Everything that takes bytes from outside: a little of it here, 10^5 runs in CI, 10^7 in full."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.engine import LIMIT_S, Target, fuzz
from tests.fuzz.targets import ALL

ROOT = Path(__file__).parents[2]
SMOKE_RUNS = 200
MAX_DRIFT = 1024 * 1024

CI_RUNS = 100_000
FULL_RUNS = int(os.environ.get("EDGENODE_FUZZ_RUNS", "10_000_000"))
"""At some 15,000 a second."""


@pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)
def test_target(target: Target) -> None:
    report, _ = fuzz([target], SMOKE_RUNS, seed=1)
    assert report.findings == []


def fuzz_apart(runs: int, seed: int) -> dict[str, Any]:
    """Fuzz in a process that does nothing else, so that its memory is that of the parsers."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--runs", str(runs), "--seed", str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.parametrize(
    "runs",
    [pytest.param(CI_RUNS, marks=pytest.mark.ci), pytest.param(FULL_RUNS, marks=pytest.mark.full)],
)
@pytest.mark.timeout(3600)
def test_nothing_but_declared_errors_in_bounded_time_and_memory(runs: int) -> None:
    report = fuzz_apart(runs, seed=7)
    assert report["runs"] > 0.99 * runs
    assert report["slowest_s"] < LIMIT_S
    assert report["drift"] < MAX_DRIFT
