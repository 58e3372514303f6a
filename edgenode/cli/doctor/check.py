"""What a check finds."""

from typing import NamedTuple

OK = "ok"
WARNING = "warning"
FAILURE = "failure"

STATES = (OK, WARNING, FAILURE)
"""From good to bad."""


class Check(NamedTuple):
    """One finding: the check's name, its state, what was found, and what to do about it."""

    name: str
    state: str
    what: str
    remedy: str = ""
    """Empty where there is nothing to do."""


def worst(checks: list[Check]) -> str:
    """Return the worst state of all, OK where there is none."""
    return max((check.state for check in checks), key=STATES.index, default=OK)
