"""What a series is worth at a step, and the steps at which there is something to read."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from loratui.core.series import SeriesView
from loratui.ui.widgets.columns import known_raw


class Reading(NamedTuple):
    """The value at a step; where only a bucket is known, its lowest, mean and highest value.

    NaN where there is no finite one.
    """

    first: int
    last: int
    low: float
    mean: float
    high: float


def read(view: SeriesView, step: int) -> Reading | None:
    """The value at `step`, the newest where it was reported again; None where there is none."""
    for at in range(len(view.tail_steps) - 1, -1, -1):
        if view.tail_steps[at] == step:
            value = view.tail_values[at]
            value = value if math.isfinite(value) else math.nan
            return Reading(step, step, value, value, value)
    at = bisect_right(view.starts, step) - 1
    if at < 0 or step >= view.starts[at] + view.span:
        return None
    first = view.starts[at]
    return Reading(first, first + view.span - 1, view.low[at], view.mean[at], view.high[at])


def steps_known(view: SeriesView, start: int, end: int) -> list[int]:
    """The steps between two, both included, that have a value or begin a bucket, ascending."""
    raw = known_raw(view)
    found = {step for step in view.tail_steps if start <= step <= end}
    for at in range(bisect_left(view.starts, start), bisect_right(view.starts, end)):
        begin = view.starts[at]
        if raw is None or begin + view.span - 1 < raw[0] or begin > raw[1]:
            found.add(begin)
    return sorted(found)


def neighbour(
    view: SeriesView, at: int | None, by: int, gap: int, start: int, end: int
) -> int | None:
    """The step to read next: `gap` steps or more from `at`, to the left or right (-1 or 1).

    From outside the window the nearest end is entered; None past the last step on either side.
    """
    known = steps_known(view, start, end)
    if not known:
        return None
    if at is None or not start <= at <= end:
        return known[0] if by > 0 else known[-1]
    if by > 0:
        after = bisect_left(known, at + gap)
        if after < len(known):
            return known[after]
        return known[-1] if known[-1] > at else None
    before = bisect_right(known, at - gap) - 1
    if before >= 0:
        return known[before]
    return known[0] if known[0] < at else None


def newest_until(view: SeriesView, step: int) -> Reading | None:
    """The value at `step` or, where there is none, the last one before it."""
    if (found := read(view, step)) is not None:
        return found
    begin = view.starts[0] if view.starts else step
    if view.tail_steps:
        begin = min(begin, *view.tail_steps)
    known = steps_known(view, begin, step)
    return read(view, known[-1]) if known else None
