"""Bounded series: the newest points as they are, the whole history as a pyramid of buckets."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

BUCKETS = 1024
TAIL = 2048


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A series frozen for drawing.

    Buckets are ordered by step; `low`, `high` and `mean` are over the finite values of a bucket and
    NaN where it has none; `broken` counts its NaN and infinite values. `tail_steps`/`tail_values`
    are the newest points unreduced (values may be NaN or infinite).
    """

    name: str
    revision: int
    count: int
    starts: array[int]
    low: array[float]
    high: array[float]
    mean: array[float]
    broken: array[int]
    span: int
    tail_steps: tuple[int, ...]
    tail_values: tuple[float, ...]
    last_step: int | None
    last: float | None


class _Bucket(NamedTuple):
    low: float
    high: float
    sum: float
    number: int
    broken: int


class Series:
    """Appends columns in amortised O(1) a point; memory is bounded by BUCKETS and TAIL.

    A bucket covers `span` steps; when there are more than 2 × BUCKETS, pairs are merged and the
    span doubles. `expected` is the number of steps to come, where it is known. A step that is
    reported again, or that goes back, is counted where it falls.
    """

    def __init__(self, name: str, expected: int = 0) -> None:
        self.name = name
        self.revision = 0
        self.count = 0
        # where the length is known there is nothing to merge later
        self.span = 1 << max(0, (expected // BUCKETS).bit_length() - 1)
        self.first_step: int | None = None
        self.last_step: int | None = None
        self.last: float | None = None
        self._starts = array("q")
        self._low = array("d")
        self._high = array("d")
        self._sum = array("d")
        self._number = array("q")
        self._mean = array("d")
        self._broken = array("q")
        self._tail_steps: list[int] = []
        self._tail_values: list[float] = []

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points; `steps` ascend within one call."""
        if not steps:
            return
        if self.first_step is None:
            self.first_step = steps[0]
        self.revision += 1
        self.count += len(steps)
        self._tail_steps.extend(steps[-TAIL:])
        self._tail_values.extend(values[-TAIL:])
        if len(self._tail_steps) > 2 * TAIL:
            del self._tail_steps[:-TAIL]
            del self._tail_values[:-TAIL]
        self.last_step, self.last = steps[-1], values[-1]
        begin, size = 0, len(steps)
        while begin < size:
            start = steps[begin] - steps[begin] % self.span
            end = begin + 1
            limit = start + self.span
            while end < size and steps[end] < limit:
                end += 1
            self._add(start, values[begin:end])
            begin = end
        while len(self._starts) > 2 * BUCKETS:
            self._halve()

    def _add(self, start: int, values: Sequence[float]) -> None:
        total = math.fsum(values) if _finite(values) else math.nan
        if total == total:
            bucket = _Bucket(min(values), max(values), total, len(values), 0)
        else:
            finite = [value for value in values if math.isfinite(value)]
            bucket = _Bucket(
                min(finite, default=math.nan),
                max(finite, default=math.nan),
                math.fsum(finite),
                len(finite),
                len(values) - len(finite),
            )
        if self._starts and start <= self._starts[-1]:
            self._merge(max(0, bisect_right(self._starts, start) - 1), bucket)
        else:
            self._append(start, bucket)

    def _append(self, start: int, bucket: _Bucket) -> None:
        self._starts.append(start)
        self._low.append(bucket.low)
        self._high.append(bucket.high)
        self._sum.append(bucket.sum)
        self._number.append(bucket.number)
        self._mean.append(bucket.sum / bucket.number if bucket.number else math.nan)
        self._broken.append(bucket.broken)

    def _merge(self, at: int, bucket: _Bucket) -> None:
        self._broken[at] += bucket.broken
        if not bucket.number:
            return
        if not self._number[at]:
            self._low[at], self._high[at] = bucket.low, bucket.high
        else:
            self._low[at] = min(self._low[at], bucket.low)
            self._high[at] = max(self._high[at], bucket.high)
        self._sum[at] += bucket.sum
        self._number[at] += bucket.number
        self._mean[at] = self._sum[at] / self._number[at]

    def _halve(self) -> None:
        self.span *= 2
        columns = (self._starts, self._low, self._high, self._sum, self._number, self._broken)
        old = list(zip(*columns, strict=True))
        for column in (*columns, self._mean):
            del column[:]
        for start, *rest in old:
            start -= start % self.span
            bucket = _Bucket(*rest)
            if self._starts and self._starts[-1] == start:
                self._merge(-1, bucket)
            else:
                self._append(start, bucket)

    def tail(self, count: int) -> tuple[list[int], list[float]]:
        """The newest `count` points (at most TAIL)."""
        begin = max(0, len(self._tail_steps) - count)
        return list(islice(self._tail_steps, begin, None)), list(
            islice(self._tail_values, begin, None)
        )

    def until(self, step: int) -> Series:
        """A copy without what was counted at `step` or later; a bucket that spans it stays."""
        kept = Series(self.name)
        kept.span, kept.first_step = self.span, self.first_step
        size = bisect_left(self._starts, step)
        for name in ("_starts", "_low", "_high", "_sum", "_number", "_mean", "_broken"):
            setattr(kept, name, getattr(self, name)[:size])
        points = [
            (at, value)
            for at, value in zip(self._tail_steps, self._tail_values, strict=True)
            if at < step
        ]
        kept._tail_steps = [at for at, _ in points]
        kept._tail_values = [value for _, value in points]
        kept.count = sum(kept._number) + sum(kept._broken)
        kept.revision = self.revision + 1
        if points:
            kept.last_step, kept.last = points[-1]
        elif kept._starts:  # further back than the points that are kept as they are
            kept.last_step = min(step - 1, kept._starts[-1] + kept.span - 1)
            kept.last = kept._mean[-1]
        return kept

    def view(self) -> SeriesView:
        """The series as it is now; copies of flat arrays, so cheap enough for every repaint."""
        return SeriesView(
            name=self.name,
            revision=self.revision,
            count=self.count,
            starts=self._starts[:],
            low=self._low[:],
            high=self._high[:],
            mean=self._mean[:],
            broken=self._broken[:],
            span=self.span,
            tail_steps=tuple(self._tail_steps[-TAIL:]),
            tail_values=tuple(self._tail_values[-TAIL:]),
            last_step=self.last_step,
            last=self.last,
        )


def _finite(values: Sequence[float]) -> bool:
    return math.isfinite(sum(values))
