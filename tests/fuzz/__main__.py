# ruff: noqa: T201
"""Fuzzes by itself: `python -m tests.fuzz --runs 10000000 [--seed N] [--keep] [target ...]`."""

import argparse
import json
import os
import sys

from tests.fuzz import corpus
from tests.fuzz.engine import fuzz
from tests.fuzz.targets import ALL

MAX_KEPT_BYTES = 512
MAX_KEPT = 24


def main() -> int:
    """Print what came of it as JSON; the exit status tells whether anything was found."""
    if os.environ.get("PYTHONMALLOC") != "malloc":  # Python's own gives little of it back
        command = [sys.executable, "-m", "tests.fuzz", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {"PYTHONMALLOC": "malloc"})  # noqa: S606
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--keep", action="store_true", help="add what leads to new outcomes to the corpus"
    )
    parser.add_argument("targets", nargs="*")
    asked = parser.parse_args()
    targets = [target for target in ALL if not asked.targets or target.name in asked.targets]
    report, fuzzers = fuzz(targets, asked.runs, asked.seed)
    if asked.keep:
        for fuzzer in fuzzers:
            short = [data for data in fuzzer.found if len(data) <= MAX_KEPT_BYTES]
            room = MAX_KEPT - len(corpus.kept(fuzzer.target.name))
            corpus.keep(fuzzer.target.name, short[: max(0, room)])
    for finding in report.findings:
        print(
            f"{finding.target}: {finding.what}\n  {corpus.escaped(finding.data)[:2000]}",
            file=sys.stderr,
        )
    fields = report._asdict() | {"findings": len(report.findings), "targets": len(targets)}
    print(json.dumps(fields | {"perSecond": int(report.runs / report.seconds)}))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
