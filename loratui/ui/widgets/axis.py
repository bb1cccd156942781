"""Axes that seldom move, and a series reduced to the columns of a drawing."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from loratui.core.series import SeriesView

_LADDER = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0, 10.0)
_LOG_TICKS = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_TIGHT = 0.45  # an axis is kept while the data fill at least this share of it


def up(value: float, ladder: Sequence[float] = _LADDER) -> float:
    """The next number at or above `value` that stands on the ladder of round ones."""
    if value <= 0:
        return ladder[0]
    power = 10.0 ** math.floor(math.log10(value))
    for rung in ladder:
        if rung * power >= value * (1 - 1e-9):
            return rung * power
    return 10 * power


class Axis(NamedTuple):
    """The vertical axis from `low` to `high`."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float | None:
        """Where `value` stands, 0 at the bottom to 1 at the top; outliers at the edge."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ticks(self, most: int) -> list[float]:
        """Round values on the axis from the bottom up, at most `most`."""
        if most < 1:
            return []
        found: list[float] = []
        for marks in self._candidates(most):
            if len(marks) <= most and len(marks) >= len(found):
                found = marks
        return found or [self.low, self.high][:most]

    def _candidates(self, most: int) -> list[list[float]]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            every: list[list[float]] = []
            for rungs in ((1.0,), *_LOG_TICKS):
                marks = [rung * 10.0**power for power in range(first, last + 1) for rung in rungs]
                every.append(self._within(marks))
            if any(2 <= len(marks) <= most for marks in every):
                return every
        raw = (self.high - self.low) / most
        every = []
        for gap in (up(raw, (1, 2, 5, 10)), up(2 * raw, (1, 2, 5, 10))):
            start, stop = math.ceil(self.low / gap - 1e-9), math.floor(self.high / gap + 1e-9)
            every.append([index * gap for index in range(start, stop + 1)])
        return every

    def _within(self, marks: Sequence[float]) -> list[float]:
        edge = 1e-9
        return [m for m in marks if self.low * (1 - edge) <= m <= self.high * (1 + edge)]


def fit(low: float, high: float, log: bool, before: Axis | None = None) -> Axis:
    """An axis around `low` to `high`; the one `before` stays while it still fits.

    Its ends are round numbers, so that a few more points do not move it.
    """
    if log and low <= 0:
        low = high / 1000 if high > 0 else 0.1
        high = high if high > 0 else 1.0
    if before is not None and before.log == log and before.low <= low and high <= before.high:
        used = _length(low, high, log) / _length(before.low, before.high, log)
        if used >= _TIGHT:
            return before
    if log:
        if high / low < 1.3:
            middle = math.sqrt(high * low)
            low, high = middle / 1.15, middle * 1.15
        room = (high / low) ** 0.04
        return Axis(_down(low / room), up(high * room), True)
    span = high - low or abs(high) * 0.2 or 1.0
    gap = up(span / 10, (1, 2, 5, 10))
    return Axis(
        math.floor(low / gap - 0.2) * gap if low - span > 0 else min(0.0, _under(low, gap)),
        math.ceil(high / gap + 0.2) * gap,
    )


def _under(low: float, gap: float) -> float:
    return math.floor(low / gap) * gap


def _down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(rung * power for rung in _LADDER if rung * power <= value * (1 + 1e-9))


def _length(low: float, high: float, log: bool) -> float:
    if log:
        return math.log(high / low) if high > low else 1e-12
    return max(high - low, 1e-12)


def window(last: int, total: int | None, zoom: str) -> tuple[int, int]:
    """First and last step on the horizontal axis for ``all``, ``third`` or ``300``."""
    last = max(last, 1)
    if zoom == "300" and last > 300:
        end = -(-last // 50) * 50
        return end - 350, end
    if zoom == "third" and last > 30:
        width = round(up(last / 3))
        gap = max(width // 5, 1)
        end = -(-last // gap) * gap
        return max(0, end - width - gap), end
    end = round(up(max(last, 10)))
    if total is not None and last <= total:
        end = min(end, max(total, 2))
    return 0, end


class Columns(NamedTuple):
    """A series cut into columns: NaN where a column has no finite value.

    `broken` tells which columns hold NaN or infinite values.
    """

    low: list[float]
    high: list[float]
    mean: list[float]
    broken: list[bool]

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
    )


def columns(view: SeriesView, start: int, end: int, count: int) -> Columns:
    """Reduce the steps from `start` to `end` to `count` columns of low, high and mean."""
    low, high = [math.inf] * count, [-math.inf] * count
    total, number, broken = [0.0] * count, [0] * count, [False] * count
    scale = count / (end - start + 1) if end > start else float(count)
    if view.tail_steps and min(view.tail_steps) <= start:
        for step, value in zip(view.tail_steps, view.tail_values, strict=True):
            if start <= step <= end:
                at = min(int((step - start) * scale), count - 1)
                if math.isfinite(value):
                    low[at], high[at] = min(low[at], value), max(high[at], value)
                    total[at] += value
                    number[at] += 1
                else:
                    broken[at] = True
    else:
        first = max(bisect_left(view.starts, start - view.span + 1), 0)
        for index in range(first, len(view.starts)):
            step = max(view.starts[index], start)
            if step > end:
                break
            at = min(int((step - start) * scale), count - 1)
            mean = view.mean[index]
            if view.broken[index]:
                broken[at] = True
            if mean == mean:
                low[at], high[at] = min(low[at], view.low[index]), max(high[at], view.high[index])
                total[at] += mean
                number[at] += 1
    nan = math.nan
    return Columns(
        [value if n else nan for value, n in zip(low, number, strict=True)],
        [value if n else nan for value, n in zip(high, number, strict=True)],
        [value / n if n else nan for value, n in zip(total, number, strict=True)],
        broken,
    )


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
