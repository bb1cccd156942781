"""How far a run is, from the end of its log alone."""

from __future__ import annotations

from pathlib import Path

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch
from loratui.core.snapshot import Status
from loratui.engine.run import Run
from loratui.engine.status import Growth, status_of
from loratui.sources.tail import Tail
from loratui.trainers.reading.reader import Reader


def run_of(batch: Batch) -> Run:
    """A run as the last piece of its log shows it; nobody is asked what is wrong with it."""
    reader, run = Reader(batch.source), Run(None, batch.source)
    run.apply(reader.feed(batch) + reader.flush(), batch.time)
    return run


def glimpse(path: Path, clock: Clock | None = None) -> Status | None:
    """The status that the end of the log at `path` shows; None when there is no step in it."""
    clock = clock or SystemClock()
    batch = Tail(path, clock).glance()
    if batch is None or not batch.data:
        return None
    status = status_of(run_of(batch), Growth(first=clock.now()), clock.now(), None)
    return status if status.step is not None else None
