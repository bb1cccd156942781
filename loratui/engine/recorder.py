"""Records a watched run, so that a fault can be played again elsewhere."""

from __future__ import annotations

from pathlib import Path

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch
from loratui.core.facts import Machine
from loratui.errors import LoratuiError
from loratui.sources.recording import Header, Writer


class FileRecorder:
    """Writes each batch and machine state with the seconds since recording began.

    What was in the log before is written as one block at time 0.
    """

    def __init__(self, path: Path, name: str, clock: Clock | None = None) -> None:
        if path.exists():
            raise LoratuiError("File exists", f"{path} is there already.", "Choose another name.")
        self._clock = clock or SystemClock()
        self._begin = self._clock.now()
        try:
            self._writer = Writer(path, Header(name=name, title=f"recorded from {name}"))
        except OSError as error:
            raise LoratuiError(
                "Cannot write", f"{path}: {error.strerror or error}.", "Choose another folder."
            ) from None
        self._closed = False

    def batch(self, batch: Batch) -> None:
        if not self._closed:
            time = max(0.0, batch.time - self._begin) if batch.fresh else 0.0
            self._writer.data(time, batch.data)

    def machine(self, machine: Machine, time: float) -> None:
        if not self._closed:
            self._writer.machine(max(0.0, time - self._begin), machine)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._writer.close()
