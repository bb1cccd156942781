"""Speed of a run: the bar's own clock over its steps, without sampling, saving and caching."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

WINDOW = 120.0
"""Seconds of training that the present speed is taken over."""

STRETCH = 10.0
"""Seconds over which the duration of a step is taken: the clock counts whole seconds."""

LEAST = 5.0
"""Seconds below which a speed would be noise: the clock counts whole seconds."""


class Pace:
    """Feed it (step, elapsed) columns; pauses begin a new stretch."""

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque()
        self._known: float | None = None
        self._since: tuple[int, float] | None = None

    def pause(self) -> None:
        """Training is interrupted: the time until the next step is not training time."""
        self._settle()
        self._points.clear()
        self._since = None

    def stretches(
        self, steps: Sequence[int], elapsed: Sequence[float]
    ) -> tuple[list[int], list[float]]:
        """Last steps of stretches of at least STRETCH seconds, and seconds a step within each."""
        ends: list[int] = []
        seconds: list[float] = []
        at = 0
        while at < len(steps):
            since = self._since
            if since is None or steps[at] < since[0] or elapsed[at] < since[1]:
                since = self._since = (steps[at], elapsed[at])
            end = bisect_left(elapsed, since[1] + STRETCH, at)
            while end < len(steps) and steps[end] <= since[0]:
                end += 1
            if end >= len(steps):
                break
            ends.append(steps[end])
            seconds.append((elapsed[end] - since[1]) / (steps[end] - since[0]))
            self._since = (steps[end], elapsed[end])
            at = end + 1
        return ends, seconds

    def extend(self, steps: Sequence[int], elapsed: Sequence[float]) -> None:
        if self._points and (steps[0] < self._points[-1][0] or elapsed[0] < self._points[-1][1]):
            self._points.clear()
        # whole seconds: the ends of a column are enough
        for at in {0, len(steps) // 2, len(steps) - 1}:
            point = (steps[at], elapsed[at])
            if not self._points or point > self._points[-1]:
                self._points.append(point)
        while len(self._points) > 2 and self._points[-1][1] - self._points[1][1] > WINDOW:
            self._points.popleft()
        self._settle()

    def _settle(self) -> None:
        if len(self._points) < 2:
            return
        (first, begin), (last, end) = self._points[0], self._points[-1]
        if end - begin >= LEAST and last > first:
            self._known = (last - first) / (end - begin)

    def rate(self) -> float | None:
        """Steps per second, or None before there are enough seconds."""
        return self._known
