"""What the learning rate has done: its peak, where its schedule began anew, and where it ended."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.facts import RunFacts
from loratui.core.statistics import finite

FALLEN, RISEN = 0.5, 0.7
"""Shares of its peak below which a rate has come down, and above which it has begun anew."""

ENDED = 0.05
"""Share of its peak below which a schedule is at its end."""

KEPT = 64
"""Restarts that are kept."""


class Schedule:
    """Follows the printed rate.

    `restarts` are the steps at which it rose again after it had come down, each with the step at
    which it was down once more (None: not yet). `end` is the step since when next to nothing is
    left of it, None while there is; `known` says that any rate was printed.
    """

    def __init__(self) -> None:
        self.known = False
        self.peak = 0.0
        self.restarts: list[tuple[int, int | None]] = []
        self.end: int | None = None
        self._low = False

    def high_since(self, step: int) -> int | None:
        """Where the last restart up to `step` began, if the rate has not come down since."""
        for begin, down in reversed(self.restarts):
            if begin <= step:
                return begin if down is None or down > step else None
        return None

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take new points; those that are not finite are left out."""
        if not values:
            return
        if not finite(values):
            kept = [i for i, v in enumerate(values) if v - v == 0.0]
            steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            if not values:
                return
        self.known = True
        high, low = max(values), min(values)
        if not self._low and high <= self.peak and low >= FALLEN * self.peak:
            return
        if high < ENDED * self.peak and self._low and self.end is not None:
            return
        for step, value in zip(steps, values, strict=True):
            self._point(step, value)

    def _point(self, step: int, value: float) -> None:
        if value > self.peak:
            self.peak = value
        if value < FALLEN * self.peak:
            if not self._low and self.restarts:
                self.restarts[-1] = (self.restarts[-1][0], step)
            self._low = True
            if value >= ENDED * self.peak:
                self.end = None
            elif self.end is None:
                self.end = step
        elif self._low and value >= RISEN * self.peak:
            self._low, self.end = False, None
            self.restarts.append((step, None))
            del self.restarts[:-KEPT]


def restarts(facts: RunFacts) -> bool:
    """Whether the configuration asks for a schedule that begins anew several times."""
    name = str(facts.config.get("lr_scheduler") or "").lower()
    return "restart" in name or "cycl" in name


def planned(facts: RunFacts, total: int | None, step: int) -> int | None:
    """Where the configuration has the last restart up to `step` begin, if the rate is still above
    half of its peak; None where it does not tell."""
    cycles = facts.config.number("lr_cycles")
    if not total or cycles is None or not 2 <= cycles <= total or not restarts(facts):
        return None
    warmup = facts.config.number("warmup_steps") or 0.0
    begin = warmup if 1 <= warmup < total else warmup * total if 0 < warmup < 1 else 0.0
    length = (total - begin) / cycles
    number = int((step - begin) / length)
    start = begin + number * length
    return round(start) if number >= 1 and step - start <= length / 2 else None
