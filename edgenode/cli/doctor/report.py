"""`edgenode doctor`: run the checks and print what they find."""

import sys

from edgenode.cli import exits
from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check, worst
from edgenode.cli.doctor.register import run_checks
from edgenode.cli.output import clean, out, out_json, paint
from edgenode.daemon.config.load import Config

_COLOURS = {OK: "green", WARNING: "yellow", FAILURE: "red"}
_EXITS = {OK: exits.OK, WARNING: exits.WARNINGS, FAILURE: exits.FAILED}


def doctor(config: Config, *, as_json: bool) -> int:
    """Print the finding of each check; the exit code tells the worst."""
    checks = run_checks(config)
    if as_json:
        out_json({"state": worst(checks), "checks": [_to_json(check) for check in checks]})
    else:
        for line in _lines(checks):
            out(line)
    return _EXITS[worst(checks)]


def _to_json(check: Check) -> dict[str, object]:
    return {**check._asdict(), "remedy": check.remedy or None}


def _lines(checks: list[Check]) -> list[str]:
    """Lay out: state, name, what was found; below it what to do."""
    states = max(len(state) for state in _COLOURS)
    names = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        # Coloured after alignment, which counts characters.
        state = paint(check.state.upper().ljust(states), _COLOURS[check.state], sys.stdout)
        lines.append(f"{state}  {check.name.ljust(names)}  {clean(check.what)}")
        if check.remedy:
            lines.append(f"{'':{states}}  {'':{names}}  -> {clean(check.remedy)}")
    return lines
