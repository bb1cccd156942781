"""ai-toolkit's ``loss_log.db``, read beside the run that writes it, without a trace.

Tables (toolkit/logging_aitk.py, UILogger): ``steps(step, wall_time)``, ``metrics(step, key,
value_real, value_text)``. A NaN is stored as NULL in both values. The metrics of a step and its
row in ``steps`` are written in one transaction. When a run is resumed, rows behind its step are
deleted and the step itself is written again: then the series go back to it, and what follows
replaces the points from there on.

The database is in WAL mode, in which even a reader would create or change ``-wal`` and ``-shm``.
So it is opened with ``mode=ro`` and ``readonly_shm=1`` (sqlite: os_unix.c), as immutable where
there is no ``-wal``, and from a private copy where the ``-shm`` beside a ``-wal`` is missing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Literal

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Metrics, SourceChange
from loratui.sources.columns import MOST, WALL_TIME, Table
from loratui.sources.growing import BUDGET

_WAIT = 0.02  # seconds for a lock
_ROWS = 1000  # fetched between two looks at the time
_PATIENCE = 5  # polls in a row that find the database locked or torn before it is said
_COPY = 64 * 1024 * 1024  # bytes of the largest database that is copied
_TICK = 10_000  # instructions of sqlite between two looks at the time
_STAMPS = ("", "-wal")
_BEFORE = -(1 << 63)  # before any step

_HISTORY = """
    SELECT step, key, value_real, value_text FROM metrics
    WHERE (step, key) > (?, ?) ORDER BY step, key
"""
_TIMES = "SELECT step, wall_time FROM steps WHERE step > ? AND step <= ? ORDER BY step"
_LAST = "SELECT wall_time FROM steps WHERE step = ?"
_RANGE = "SELECT (SELECT min(step) FROM steps), (SELECT max(step) FROM steps)"
_KEPT = "SELECT max(step) FROM steps WHERE step < ? AND wall_time <= ?"


class LossLog:
    """One such database. Offsets are 0: a row has no place that could be shown."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self._path = path
        self._clock = clock or SystemClock()
        self._identity: tuple[int, int] | None = None
        self._stamp: object = None  # of the files as they were when all had been read
        self._failures = 0
        self._failing = ""
        self._missing = False
        self._forget()

    def _forget(self) -> None:
        self._table = Table()
        self._place: tuple[int, str] = (_BEFORE, "")  # step and key of the last row used
        self._timed = _BEFORE  # last step whose time was used
        self._time: float | None = None  # and that time, in seconds since the epoch
        self._share: float | None = None

    def poll(self) -> list[Metrics | SourceChange]:
        until = time.perf_counter() + BUDGET
        found: list[Metrics | SourceChange] = []
        try:
            stamp = self._look(found)
            if stamp == self._stamp:
                return found
            done = self._read(until)
            self._stamp = stamp if done else None
            self._failures, self._failing = 0, ""
        except FileNotFoundError:
            if not self._missing:
                self._missing = True
                found.append(self._change("gone", "was deleted or moved; waiting for it."))
        except sqlite3.Error as error:
            self._failed(str(error), _PATIENCE, found)
        except OSError as error:
            self._failed(error.strerror or str(error), 1, found)
        return found + self._table.take(self.name)

    def _failed(self, reason: str, patience: int, found: list[Metrics | SourceChange]) -> None:
        """A problem at once; said as a change when it has lasted for `patience` polls."""
        self._stamp = None
        self._failures = self._failures + 1 if reason == self._failing else 1
        self._failing = reason
        if self._failures == patience:
            found.append(self._change("unreadable", f"{reason}; trying again."))

    def _change(
        self, kind: Literal["gone", "back", "replaced", "unreadable"], detail: str
    ) -> SourceChange:
        joint = ": " if kind == "unreadable" else " "
        return SourceChange(self.name, kind, self._clock.now(), f"{self.name}{joint}{detail}")

    def _look(self, found: list[Metrics | SourceChange]) -> object:
        """The stamps of the database and its log; says what happened to the file."""
        status = os.stat(self._path)
        identity = (status.st_dev, status.st_ino)
        if self._missing:
            self._missing = False
            found.append(self._change("back", "is back."))
        if self._identity is not None and self._identity != identity:
            self._forget()
            self._stamp = None
            found.append(self._change("replaced", "was replaced by a new file."))
        self._identity = identity
        return [_stamp(Path(self.name + suffix)) for suffix in _STAMPS]

    def _read(self, until: float) -> bool:
        """Take rows until the time is over; whether all were taken."""
        with connected(self._path) as connection:
            connection.set_progress_handler(lambda: time.perf_counter() > until + BUDGET, _TICK)
            self._go_back(connection)
            with closing(connection.execute(_HISTORY, self._place)) as rows:
                done = False
                while not done and time.perf_counter() < until:
                    batch = rows.fetchmany(_ROWS)
                    done = len(batch) < _ROWS
                    for step, key, value, text in batch:
                        self._row(step, key, value, text)
            last = self._place[0] if done else self._place[0] - 1
            self._clock_times(connection, last)
            self._share = None if done else self._portion(connection)
        return done

    def _row(self, step: object, key: object, value: object, text: object) -> None:
        if not isinstance(step, int) or not isinstance(key, str):
            # sqlite lets any column hold anything; such a row cannot be asked to be passed
            raise sqlite3.DatabaseError("metrics holds rows of other types")
        self._place = step, key
        if value is None and text is None:
            self._table.add(key, step, float("nan"), 0)
        elif isinstance(value, (int, float)):
            self._table.add(key, step, float(value), 0)

    def _clock_times(self, connection: sqlite3.Connection, last: int) -> None:
        for step, wall in connection.execute(_TIMES, (self._timed, last)):
            if isinstance(wall, (int, float)):
                self._table.add(WALL_TIME, step, float(wall), 0)
                self._timed, self._time = step, float(wall)

    def _go_back(self, connection: sqlite3.Connection) -> None:
        """Step back behind the last step that was kept, if steps were deleted or written again."""
        if self._time is None:
            return
        row = connection.execute(_LAST, (self._timed,)).fetchone()
        if row is not None and row[0] == self._time:
            return
        kept = connection.execute(_KEPT, (self._timed, self._time)).fetchone()[0]
        kept = _BEFORE if kept is None else kept
        self._place, self._timed = (kept + 1, ""), kept
        row = connection.execute(_LAST, (kept,)).fetchone()
        self._time = row[0] if row is not None else None

    def _portion(self, connection: sqlite3.Connection) -> float:
        first, last = connection.execute(_RANGE).fetchone()
        if not isinstance(first, int) or not isinstance(last, int) or last <= first:
            return 0.0
        return min(1.0, max(0.0, (self._place[0] - first) / (last - first)))

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(path, sentence) for what cannot be read now."""
        found = []
        if self._failing:
            found.append((self.name, f"Not readable: {self._failing}."))
        if self._table.crowded:
            found.append((self.name, f"More than {MOST} keys; the others are left out."))
        return found

    def share(self) -> float | None:
        return self._share

    def over(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open between two polls."""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing beside `path` (see the head of this file)."""
    log = _stamp(Path(f"{path}-wal"))
    index = _stamp(Path(f"{path}-shm"))
    with ExitStack() as stack:
        options = "mode=ro&readonly_shm=1"
        if log is None or (log[0] == 0 and index is None):
            if _stamp(Path(f"{path}-journal")) is None:
                options = "mode=ro&immutable=1"
        elif index is None:
            if log[0] + os.path.getsize(path) > _COPY:
                raise OSError(0, "its -shm file is missing and it is too large to be copied")
            copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loratui-")))
            for suffix in _STAMPS:
                shutil.copyfile(f"{path}{suffix}", copy / f"copy.db{suffix}")
            path, options = copy / "copy.db", "mode=ro"
        uri = f"{path.absolute().as_uri()}?{options}"
        connection = sqlite3.connect(uri, timeout=_WAIT, uri=True, isolation_level=None)
        yield stack.enter_context(closing(connection))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of change in nanoseconds; None if there is no such file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
