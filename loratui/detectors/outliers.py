"""Single values of a noisy positive series that lie far above the rest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from loratui.core.statistics import finite, median, quartile_spread

NEED = 60
"""Points before the noise is known well enough."""

WINDOW = 101
"""Points of the rolling median and spread."""

CHUNK = 50
"""Points that are compared with the same median: bounds the work, and a batch of any size gives
the same answer."""

LIMIT = 5.5
"""Standard deviations of ln(value); 3.5, the textbook value, is reached by every healthy run."""

SPREADS = 9
"""Chunks whose spreads are pooled (their median): one window of 101 knows its spread to 12 %."""

MEMORY = 800
"""Points kept to see whether values almost as high are usual here (heavy tails, mixed sizes)."""

USUAL = 3

ABOVE = 2.5
"""Times the highest of earlier values, as far back as CHUNKS goes."""

CHUNKS = 200
"""Chunks whose highest values are kept: 10 000 points."""

CHANCE = 1 / 100
"""Probability that any value of a run that is no outlier exceeds the bound."""

QUARTILES = 1.5725
"""Distance of the quartiles of a Gumbel distribution, in its scale."""

NORMAL_SCALE = 0.43
"""Scale of the distribution of the highest of 50 normal values, in their standard deviations."""

PRIOR = 12
"""Chunks that the normal distribution counts for when that scale is estimated."""

PASSED = 20
"""Chunks after which an outlier no longer stands for a change."""

KEPT = 64
"""Steps of outliers that are kept."""


@dataclass(slots=True)
class Outliers:
    """Those found so far; `step`, `value`, `median` are of the one that is highest over its
    median, `steps` the newest ones."""

    count: int = 0
    first: int = 0
    newest: int = 0
    step: int = 0
    value: float = 0.0
    median: float = 0.0
    ratio: float = 0.0
    steps: list[int] = field(default_factory=list)

    def add(self, step: int, value: float, middle: float, ratio: float) -> None:
        """Take note of one."""
        if not self.count:
            self.first = step
        self.count += 1
        self.newest = step
        self.steps.append(step)
        del self.steps[:-KEPT]
        if ratio > self.ratio:
            self.step, self.value, self.median, self.ratio = step, value, middle, ratio

    def burst(self, number: int, span: int) -> bool:
        """Whether `number` of them ever came within `span` steps."""
        steps = self.steps
        late = zip(steps, steps[number - 1 :], strict=False)
        return any(end - begin <= span for begin, end in late)


def highest_by_chance(highs: Sequence[float], deviation: float) -> float:
    """ln of the ratio to the median that no value of the tail seen so far should exceed.

    `highs` are those of the highest value of each chunk. Their scale, drawn towards that of normal
    values while there are few, tells how heavy the tail is: beyond them it goes down exponentially,
    for a normal tail faster. With 40 chunks of a normal that gives six standard deviations.
    """
    count = len(highs)
    ordered = sorted(highs)
    wide = ordered[3 * count // 4] - ordered[count // 4] if count > 2 else 0.0
    weight = count if count > 2 else 0
    scale = (weight * wide / QUARTILES + PRIOR * NORMAL_SCALE * deviation) / (weight + PRIOR)
    middle = ordered[count // 2] if count else 2.25 * deviation
    return middle + scale * math.log(max(1, count) / CHANCE)


class Watch:
    """Looks for values more than `times` the rolling median and LIMIT standard deviations of
    ln(value) above it, that are not matched by other values of the run nor explained by its tail.

    `found` holds the outliers, `values` and `steps` the newest points, `limit` the value above
    which a point is looked at, `deviation` the noise of ln(value).
    """

    def __init__(self, times: float) -> None:
        self.found = Outliers()
        self.values: list[float] = []
        self.steps: list[int] = []
        self.seen = 0
        self.limit = math.inf
        self.deviation = 0.0
        self.median = math.nan
        self._times = times
        self._left = NEED
        self._spreads: list[float] = []
        self._highs: list[float] = []
        self._out: list[float] = []  # outliers in this chunk
        self._late: deque[float] = deque([-math.inf] * PASSED)  # the highest of past chunks

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take points; those that are not finite and positive are left out."""
        if not values:
            return
        if not finite(values) or min(values) <= 0.0:
            kept = [i for i, v in enumerate(values) if v > 0.0 and v - v == 0.0]
            steps, values = [steps[i] for i in kept], [values[i] for i in kept]
        begin, size = 0, len(values)
        while begin < size:
            end = min(size, begin + self._left)
            part, places = values[begin:end], steps[begin:end]
            if max(part) > self.limit:
                self._exceeding(places, part)
            self.values += part
            self.steps += places
            self.seen += end - begin
            self._left -= end - begin
            begin = end
            if not self._left:
                self._left = CHUNK
                self._chunk()

    def _exceeding(self, steps: Sequence[int], values: Sequence[float]) -> None:
        bound = ABOVE * self.median * math.exp(min(300.0, max(self._highs, default=-300.0)))
        for i, value in enumerate(values):
            if value <= max(self.limit, bound):
                continue
            bar = 0.6 * value
            near = self.values[-MEMORY:]
            usual = sum(other > bar for other in near) + sum(v > bar for v in values[:i])
            if usual > USUAL:
                continue
            above = math.log(value / self.median)
            wide = LIMIT * quartile_spread(sorted(near))
            if above > max(wide, highest_by_chance(self._highs, self.deviation)):
                self.found.add(steps[i], value, self.median, value / self.median)
                self._out.append(value)

    def _chunk(self) -> None:
        """A chunk is complete: median, spread and what is needed for the next one."""
        if len(self.values) > 2 * MEMORY:
            del self.values[:-MEMORY], self.steps[:-MEMORY]
        window = sorted(self.values[-WINDOW:])
        self.median = window[len(window) // 2]
        self._spreads.append(quartile_spread(window))
        del self._spreads[:-SPREADS]
        self.deviation = median(self._spreads)
        # Little is known of the spread at first.
        limit = LIMIT if len(self._spreads) > 2 else LIMIT + 1
        self.limit = self.median * max(self._times, math.exp(min(300.0, limit * self.deviation)))
        chunk = self.values[-CHUNK:]
        high = math.log(max(self._out) / self.median) if self._out else -math.inf
        if self._out:
            chunk = sorted(chunk)[: -len(self._out)] or chunk
            self._out.clear()
        self._highs.append(math.log(max(chunk) / self.median))
        self._late.append(high)
        # once it has stayed alone an outlier counts as part of the tail
        if (passed := self._late.popleft()) > self._highs[-1]:
            self._highs[-1] = passed
        del self._highs[:-CHUNKS]
