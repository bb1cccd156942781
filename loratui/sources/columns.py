"""Points on their way from a file into `Metrics`: columns that are handed on at each poll."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from operator import le

from loratui.core.events import Metrics

WALL_TIME = "wall_time"
"""Name of the series of wall-clock times in seconds since the epoch."""
MOST = 4096
"""Series of one file; a file with more is no training log, and its further ones are left out."""

Add = tuple[
    Callable[[int], None],
    Callable[[float], None],
    Callable[[int], None],
    Callable[[float], None] | None,
]
"""How a point is added: step, value, offset, and wall time where that is kept."""


class Series:
    """Columns of one series since the last poll; a `timed` one keeps wall times beside them."""

    def __init__(self, name: str, *, timed: bool = False) -> None:
        self.name = name
        self.timed = timed
        self.steps, self.offsets = array("q"), array("q")
        self.values, self.times = array("d"), array("d")
        self.add: Add = (
            self.steps.append,
            self.values.append,
            self.offsets.append,
            self.times.append if timed else None,
        )

    def take(self, source: str) -> Iterator[Metrics]:
        """All points, as one event for each ascending stretch; the columns are empty after it."""
        for begin, end in stretches(self.steps):
            steps, offsets = self.steps[begin:end], self.offsets[begin:end]
            yield Metrics(source, offsets[0], self.name, steps, self.values[begin:end], offsets)
            if self.timed:
                times = self.times[begin:end]
                yield Metrics(source, offsets[0], WALL_TIME, steps, times, offsets)
        for column in (self.steps, self.values, self.offsets, self.times):
            del column[:]


def stretches(steps: array[int]) -> Iterator[tuple[int, int]]:
    """(begin, end) of the parts of `steps` that do not go back."""
    if not steps:
        return
    if all(map(le, steps, islice(steps, 1, None))):
        yield 0, len(steps)
        return
    begin = 0
    for at in range(1, len(steps) + 1):
        if at == len(steps) or steps[at] < steps[at - 1]:
            yield begin, at
            begin = at


class Table:
    """Series by name, as they turn up."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self.crowded = False

    def add(self, name: str, step: int, value: float, offset: int) -> None:
        """One point; those of a series too many are dropped and `crowded` is set."""
        series = self._series.get(name)
        if series is None:
            if len(self._series) >= MOST:
                self.crowded = True
                return
            series = self._series[name] = Series(name)
        series.add[0](step)
        series.add[1](value)
        series.add[2](offset)

    def take(self, source: str) -> list[Metrics]:
        """All points since the last call, by series."""
        return [event for series in self._series.values() for event in series.take(source)]
