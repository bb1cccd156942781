"""Cuts what one batch held into short stretches of steps, as if it had been watched live.

A finding says when the data seen so far sufficed for it; read in one piece, a whole log would seem
to tell everything in its last step.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import le
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.detectors.base import Columns

LEAST = 10
"""Steps of a stretch in a short run."""

SHARE = 200
"""Stretches that a run is cut into, about: a finding's time is right to half a per cent."""


def width(step: int | None, total: int | None) -> int:
    """Steps of one stretch; of a run whose length is not known, by how far it is."""
    return max(LEAST, (total or 2 * (step or 0)) // SHARE)


def slices(metrics: Mapping[str, Columns], size: int) -> Iterator[tuple[int, dict[str, Columns]]]:
    """The last step of each stretch of `size` steps, and its points; one alone where steps go
    back within a series."""
    from loratui.detectors.base import Columns

    columns = [column for column in metrics.values() if column.steps]
    first = min((column.steps[0] for column in columns), default=0)
    last = max((column.steps[-1] for column in columns), default=0)
    if last - first < size or not all(_ascends(column.steps) for column in columns):
        yield last, dict(metrics)
        return
    at = dict.fromkeys(metrics, 0)
    until = first - first % size
    while until < last:
        until += size
        part: dict[str, Columns] = {}
        for name, column in metrics.items():
            begin = at[name]
            end = at[name] = bisect_right(column.steps, until, begin)
            if end > begin:
                part[name] = Columns(column.steps[begin:end], column.values[begin:end])
        if part:
            yield min(until, last), part


def _ascends(steps: Sequence[int]) -> bool:
    return all(map(le, steps, steps[1:]))
