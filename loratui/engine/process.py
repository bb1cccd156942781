"""The process of the watched run: whether it still lives."""

from __future__ import annotations

from collections.abc import Sequence

SLACK = 2.0
"""Seconds by which two readings of a process's start may differ."""


class RunProcess:
    """The trainer's process, known by its number and its start; `ranks` are all of the run's."""

    def __init__(self, pid: int, started: float, ranks: Sequence[int] = ()) -> None:
        self.pid = pid
        self.ranks = frozenset((pid, *ranks))
        self._started = started
        self._over = False

    def alive(self) -> bool:
        """Whether it is there and not just waiting to be collected; once gone it stays gone."""
        if self._over:
            return False
        import psutil  # only once a run was found by its process

        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self._started) <= SLACK
            self._over = not same or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            self._over = True
        except psutil.Error:
            return True  # it is there, and not ours to look at
        return not self._over
