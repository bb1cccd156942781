"""Axes that seldom move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

ROUND = (1.0, 2.0, 5.0, 10.0)
_LADDER = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0, 10.0)
_LOG_TICKS = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_TINY, _HUGE = 1e-140, 1e140  # what lies beyond stands at the edge: arithmetic ends there
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


def down(value: float, ladder: Sequence[float] = _LADDER) -> float:
    """The next number at or below `value` (above 0) that stands on the ladder of round ones."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(rung * power for rung in ladder if rung * power <= value * (1 + 1e-9))


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
        for gap in (up(raw, ROUND), up(2 * raw, ROUND)):
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
    low, high = _bounded(low, log), _bounded(high, log)
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
        return Axis(down(low / room), up(high * room), True)
    span, size = high - low, max(abs(high), abs(low))
    if span <= size * 1e-9 or span < _TINY:
        span = size * 0.2 if size > _TINY else 1.0
    gap = up(span / 10, ROUND)
    return Axis(
        math.floor(low / gap - 0.2) * gap if low - span > 0 else min(0.0, _under(low, gap)),
        math.ceil(high / gap + 0.2) * gap,
    )


def _bounded(value: float, log: bool) -> float:
    value = min(max(value, -_HUGE), _HUGE)
    return max(value, _TINY) if log and value > 0 else value


def _under(low: float, gap: float) -> float:
    return math.floor(low / gap) * gap


def _length(low: float, high: float, log: bool) -> float:
    if log:
        return math.log(high / low) if high > low else 1e-12
    return max(high - low, 1e-12)
