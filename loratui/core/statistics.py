"""Robust statistics of noisy series: streaming blocks of logarithms, medians, trends.

A diffusion loss scatters because every step draws a timestep, so nothing here looks at single
values or at absolute levels: series are cut into blocks of ln(value), and what is compared are
block means inside one run.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST = 64
"""Blocks kept; when there are so many, neighbours are merged, so that 32 to 63 cover the series."""

CELL = 320
"""Points buffered at most before they are reduced. Cells, not batches, are what is summed, so that
results do not depend on how points arrive."""

MAD_TO_SD = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""

IQR_TO_SD = 1.349
"""Interquartile range of a normal distribution, in standard deviations."""


def finite(values: Sequence[float]) -> bool:
    """Whether no value is NaN or infinite (a sum that overflows counts as not finite)."""
    total = sum(values)
    return total - total == 0.0


def median(values: Iterable[float]) -> float:
    """The median; NaN for no values."""
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        return math.nan
    half = count // 2
    return ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2


def spread(values: Sequence[float], centre: float | None = None) -> float:
    """Standard deviation estimated from the median absolute deviation; NaN for no values."""
    middle = median(values) if centre is None else centre
    return MAD_TO_SD * median([abs(value - middle) for value in values])


def quartile_spread(ordered: Sequence[float]) -> float:
    """Standard deviation of ln(value) from the quartiles of positive values in ascending order."""
    count = len(ordered)
    return math.log(ordered[3 * count // 4] / ordered[count // 4]) / IQR_TO_SD


def theil_sen(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Median of the slopes of all pairs; 0.0 when fewer than two different x are given."""
    slopes = [
        (ys[j] - ys[i]) / (xs[j] - xs[i])
        for i in range(len(xs))
        for j in range(i + 1, len(xs))
        if xs[j] != xs[i]
    ]
    return median(slopes) if slopes else 0.0


def mann_kendall(values: Sequence[float]) -> tuple[float, float]:
    """Trend test: z (positive when rising) and its two-sided p, normal approximation with ties."""
    count = len(values)
    if count < 3:
        return 0.0, 1.0
    score = 0
    for i, first in enumerate(values):
        for second in values[i + 1 :]:
            score += (second > first) - (second < first)
    variance = count * (count - 1) * (2 * count + 5) / 18
    ties: dict[float, int] = {}
    for value in values:
        ties[value] = ties.get(value, 0) + 1
    variance -= sum(t * (t - 1) * (2 * t + 5) for t in ties.values() if t > 1) / 18
    if variance <= 0 or score == 0:
        return 0.0, 1.0
    z = (score - math.copysign(1, score)) / math.sqrt(variance)
    return z, math.erfc(abs(z) / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive points: first and last step, their number, mean of ln(value), and the sums of
    squared (`square`) and absolute deviations (`away`) from that mean; when blocks are merged, the
    absolute ones stay those from each part's own mean, so that a trend does not count as scatter.
    They are raised by what a part's mean takes from them.
    """

    first: int
    last: int
    count: int
    mean: float
    square: float
    away: float = 0.0

    def __add__(self, other: Block) -> Block:
        count = self.count + other.count
        gap = other.mean - self.mean
        return Block(
            self.first,
            other.last,
            count,
            self.mean + gap * other.count / count,
            self.square + other.square + gap * gap * self.count * other.count / count,
            self.away + other.away,
        )


class LogBlocks:
    """A positive series as at most MOST blocks of ln(value), amortised O(1) a point.

    Values that are NaN, infinite, zero or negative have no logarithm and are left out. Points are
    taken in the order in which they come; after a resume some steps come twice. `width` is the
    number of points of a block, `each` that of the steps that one point stands for. `opening`
    keeps the first blocks at the first width, which merging would blur.
    """

    def __init__(self, width: int = 20, opening: int = 12, each: int = 1) -> None:
        self.width = self.first_width = width
        self.each = each
        self.blocks: list[Block] = []
        self.opening: list[Block] = []
        self.revision = 0
        self.count = 0
        self._keep = opening
        self._open: Block | None = None
        self._steps: list[int] = []
        self._logs: list[float] = []

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points in order."""
        if not values:
            return
        if not finite(values) or min(values) <= 0.0:
            usable = [i for i, v in enumerate(values) if v > 0.0 and v - v == 0.0]
            steps = [steps[i] for i in usable]
            values = [values[i] for i in usable]
        self.count += len(values)
        logs, places = self._logs, self._steps
        logs.extend(map(math.log, values))
        places.extend(steps)
        begin, size, cell = 0, len(logs), min(self.width, CELL)
        while size - begin >= cell:
            end = begin + cell
            self._reduce(places[begin], places[end - 1], logs[begin:end])
            begin, cell = end, min(self.width, CELL)
        if begin:
            del logs[:begin], places[:begin]

    def _reduce(self, first: int, last: int, logs: list[float]) -> None:
        count = len(logs)
        mean = sum(logs) / count
        square = max(0.0, math.hypot(*logs) ** 2 - count * mean * mean)
        # about their own mean points lie nearer together than about the true one
        away = sum([abs(value - mean) for value in logs]) * math.sqrt(count / max(1, count - 1))
        block = Block(first - self.each + 1, last, count, mean, square, away)
        if self._open is not None:
            block = self._open + block
        if block.count < self.width:
            self._open = block
            return
        self._open = None
        self.revision += 1
        if len(self.opening) < self._keep:
            self.opening.append(block)
        blocks = self.blocks
        blocks.append(block)
        if len(blocks) >= MOST:
            self.blocks = [blocks[i] + blocks[i + 1] for i in range(0, len(blocks) - 1, 2)]
            self.width *= 2


def groups(blocks: Sequence[Block], size: int) -> list[Block]:
    """Blocks merged by `size`, counted from the newest, so that the last group is whole."""
    if size <= 1:
        return list(blocks)
    result: list[Block] = []
    for end in range(len(blocks), size - 1, -size):
        merged = blocks[end - size]
        for block in blocks[end - size + 1 : end]:
            merged = merged + block
        result.append(merged)
    result.reverse()
    return result


def scatter(blocks: Sequence[Block]) -> float:
    """Standard deviation of single points of ln(value), pooled within blocks, so that a trend from
    block to block does not count as noise (a median over blocks would be too low for skewed ones).
    """
    freedom = sum(b.count - 1 for b in blocks)
    return math.sqrt(sum(b.square for b in blocks) / freedom) if freedom else 0.0


def between(blocks: Sequence[Block]) -> float:
    """Standard deviation of a block mean, from successive differences, so that a trend does not
    count as noise: robust, and right for autocorrelated points too; 0.0 for fewer than 2 blocks."""
    steps = [abs(b.mean - a.mean) for a, b in pairwise(blocks)]
    return MAD_TO_SD * median(steps) / math.sqrt(2) if steps else 0.0


def windows(blocks: Sequence[Block], size: int) -> list[float]:
    """Means of every run of `size` consecutive blocks, by where it begins."""
    means = [b.mean for b in blocks]
    total = sum(means[:size])
    result = [total / size] if len(means) >= size else []
    for i in range(size, len(means)):
        total += means[i] - means[i - size]
        result.append(total / size)
    return result


def at_step(steps: Sequence[int], step: int) -> int:
    """Index of the first of ascending `steps` that is not before `step`."""
    return bisect_left(steps, step)
