"""Whether a memory fills up while training goes on."""

from __future__ import annotations

from dataclasses import dataclass

from loratui.detectors.base import View
from loratui.detectors.readings import Lows, gigabytes

SETTLING = 300.0
"""Seconds of training in which caches fill and kernels are chosen."""

SHARE = 0.25
"""Share of the run after which memory counts as settled, even within the first epoch."""

LONGER = 2.0
"""How many times as long as it took to settle memory must have risen since: what still settles does
so more and more slowly."""

RISE = 0.05
"""Share of the whole memory by which the lows must have risen. SageMaker's profiler warns from 5 %
more GPU memory."""

SOON = 7200.0
"""Seconds within which it must be full where it is not known how long the run still takes."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A memory that fills up: bytes at first, now, in all and more every hour; minutes left."""

    since: int
    first: float
    now: float
    total: float
    hourly: float
    minutes: int

    def numbers(self) -> dict[str, object]:
        """For the sentences of the catalogue, in GB."""
        return {
            "first": gigabytes(self.first),
            "now": gigabytes(self.now),
            "total": gigabytes(self.total),
            "rise": gigabytes(self.now - self.first),
            "hourly": gigabytes(self.hourly),
            "minutes": self.minutes,
        }


class Filling:
    """One memory during training; `least` is how many seconds a trend needs.

    The first epoch or part of the run, in which every image size is met, does not count. A rise is
    one only if it has lasted, and would reach the end of the memory before the last step.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._lows = Lows()
        self._settling = 0.0
        self._first: int | None = None
        self._from: tuple[int, float] | None = None  # a step, and training time when it was made
        self._time = 0.0
        self._judged = -1
        self.rise: Rise | None = None

    def add(self, used: float, total: float, view: View, seconds: float) -> None:
        """`used` of `total` bytes were in use for `seconds` of training."""
        step = view.step or 0
        self._time += seconds
        if self._from is None:
            if self._first is None:
                self._first = step
            if self._settled(view, step - self._first):
                self._from = step, self._time
            return
        self._lows.add(used, seconds, step)
        if self.ready and self._judged != self._lows.revision:
            self._judged = self._lows.revision
            self.rise = self._risen(total, view)

    @property
    def ready(self) -> bool:
        """Whether enough was seen for a verdict."""
        begun = self._from[1] if self._from is not None else 0.0
        return self._lows.seconds >= max(self._least, LONGER * begun)

    def _settled(self, view: View, steps: int) -> bool:
        length = view.total or view.facts.total_steps
        waits = [view.facts.steps_per_epoch, round(SHARE * length) if length else None]
        return self._time >= SETTLING and steps >= min((w for w in waits if w), default=0)

    def _risen(self, total: float, view: View) -> Rise | None:
        trend, cells = self._lows.rise(), self._lows.cells
        if trend is None or trend[0] < RISE * total:
            return None
        now, slope = cells[-1][1], trend[1]
        seconds = max(0.0, (total - now) / slope)
        remaining = self._remaining(view)
        if seconds >= (SOON if remaining is None else remaining):
            return None
        return Rise(cells[0][2], cells[0][1], now, total, 3600 * slope, round(seconds / 60))

    def _remaining(self, view: View) -> float | None:
        """Seconds of training that are left, None where that is not known."""
        length, step = view.total or view.facts.total_steps, view.step
        if length is None or step is None or self._from is None:
            return None
        first, begun = self._from
        done, spent = step - first, self._time - begun
        return max(0, length - step) * spent / done if done > 0 else None
