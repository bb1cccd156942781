"""What the learning rate has done: its peak, and where its schedule began anew."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.facts import RunFacts
from loratui.core.statistics import finite

FALLEN, RISEN = 0.5, 0.7
"""Shares of its peak below which a rate has come down, and above which it has begun anew."""

ENDED = 0.05
"""Share of its peak below which a schedule is at its end."""


class Schedule:
    """Follows the printed rate. `restart` is the step at which it last rose again after it had come
    down, `low` whether it is down at present, `ended` whether next to nothing is left of it;
    `known` that any rate was printed."""

    def __init__(self) -> None:
        self.known = False
        self.peak = 0.0
        self.restart: int | None = None
        self.low = False
        self._last = 0.0

    @property
    def ended(self) -> bool:
        return self.known and self._last < ENDED * self.peak

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
        self._last = values[-1]
        high, low = max(values), min(values)
        if not self.low and high <= self.peak and low >= FALLEN * self.peak:
            return
        if high <= FALLEN * self.peak:
            self.low = True
            return
        for step, value in zip(steps, values, strict=True):
            if value > self.peak:
                self.peak = value
            if value < FALLEN * self.peak:
                self.low = True
            elif self.low and value >= RISEN * self.peak:
                self.low, self.restart = False, step


def restarts(facts: RunFacts) -> bool:
    """Whether the configuration asks for a schedule that begins anew several times."""
    name = str(facts.config.get("lr_scheduler") or "").lower()
    return "restart" in name or "cycl" in name

