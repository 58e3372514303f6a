"""The core under a real MicroPython: every module imports, every core test passes there too.

Without a `micropython` command the tests are skipped; they fail instead where
EDGENODE_REQUIRE_MICROPYTHON=1 is set (CI).
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = "tests/unit/core/run.py"
TEST_FILES = sorted((ROOT / "tests/unit/core").glob("test_*.py"))
CORE_FILES = sorted((ROOT / "edgenode/core").rglob("*.py"))
DEADLINE_S = 120

# Modules that strictjson loads on CPython only, each with a twin that MicroPython loads instead.
CPYTHON_TWINS = {"edgenode.core.strictjson.scanner": "edgenode.core.strictjson.reader"}


def dotted(path: Path) -> str:
    """Give the name under which the module in this file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_micropython() -> str | None:
    """Give the path of a MicroPython, that of this environment first."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("micropython", path=beside) or shutil.which("micropython")


@pytest.fixture(scope="session")
def micropython() -> str:
    """Give the interpreter; skip, or fail where one is required, if there is none."""
    path = find_micropython()
    if path is None:
        reason = "no micropython command beside the interpreter or on PATH"
        if os.environ.get("EDGENODE_REQUIRE_MICROPYTHON") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def collected() -> Counter[str]:
    """Count the tests that pytest finds on CPython, by module."""
    names = [str(path.relative_to(ROOT)) for path in TEST_FILES]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-header", *names]
    found = run(command)
    assert found.returncode == 0, found.stdout + found.stderr
    lines = [line for line in found.stdout.splitlines() if "::" in line]
    return Counter(dotted(ROOT / line.split("::")[0]) for line in lines)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run in the root of the repository, with MicroPython's own modules and ours to import."""
    environment = dict(os.environ, MICROPYPATH=".:.frozen")
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize("name", [dotted(path) for path in TEST_FILES])
def test_core_tests_pass_under_micropython(
    name: str, micropython: str, collected: Counter[str]
) -> None:
    """As many tests run as on CPython, and none fails."""
    done = run([micropython, RUNNER, name])
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert output.splitlines()[-1] == f"ran {collected[name]} failed 0", output


@pytest.mark.parametrize("name", [dotted(path) for path in CORE_FILES])
def test_core_module_imports_under_micropython(name: str, micropython: str) -> None:
    """Each module imports in an interpreter of its own."""
    name = CPYTHON_TWINS.get(name, name)
    done = run([micropython, "-c", f"import {name}; print('imported')"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "imported\n"


@pytest.mark.parametrize(
    ("body", "last_line"),
    [
        ("def test_holds(): pass\ndef test_fails(): assert 1 == 2\n", "ran 2 failed 1"),
        ("def test_raises(): {}['absent']\n", "ran 1 failed 1"),
        ("import a_module_that_is_not_there\ndef test_holds(): pass\n", "ran 0 failed 1"),
        ("def helper(): pass\n", "ran 0 failed 1"),
    ],
)
def test_runner_reports_failures(
    body: str, last_line: str, micropython: str, tmp_path: Path
) -> None:
    """A failing test, an error, a module that does not import and one without tests all show."""
    (tmp_path / "trial.py").write_text(body)
    for interpreter in (micropython, sys.executable):
        command = [interpreter, str(ROOT / RUNNER), "trial"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "FAIL trial" in done.stdout
        assert done.stdout.splitlines()[-1] == last_line
