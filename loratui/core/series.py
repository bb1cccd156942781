"""Bounded series: the newest points as they are, the whole history as a pyramid of buckets."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

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


class Series:
    """Appends columns in amortised O(1) a point; memory is bounded by BUCKETS and TAIL.

    A bucket covers `span` steps; when there are more than 2 × BUCKETS, pairs are merged and the
    span doubles. A step that is reported again, or that goes back, is counted where it falls.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.revision = 0
        self.count = 0
        self.span = 1
        self.last_step: int | None = None
        self.last: float | None = None
        self._starts = array("q")
        self._low = array("d")
        self._high = array("d")
        self._sum = array("d")
        self._number = array("q")
        self._broken = array("q")
        self._tail_steps: list[int] = []
        self._tail_values: list[float] = []

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points; `steps` ascend within one call."""
        if not steps:
            return
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
        low, high, total = min(values), max(values), math.fsum(values) if _finite(values) else None
        number, broken = len(values), 0
        if total is None or total != total:
            finite = [v for v in values if math.isfinite(v)]
            broken, number = number - len(finite), len(finite)
            low = min(finite, default=math.inf)
            high = max(finite, default=-math.inf)
            total = math.fsum(finite)
        if self._starts and start <= self._starts[-1]:
            at = self._find(start)
            if at >= 0:
                self._low[at] = min(self._low[at], low)
                self._high[at] = max(self._high[at], high)
                self._sum[at] += total
                self._number[at] += number
                self._broken[at] += broken
            return
        self._starts.append(start)
        self._low.append(low)
        self._high.append(high)
        self._sum.append(total)
        self._number.append(number)
        self._broken.append(broken)

    def _find(self, start: int) -> int:
        starts = self._starts
        if starts[-1] == start:
            return len(starts) - 1
        from bisect import bisect_right

        return bisect_right(starts, start) - 1

    def _halve(self) -> None:
        self.span *= 2
        old = list(
            zip(
                self._starts,
                self._low,
                self._high,
                self._sum,
                self._number,
                self._broken,
                strict=True,
            )
        )
        for column in (self._starts, self._low, self._high, self._sum, self._number, self._broken):
            del column[:]
        for start, low, high, total, number, broken in old:
            start -= start % self.span
            if self._starts and self._starts[-1] == start:
                self._low[-1] = min(self._low[-1], low)
                self._high[-1] = max(self._high[-1], high)
                self._sum[-1] += total
                self._number[-1] += number
                self._broken[-1] += broken
            else:
                self._starts.append(start)
                self._low.append(low)
                self._high.append(high)
                self._sum.append(total)
                self._number.append(number)
                self._broken.append(broken)

    def tail(self, count: int) -> tuple[list[int], list[float]]:
        """The newest `count` points (at most TAIL)."""
        begin = max(0, len(self._tail_steps) - count)
        return list(islice(self._tail_steps, begin, None)), list(
            islice(self._tail_values, begin, None)
        )

    def view(self) -> SeriesView:
        nan = math.nan
        return SeriesView(
            name=self.name,
            revision=self.revision,
            count=self.count,
            starts=array("q", self._starts),
            low=array("d", (v if n else nan for v, n in zip(self._low, self._number, strict=True))),
            high=array(
                "d", (v if n else nan for v, n in zip(self._high, self._number, strict=True))
            ),
            mean=array(
                "d", (s / n if n else nan for s, n in zip(self._sum, self._number, strict=True))
            ),
            broken=array("q", self._broken),
            span=self.span,
            tail_steps=tuple(self._tail_steps[-TAIL:]),
            tail_values=tuple(self._tail_values[-TAIL:]),
            last_step=self.last_step,
            last=self.last,
        )


def _finite(values: Sequence[float]) -> bool:
    return math.isfinite(sum(values))
