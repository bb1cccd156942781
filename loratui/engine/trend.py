"""Which way the loss goes just now, for the arrow in the status line: never a finding."""

from __future__ import annotations

import math

from loratui.core.series import Series

LEAST = 0.05
"""A move of the mean of ln(loss) below this is not shown, however sure it is."""


class Trend:
    """Compares the newest fifth of the last 200 losses with the rest; remembers its answer."""

    def __init__(self) -> None:
        self._known = (-1, 0)

    def of(self, series: Series | None) -> int:
        """-1, 0 or 1: falling, neither, rising by more than three standard errors."""
        if series is None:
            return 0
        if series.revision != self._known[0]:
            self._known = (series.revision, _direction(series.tail(200)[1]))
        return self._known[1]


def _direction(losses: list[float]) -> int:
    values = [math.log(loss) for loss in losses if math.isfinite(loss) and loss > 0]
    if len(values) < 50:
        return 0
    cut = len(values) * 4 // 5
    old, new = values[:cut], values[cut:]
    mean = sum(old) / len(old)
    spread = math.sqrt(sum((value - mean) ** 2 for value in old) / (len(old) - 1))
    shift = sum(new) / len(new) - mean
    if abs(shift) < max(LEAST, 3 * spread / math.sqrt(len(new))):
        return 0
    return 1 if shift > 0 else -1
