"""Small plots and bars as SVG: no style attributes, which the policy of the page forbids."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from edgenode.api.page.text import amount, count

SLOTS = 60
"""Bars of a plot: the last hour by minutes."""

_SLOT, _BAR = 10, 8
_HALF = 50
"""Units: of a slot, the bar in it, and the height of the half above or below the line."""


def history(data: Mapping[str, Any]) -> str:
    """Return the plots of NodeHistory."""
    samples = data["samples"][-SLOTS:]
    received = [sample["bytesIn"] for sample in samples]
    sent = [sample["bytesOut"] for sample in samples]
    done = [sample["succeeded"] for sample in samples]
    failed = [sample["failed"] for sample in samples]
    return (
        _mirrored("Traffic", ("received", received, "in"), ("sent", sent, "out"), amount)
        + _mirrored(
            "Block operations",
            ("done", done, "done"),
            ("failed", failed, "failed"),
            lambda number: f"{number:,}",
        )
        + _level("Peers", [sample["peers"] for sample in samples])
    )


def _level(title: str, values: Sequence[int]) -> str:
    """Return a plot of how many there were at the end of each minute; the last value is of now."""
    top, now = max([*values, 0]), values[-1] if values else 0
    minutes = count(len(values), "minute")
    label = f"{title} of the last {minutes}: {now:,} now, at most {top:,}"
    width = SLOTS * _SLOT
    return (
        f'<figure><figcaption>{title}<ul class="key"><li class="in"><b>{now:,}</b> now</li></ul>'
        f'</figcaption><svg class="plot" viewBox="0 -{_HALF} {width} {2 * _HALF}" '
        f'preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<path class="axis" d="M0 {_HALF}h{width}"/>'
        f'<path class="in" d="{_bars(values, top, -2)}"/></svg>'
        f'<p class="scale" aria-hidden="true"><span>1 h ago</span>'
        f"<span>at most {top:,}</span><span>now</span></p></figure>"
    )


def _mirrored(
    title: str,
    upper: tuple[str, Sequence[int], str],
    lower: tuple[str, Sequence[int], str],
    shown: Any,
) -> str:
    """Return a plot of two series, one above the line and one below, to the same scale."""
    top = max([*upper[1], *lower[1], 0])
    minutes = count(len(upper[1]), "minute")
    said = ", ".join(f"{shown(sum(values))} {name}" for name, values, _ in (upper, lower))
    label = f"{title} of the last {minutes}: {said}; at most {shown(top)} a minute"
    keys = "".join(
        f'<li class="{kind}"><b>{escape(shown(sum(values)))}</b> {name}</li>'
        for name, values, kind in (upper, lower)
    )
    width = SLOTS * _SLOT
    return (
        f'<figure><figcaption>{title}<ul class="key">{keys}</ul></figcaption>'
        f'<svg class="plot" viewBox="0 0 {width} {2 * _HALF}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(label)}">'
        f'<path class="axis" d="M0 {_HALF}h{width}"/>'
        f'<path class="{upper[2]}" d="{_bars(upper[1], top, -1)}"/>'
        f'<path class="{lower[2]}" d="{_bars(lower[1], top, 1)}"/></svg>'
        f'<p class="scale" aria-hidden="true"><span>1 h ago</span>'
        f"<span>peak {escape(shown(top))}/min</span><span>now</span></p></figure>"
    )


def _bars(values: Sequence[int], top: int, direction: int) -> str:
    """Return the path of the bars, the newest at the right end."""
    first = SLOTS - len(values)
    parts = []
    for place, value in enumerate(values):
        if value:
            # What is there is seen, however small beside the rest.
            height = direction * max(1.5, round((_HALF - 2) * value / top, 1))
            parts.append(f"M{(first + place) * _SLOT + 1} {_HALF}v{height:g}h{_BAR}v{-height:g}z")
    return "".join(parts)


def bars(values: Mapping[str, int], *, kinds: bool = False) -> str:
    """Return a list of names with a bar and a number each; `kinds`: each in its own colour."""
    top = max([*values.values(), 1])
    items = []
    for name, value in values.items():
        kind = f" t-{name.lower().replace(' ', '-')}" if kinds else ""
        label = name.capitalize() if kinds else name
        items.append(
            f"<li><span>{escape(label)}</span>"
            f'<svg class="bar{escape(kind)}" viewBox="0 0 100 1" preserveAspectRatio="none" '
            f'aria-hidden="true"><path class="track" d="M0 0h100v1h-100z"/>'
            f'<path d="M0 0h{100 * value / top:.4g}v1H0z"/></svg><b>{value:,}</b></li>'
        )
    return f'<ul class="bars">{"".join(items)}</ul>'
