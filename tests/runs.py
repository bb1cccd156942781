"""The recorded runs under tests/fixtures/runs and what is true of them."""

from __future__ import annotations

from pathlib import Path

from loratui.core.events import Batch, Event, Metrics, Progress
from loratui.trainers.reading.reader import Reader

FIXTURES = Path(__file__).parent / "fixtures"
RUNS = FIXTURES / "runs"


def log(name: str) -> Path:
    """A recorded log by `trainer/case`."""
    return RUNS / f"{name}.log"


def read(data: bytes, *, size: int = 65536, source: str = "log") -> tuple[Reader, list[Event]]:
    """All events of `data`, fed in pieces of `size` bytes."""
    reader = Reader(source)
    events: list[Event] = []
    for begin in range(0, len(data), size):
        events += reader.feed(Batch(source, begin, data[begin : begin + size], 0.0))
    return reader, events + reader.flush()


def series(events: list[Event], name: str) -> list[tuple[int, float]]:
    """(step, value) of one series over all events."""
    return [
        point
        for event in events
        if isinstance(event, Metrics) and event.name == name
        for point in zip(event.steps, event.values, strict=True)
    ]


def progress(events: list[Event]) -> Progress:
    """The newest state of the bar."""
    return [event for event in events if isinstance(event, Progress)][-1]
