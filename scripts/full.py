"""Runs every check there is and adds a line on it to tests/RESULTS.md.

Exit status: 0 all passed, 1 something did not (all of it is run, and recorded, all the same).
"""

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "tests" / "RESULTS.md"
REPORT = ROOT / ".cache" / "full.xml"


def run(*command: str) -> tuple[bool, str]:
    """Runs `command` in the checkout, showing what it prints; success, and its last line."""
    last = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode == 0, last


def counts(report: Path) -> dict[str, int]:
    """Passed, failed and skipped tests of pytest's own JUnit report."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 (pytest wrote it)
        for key in total:
            total[key] += int(suite.get(key, "0"))
    failed = total["failures"] + total["errors"]
    return {
        "passed": total["tests"] - failed - total["skipped"],
        "failed": failed,
        "skipped": total["skipped"],
    }


def commit() -> str:
    """The commit that was checked; a plus where the checkout differs from it."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
    changes = subprocess.check_output(
        [*git, "status", "--porcelain", "--", ".", ":!tests/RESULTS.md"], text=True
    )
    return name + ("+" if changes else "")


def main() -> int:
    """Runs the checks and records them; the exit status."""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    checked = commit()
    began = time.monotonic()
    lint, _ = run("make", "--no-print-directory", "lint")
    tests, last = run(sys.executable, "-m", "pytest", "--timeout=1800", f"--junit-xml={REPORT}")
    if not REPORT.exists():
        print(f"full: pytest left no report, so nothing is recorded: {last}", file=sys.stderr)
        return 1
    fresh, fresh_last = run("tests/fresh/check")
    passed = lint and tests and fresh
    row = [
        time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        checked,
        sys.version.split()[0],
        *map(str, counts(REPORT).values()),
        fresh_last.removeprefix("fresh: ") or "not run",
        "clean" if lint else "not clean",
        f"{(time.monotonic() - began) / 60:.0f} min",
        "passed" if passed else "FAILED",
    ]
    with RESULTS.open("a") as results:
        results.write(f"| {' | '.join(row)} |\n")
    print(f"full: {row[-1]}; recorded in {RESULTS.relative_to(ROOT)}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
