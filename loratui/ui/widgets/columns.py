"""A series reduced to the columns of a drawing."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from loratui.core.series import SeriesView


class Columns(NamedTuple):
    """A series cut into columns: NaN where a column has no finite value.

    `broken` tells which columns hold NaN or infinite values. `span` is above 1 where the values of
    so many steps are known together only; they then fill several columns alike.
    """

    low: list[float]
    high: list[float]
    mean: list[float]
    broken: list[bool]
    span: int = 1

    @property
    def gaps(self) -> list[bool]:
        """Columns in which the series breaks off: only broken values, no finite one."""
        return [bad and value != value for bad, value in zip(self.broken, self.mean, strict=True)]


def positive(cut: Columns) -> Columns:
    """For a logarithmic axis: what is not above zero cannot be drawn and counts as broken."""
    nan = math.nan
    return Columns(
        [v if v > 0 else nan for v in cut.low],
        [v if v > 0 else nan for v in cut.high],
        [v if v > 0 else nan for v in cut.mean],
        [bad or low <= 0 for bad, low in zip(cut.broken, cut.low, strict=True)],
        cut.span,
    )


def known_raw(view: SeriesView) -> tuple[int, int] | None:
    """First and last step between which each point is kept as it is, if there are such.

    That is all points, or those since a step was last reported again: what came before them is
    known in part as buckets alone.
    """
    steps = view.tail_steps
    if not steps:
        return None
    if len(steps) >= view.count:
        return min(steps), max(steps)
    first = len(steps) - 1
    while first > 0 and steps[first - 1] < steps[first]:
        first -= 1
    return steps[first], steps[-1]


class _Sums:
    """Columns while they are filled."""

    def __init__(self, start: int, end: int, count: int) -> None:
        self.start, self.end, self.count = start, end, count
        self.scale = count / (end - start + 1) if end > start else float(count)
        self.low, self.high = [math.inf] * count, [-math.inf] * count
        self.total, self.number = [0.0] * count, [0] * count
        self.broken = [False] * count

    def at(self, step: int) -> int:
        return min(int((step - self.start) * self.scale), self.count - 1)

    def put(self, at: int, low: float, high: float, mean: float) -> None:
        if low < self.low[at]:
            self.low[at] = low
        if high > self.high[at]:
            self.high[at] = high
        self.total[at] += mean
        self.number[at] += 1

    def points(self, view: SeriesView, first: int, last: int) -> None:
        """Every point that is kept between two steps."""
        for step, value in zip(view.tail_steps, view.tail_values, strict=True):
            if first <= step <= last:
                at = self.at(step)
                if math.isfinite(value):
                    self.put(at, value, value, value)
                else:
                    self.broken[at] = True

    def buckets(self, view: SeriesView, raw: tuple[int, int] | None, wide: bool) -> bool:
        """The buckets that hold no point kept as it is; whether there were any."""
        used = False
        newest = max(view.last_step or 0, view.starts[-1] if view.starts else 0)
        for index in range(bisect_left(view.starts, self.start - view.span + 1), len(view.starts)):
            begin = view.starts[index]
            if begin > self.end:
                break
            stop = begin + view.span - 1
            if raw is not None and stop >= raw[0] and begin <= raw[1]:
                continue
            used = True
            first = last = self.at(max(begin, self.start))
            if wide and (stop := min(stop, newest)) >= self.end:
                last = self.count - 1
            elif wide:
                last = max(first, self.at(stop + 1) - 1)
            mean = view.mean[index]
            for at in range(first, last + 1):
                if view.broken[index]:
                    self.broken[at] = True
                if mean == mean:
                    self.put(at, view.low[index], view.high[index], mean)
        return used

    def columns(self, span: int) -> Columns:
        nan = math.nan
        return Columns(
            [value if n else nan for value, n in zip(self.low, self.number, strict=True)],
            [value if n else nan for value, n in zip(self.high, self.number, strict=True)],
            [value / n if n else nan for value, n in zip(self.total, self.number, strict=True)],
            self.broken,
            span,
        )


def columns(view: SeriesView, start: int, end: int, count: int) -> Columns:
    """Reduce the steps from `start` to `end` to `count` columns of low, high and mean.

    Points are taken as they are where they are kept, unless the window begins before them and
    buckets are as fine as the columns. A bucket wider than a column fills all that it covers:
    where in it a value stood is not known.
    """
    sums = _Sums(start, end, count)
    wide = view.span > 1 and view.span * sums.scale > 1
    raw = known_raw(view)
    if raw is not None and len(view.tail_steps) < view.count:
        raw = _between_buckets(view, raw, start) if raw[0] <= start or wide else None
    if raw is not None:
        sums.points(view, max(raw[0], start), min(raw[1], end))
    used = sums.buckets(view, raw, wide)
    return sums.columns(view.span if used and wide else 1)


def _between_buckets(view: SeriesView, raw: tuple[int, int], start: int) -> tuple[int, int]:
    """Points up to where buckets begin or end that hold others as well."""
    first, last = raw
    if first > start:
        first = -(-first // view.span) * view.span
    if view.starts and view.starts[-1] > last:  # the run went back: older steps lie ahead
        last = (last + 1) // view.span * view.span - 1
    return first, last


def smooth(values: Sequence[float], gaps: Sequence[bool], log: bool) -> list[float]:
    """A running mean, twice, over the columns that have a value; it never crosses a gap."""
    result = [math.nan] * len(values)
    run: list[int] = []
    present = sum(value == value for value in values)
    half = max(1, min(len(values) // 36, present // 6))
    for index, value in enumerate(values):
        if gaps[index]:
            _smooth_run(values, run, half, log, result)
            run = []
        elif value == value and not (log and value <= 0):
            run.append(index)
    _smooth_run(values, run, half, log, result)
    return result


def _smooth_run(
    values: Sequence[float], run: list[int], half: int, log: bool, result: list[float]
) -> None:
    if not run:
        return
    row = [math.log(values[index]) if log else values[index] for index in run]
    row = _boxes(_boxes(row, half), half)
    for index, value in zip(run, row, strict=True):
        result[index] = math.exp(value) if log else value


def _boxes(row: list[float], half: int) -> list[float]:
    sums = [0.0, *accumulate(row)]
    size = len(row)
    return [
        (sums[min(at + half + 1, size)] - sums[max(at - half, 0)])
        / (min(at + half + 1, size) - max(at - half, 0))
        for at in range(size)
    ]


def reach(columns_: Columns, line: Sequence[float], log: bool) -> tuple[float, float] | None:
    """What the vertical axis has to show: the whole line and all but the outermost dots."""
    good = [v for v in line if v == v and (v > 0 or not log)]
    lows = sorted(v for v in columns_.low if v == v and (v > 0 or not log))
    highs = sorted(v for v in columns_.high if v == v and (v > 0 or not log))
    if not lows or not highs:
        return None
    cut = len(lows) // 60
    low = min([lows[cut], *good])
    high = max([highs[len(highs) - 1 - cut], *good])
    return low, high
