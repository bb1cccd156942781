"""The losses behind a running mean over one epoch.

sd-scripts and musubi-tuner print the mean over the slots of one epoch (LossRecorder in
library/train_util.py): a step's loss takes the place of the one that an epoch earlier had the same
slot. So E (m_b - m_a) is the sum of the losses of the steps a to b less that of the same steps an
epoch before, and while the first epoch fills, k m_k is the sum of all so far. Means over a part of
an epoch can therefore be had back, but for the three digits that are printed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from operator import lt

from loratui.core.statistics import finite

PARTS = 16
"""Parts of an epoch that are told apart; rounding hides more."""

SHORTEST = 5
"""Least steps of a part."""

DIGITS = 3
"""Significant digits that are printed (tqdm formats numbers in a bar by %.3g)."""

FLOOR = 0.05
"""Least loss of a part, as a share of the median of the last: rounding can leave nothing."""

UNSURE = 0.4
"""Standard error by rounding, as a share of that median, above which a part is left out: beside a
loss a thousand times as high the digits of the mean say nothing of the others for an epoch."""

LOWEST, HIGHEST = 1e-12, 1e12
"""No mean of losses lies outside; squares must be numbers still."""

LEARNT = 4
"""Epochs over whose parts their variance is estimated."""

ENOUGH = 64
"""Pairs of successive changes that tell whether the epoch is the right one."""

ERRORS = 4.0
"""Standard errors by which they must be off."""

RECENT = 15
HIGH = 6.0
"""Times the median of so many parts that one of them may be: of a few losses a single one makes the
mean, and its logarithm would weigh as much as those of all the others."""

NEGATIVE = 6.0
"""Standard errors below zero that rounding cannot explain."""

SURE = 0.7
"""Share of the variance that must not come from rounding for that test."""


def rounding(value: float) -> float:
    """The step from one printed number to the next."""
    return 10.0 ** (math.floor(math.log10(value)) + 1 - DIGITS)


def until_broken(values: Sequence[float]) -> int:
    """How many values come before the first one that is no mean of losses."""
    if finite(values) and min(values) > LOWEST and max(values) < HIGHEST:
        return len(values)
    return next(at for at, value in enumerate(values) if not LOWEST < value < HIGHEST)


class RunningMean:
    """Gives back the mean losses of the parts of each epoch.

    `epoch` is the number of steps in the mean, `first` the first step that comes. `fills` is how
    the mean begins: anew with that step (0), filled already (1: from the middle of a run), or,
    where a run goes on within an epoch, filled for certain only two epochs later (2). The estimate
    of a part is drawn towards the mean of its epoch by as much as rounding has made it unsure,
    because its error would grow with every epoch else. `part` is the number of steps of a part,
    rounded
    down. `lost` is true once the series is no mean over `epoch` steps, or has gaps; `over` once it
    holds a NaN, which stays in it for ever.
    """

    def __init__(self, epoch: int, first: int, fills: int = 0) -> None:
        self.epoch = epoch
        count = max(1, min(PARTS, epoch // SHORTEST))
        self.part = epoch // count
        self.lost = self.over = False
        self._ends = [round(epoch * (i + 1) / count) for i in range(count)]
        self._fills = fills
        self._known = fills + 1 if fills else 0  # rounds before the parts are worth something
        self._begin = first - 1  # step before the present epoch
        self._round = 0
        self._at = 0  # part that comes next
        self._step, self._value = first - 1, math.nan
        self._bound, self._rounding = math.nan, 0.0  # mean where the last part ended
        self._quantum = 1.0
        self._parts = [math.nan] * count
        self._errors = [0.0] * count  # their variances
        self._beside = 0.0  # what came in less what went out, in the part before
        self._change = [0.0] * count  # the same one epoch ago, less that of the part before
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._variance = 0.0  # of a part, over the square of the mean
        self._seen = 0
        self._pairs = self._against = self._wider = 0
        self._sure = 0.0

    def extend(
        self, steps: Sequence[int], values: Sequence[float]
    ) -> tuple[list[int], list[float]]:
        """Take points; gives the last steps and the mean losses of the parts that they complete."""
        ends: list[int] = []
        means: list[float] = []
        if self.lost or self.over or not values:
            return ends, means
        usable = until_broken(values)
        if usable < len(values):
            self.over = True
            steps, values = steps[:usable], values[:usable]
        if not values:
            return ends, means
        if steps[0] <= self._step or not all(map(lt, steps, steps[1:])):
            self.lost = True
            return ends, means
        size, at = len(values), 0
        while not self.lost:
            end = self._begin + self._ends[self._at]
            at = bisect_left(steps, end, at)
            if at >= size:
                break
            before = (steps[at - 1], values[at - 1]) if at else (self._step, self._value)
            found = self._part(end, before, (steps[at], values[at]))
            if found is not None:
                ends.append(end)
                means.append(found)
        self._step, self._value = steps[-1], values[-1]
        return ends, means

    def _part(self, end: int, before: tuple[int, float], after: tuple[int, float]) -> float | None:
        """The part that ends at step `end`, whose mean lies between two points."""
        gap = after[0] - before[0]
        mean = after[1]
        if after[0] != end:
            if gap > max(1, self.part // 2) or before[1] != before[1]:
                self.lost = True
                return None
            mean = before[1] + (mean - before[1]) * (end - before[0]) / gap
        at, last = self._at, self._bound
        self._bound = mean
        begin = self._ends[at - 1] if at else 0
        length = self._ends[at] - begin
        if not 100 <= mean / self._quantum < 1000:
            self._quantum = rounding(mean)
        hidden = self._quantum**2 / 12
        unsure, self._rounding = self._rounding + hidden, hidden
        if self._round >= max(1, self._fills):
            found = self._next(mean, last, length, unsure)
        elif not self._fills:
            upto = self._ends[at]
            found = (upto * mean - (begin * last if at else 0.0)) / length
            self._errors[at] = (upto * upto + begin * begin) / length**2 * hidden
            self._learn(found, mean, self._errors[at])
            if found < -NEGATIVE * math.sqrt(self._errors[at]):
                self.lost = True  # no loss is negative: the epoch is over already
        else:
            found = mean
            self._errors[at] = mean * mean / length
            self._variance = 1 / length
        self._parts[at] = found
        known = self._round >= self._known
        self._at += 1
        if self._at == len(self._ends):
            self._at = 0
            self._round += 1
            self._begin += self.epoch
        if not known:
            return None
        recent = sorted(self._recent)
        middle = recent[len(recent) // 2] if recent else found
        if self._errors[at] > (UNSURE * middle) ** 2:
            return None
        self._recent.append(found)
        return max(min(found, HIGH * middle), FLOOR * middle)

    def _next(self, mean: float, last: float, length: int, hidden: float) -> float:
        """A part from the same part one epoch before and the change of the mean."""
        at = self._at
        change = self.epoch * (mean - last) / length
        unsure = (self.epoch / length) ** 2 * hidden
        seen = self._parts[at] + change
        self._check(change, seen, unsure, mean)
        error = self._errors[at] + unsure
        self._learn(seen, mean, error)
        usual = max(self._variance * mean * mean, 0.5 * error)
        weight = usual / (usual + error)
        self._errors[at] = weight * error
        return mean + weight * (seen - mean)

    def _learn(self, seen: float, mean: float, error: float) -> None:
        away = min(9.0, (seen / mean - 1) ** 2) - error / (mean * mean)
        self._seen += 1
        rate = 1 / min(self._seen, LEARNT * len(self._ends) + 8)
        self._variance = max(1e-5, self._variance + rate * (away - self._variance))

    def _check(self, change: float, seen: float, unsure: float, mean: float) -> None:
        """Whether the epoch is the right one, whatever the losses' distribution.

        A part b took the place of a, and c that of b an epoch later: of three equal draws the one
        in the middle is the highest or the lowest two times of three, and then b - a and c - b
        differ in sign; of four unrelated ones only one time of two (here each is the difference of
        a part from its neighbour). And neighbouring parts differ
        by more than what a part changes one time of two, but ever more often when a wrong epoch
        lets the parts drift.
        """
        at = self._at
        beside, self._beside = self._beside, change
        if not at:
            return
        # less what its neighbour changes, so that a loss that rises does not count
        last, self._change[at] = self._change[at], change - beside
        if not last:
            return
        self._pairs += 1
        self._against += (change < beside) is not (last < 0.0)
        self._wider += abs(seen - self._parts[at - 1]) > abs(change)
        usual = self._variance * mean * mean
        self._sure += usual / (usual + unsure)
        if self._pairs % ENOUGH:
            return
        sure = self._sure / self._pairs
        error = 0.5 / math.sqrt(self._pairs)
        apart = self._against / self._pairs - 0.5
        drift = self._wider / self._pairs - 0.5
        unrelated = apart < sure / 6 - ERRORS * error and apart < sure / 12
        if sure > SURE and (unrelated or drift > max(0.15, ERRORS * error)):
            self.lost = True
