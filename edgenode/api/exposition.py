"""Prometheus' text format (version 0.0.4 of its exposition formats)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTER = "counter"
GAUGE = "gauge"
HISTOGRAM = "histogram"


class Sample(NamedTuple):
    """One value of a family; `suffix` is what a histogram puts behind the family's name."""

    value: float
    labels: Mapping[str, str] = {}
    suffix: str = ""


class Family(NamedTuple):
    """A metric: its name, type, explanation, and the samples that there are of it now."""

    name: str
    type: str
    help: str
    samples: Sequence[Sample]


class Buckets(NamedTuple):
    """A histogram: values up to each of `bounds` (ascending), and above the last one."""

    bounds: Sequence[float]
    counts: Sequence[int]
    """One more than there are bounds; not summed up."""
    total: float
    """The sum of all values."""


def exposition(families: Iterable[Family]) -> bytes:
    """Return the families as text; those without a sample are left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        # Of a help text, unlike a label, quotes are not escaped.
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.type}")
        for sample in family.samples:
            labels = ",".join(
                f'{name}="{_escaped(value, quotes=True)}"' for name, value in sample.labels.items()
            )
            name = family.name + sample.suffix
            shown = f"{name}{{{labels}}}" if labels else name
            lines.append(f"{shown} {number(sample.value)}")
    return "".join(line + "\n" for line in lines).encode()


def histogram(buckets: Buckets) -> list[Sample]:
    """Return the samples of a histogram: cumulative buckets, sum and count."""
    samples = []
    below = 0
    for bound, count in zip((*buckets.bounds, float("inf")), buckets.counts, strict=True):
        below += count
        samples.append(Sample(below, {"le": number(bound)}, "_bucket"))
    return [*samples, Sample(buckets.total, suffix="_sum"), Sample(below, suffix="_count")]


def number(value: float) -> str:
    """Write a value as Prometheus reads it: whole numbers in full, others to the last digit."""
    if value != value:  # noqa: PLR0124 - true of NaN alone
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
