"""Seconds a step within one run: how fast it was early on, and how fast it is now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import le
from typing import NamedTuple

from loratui.core.statistics import MAD_TO_SD, at_step, finite, median
from loratui.detectors.base import Detector, View

SLOWER = 1.5
SECONDS = 10.0
"""Least duration of a stretch: the bar shows whole seconds, so a shorter one says little."""

STEPS = 10
MOST = 64
NOW = 3
"""Newest stretches that say how fast it is now."""

BASELINE = (0.05, 0.20)
"""Share of the run that says how fast it was: past warm-up and compilation, before trouble."""

FIRST_SECONDS, FIRST_STEPS = 60.0, 30
"""What serves as the baseline when the run's length is not known."""

ERRORS = 5.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some steps without interruption between them: first and last step, number, seconds."""

    first: int
    last: int
    steps: int
    seconds: float

    @property
    def pace(self) -> float:
        """Seconds a step."""
        return self.seconds / self.steps

    def __add__(self, other: Stretch) -> Stretch:
        return Stretch(
            self.first, other.last, self.steps + other.steps, self.seconds + other.seconds
        )


class Change(NamedTuple):
    """Seconds a step `before` and `now`; `slower` is true where the change is beyond noise."""

    before: float
    now: float
    slower: bool


class Pace:
    """The bar's own clock over its steps, in stretches of at least 10 steps and 10 seconds.

    Intervals in which the trainer sampled, saved, cached or validated do not count. At most MOST
    stretches are kept; when there are so many, neighbours are merged.
    """

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.revision = 0
        self.step: int | None = None
        self.first: int | None = None
        self._width = STEPS
        self._elapsed = 0.0
        self._open_first = 0
        self._open_steps = 0
        self._open_seconds = 0.0
        self._pauses: list[int] = []
        self._seen: View | None = None

    def update(self, view: View) -> None:
        """Take what is new in a view, unless another detector has handed it on already."""
        if view is self._seen:
            return
        self._seen = view
        if view.pauses:
            self._pauses = sorted({*self._pauses, *view.pauses})
        columns = view.metrics.get("elapsed")
        if columns is None or not columns.values:
            return
        steps, values = columns.steps, columns.values
        if not finite(values):
            kept = [i for i, v in enumerate(values) if v - v == 0.0]
            steps, values = [steps[i] for i in kept], [values[i] for i in kept]
        self._take(steps, values)

    @property
    def now(self) -> float | None:
        """Median seconds a step of the newest stretches, None before there are enough."""
        newest = self.stretches[-NOW:]
        return median([s.pace for s in newest]) if len(newest) == NOW else None

    def baseline(self, total: int | None) -> list[Stretch]:
        """Stretches of early training; none while they are not complete."""
        first = self.first or 0
        if total is None or total <= first:
            steps, seconds, early = 0, 0.0, []
            for stretch in self.stretches[1:]:
                early.append(stretch)
                steps, seconds = steps + stretch.steps, seconds + stretch.seconds
                if steps >= FIRST_STEPS and seconds >= FIRST_SECONDS and len(early) >= NOW:
                    return early
            return []
        begin, end = (first + share * (total - first) for share in BASELINE)
        if not self.stretches or self.stretches[-1].last < end:
            return []
        return [s for s in self.stretches if s.first >= begin and s.last <= end]

    def change(self, total: int | None) -> Change | None:
        """Early training against the newest stretches, None while either is too short."""
        baseline = self.baseline(total)
        if len(baseline) < NOW:
            return None
        newest = [s for s in self.stretches[-NOW:] if s.first >= baseline[-1].last]
        if len(newest) < NOW:
            return None
        before = median([s.pace for s in baseline])
        now = median([s.pace for s in newest])
        if before <= 0.0 or now <= SLOWER * before:
            return Change(before, now, False)
        paces = [math.log(max(1e-9, s.pace)) for s in self.stretches]
        moves = [abs(b - a) for a, b in pairwise(paces)]
        error = MAD_TO_SD * median(moves) / math.sqrt(2)
        error *= math.sqrt(1 / len(baseline) + 1 / len(newest))
        steady = min(s.pace for s in newest) > math.sqrt(SLOWER) * before
        return Change(before, now, steady and math.log(now / before) > ERRORS * error)

    def _take(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Cut new points where the clock or the steps go back and where training paused."""
        if not values:
            return
        if self.first is None:
            self.first = steps[0]
        cuts = [0, len(values)]
        if not (all(map(le, values, values[1:])) and all(map(le, steps, steps[1:]))):
            backs = (
                i
                for i in range(1, len(values))
                if values[i] < values[i - 1] or steps[i] < steps[i - 1]
            )
            cuts[1:1] = backs
        for begin, end in pairwise(cuts):
            if self.step is not None and (
                values[begin] < self._elapsed or steps[begin] < self.step
            ):
                self.step = None  # the bar began anew; this interval has no length
            self._between_pauses(steps[begin:end], values[begin:end])

    def _between_pauses(self, steps: Sequence[int], values: Sequence[float]) -> None:
        begin, used = 0, 0
        for pause in self._pauses:
            if pause >= steps[-1]:
                break
            used += 1
            if self.step is not None and pause < self.step:
                continue
            end = at_step(steps, pause + 1)
            if end > begin:
                self._walk(steps[begin:end], values[begin:end])
                begin = end
            self.step = None
        del self._pauses[:used]
        if begin < len(steps):
            self._walk(steps[begin:], values[begin:])

    def _walk(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Points in unbroken order: cut them into stretches."""
        at = 0
        if self.step is None:
            self.step, self._elapsed = steps[0], values[0]
            at = 1
        size = len(steps)
        while at < size:
            if not self._open_steps:
                self._open_first = self.step
            # The first point at which enough steps and enough seconds have passed.
            by_step = at_step(steps, self.step + self._width - self._open_steps)
            until = self._elapsed + SECONDS - self._open_seconds
            by_time = _at_time(values, until)
            end = max(at, by_step, by_time)
            if end >= size:
                self._open_steps += steps[-1] - self.step
                self._open_seconds += values[-1] - self._elapsed
                self.step, self._elapsed = steps[-1], values[-1]
                return
            self._open_steps += steps[end] - self.step
            self._open_seconds += values[end] - self._elapsed
            self.step, self._elapsed = steps[end], values[end]
            self._close(steps[end])
            at = end + 1

    def _close(self, last: int) -> None:
        if self._open_steps > 0:
            self.stretches.append(
                Stretch(self._open_first, last, self._open_steps, self._open_seconds)
            )
            self.revision += 1
        self._open_steps, self._open_seconds = 0, 0.0
        if len(self.stretches) >= MOST:
            old = self.stretches
            self.stretches = [old[i] + old[i + 1] for i in range(0, len(old) - 1, 2)]
            self._width *= 2


class Paced(Detector):
    """A detector that looks at the speed of steps; those of one run share one pace."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__()
        self.pace = pace if pace is not None else Pace()


def _at_time(values: Sequence[float], until: float) -> int:
    """Index of the first of ascending values that is not before `until`."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < until:
            low = middle + 1
        else:
            high = middle
    return low
