"""Where time comes from, so that a replay and a test have a time of their own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock in seconds since the epoch."""

    def now(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds
