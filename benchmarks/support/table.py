"""What a benchmark prints: to the process's own stdout, wherever the nodes' log lines go."""

import sys
from collections.abc import Sequence


def say(text: str) -> None:
    """Print a line."""
    print(text, file=sys.__stdout__, flush=True)


def heading(text: str) -> None:
    """Begin a benchmark."""
    say(f"\n== {text}")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their columns, the first to the left and the others to the right."""
    lines = [list(columns), *map(list, rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        say("  ".join(cells))


def against(name: str, value: float, target: float, *, at_most: bool, unit: str = "") -> None:
    """Print a figure beside its target of the project."""
    met = value <= target if at_most else value >= target
    sign = "<=" if at_most else ">="
    verdict = "met" if met else "MISSED"
    say(f"{name}: {value:.2f}{unit}, target {sign} {target:g}{unit}: {verdict}")
