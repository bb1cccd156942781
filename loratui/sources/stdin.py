"""Standard input, or any other pipe, read by a daemon thread."""

from __future__ import annotations

import os
import queue
import threading

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, SourceChange
from loratui.sources.base import CHUNK


class Pipe:
    """Bytes from a file descriptor that cannot be polled or sought.

    They are passed on unchanged to the descriptor `copy`, before anything else is done with them;
    when nobody reads there any more, reading goes on: the trainer must not notice.
    """

    def __init__(
        self, fd: int, name: str = "-", clock: Clock | None = None, copy: int | None = None
    ) -> None:
        self.name = name
        self._copy = copy
        self._fd = fd
        self._clock = clock or SystemClock()
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=256)
        self._offset = 0
        self._over = False
        self._thread = threading.Thread(target=self._read, name="stdin", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, CHUNK)
            except OSError:
                data = b""
            self._pass_on(data)
            self._queue.put(data or None)
            if not data:
                return

    def _pass_on(self, data: bytes) -> None:
        while data and self._copy is not None:
            try:
                data = data[os.write(self._copy, data) :]
            except OSError:
                self._copy = None

    def poll(self) -> list[Batch | SourceChange]:
        found: list[Batch | SourceChange] = []
        now = self._clock.now()
        while len(found) < 4:
            try:
                data = self._queue.get_nowait()
            except queue.Empty:
                break
            if data is None:
                self._over = True
                found.append(SourceChange(self.name, "end", now, "The input has ended."))
                break
            found.append(Batch(self.name, self._offset, data, now, fresh=True))
            self._offset += len(data)
        return found

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return self._over

    def close(self) -> None:
        """The thread is a daemon and may stay blocked in its read."""
