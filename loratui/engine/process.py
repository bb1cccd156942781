"""The process of the watched run: which it is, and whether it still lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from loratui.core.running import FoundRun

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


def writer_of(log: Path, runs: Iterable[FoundRun]) -> FoundRun | None:
    """The live run on this box whose output goes to `log`; None where that is not one alone."""
    try:
        wanted = log.resolve()
        found = [
            run
            for run in runs
            if run.live
            and not run.foreign
            and any(
                place is not None and place.where and Path(place.where).resolve() == wanted
                for place in (run.log, run.other_log)
                if place is not None and place.kind in ("file", "tee")
            )
        ]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None
