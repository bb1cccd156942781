"""Files that a run puts into its output folders: checkpoints and sample images."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from loratui.core.clock import Clock, SystemClock

EVERY = 5.0
"""Seconds between looks."""

DEEP, MANY = 4, 5000
"""How far below a folder is looked, and at how many entries in one look."""

BUDGET = 0.05
"""Seconds of one look; the next goes on where it ended."""

_SKIPPED = frozenset((".git", "__pycache__", ".thumbs", ".tmp", "_latent_cache", "_t_e_cache"))


class NewFile(NamedTuple):
    """A file that is complete: its size was the same at two looks. `changed` is its time."""

    path: str
    size: int
    changed: float


class Artefacts:
    """Watches folders for files changed at `since` (seconds since 1970) or later.

    A file is told once it has stopped growing; one that changes later is told again.
    """

    def __init__(self, folders: Sequence[Path], since: float, clock: Clock | None = None) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self._since = since
        self._clock = clock or SystemClock()
        self._looked = float("-inf")
        self._growing: dict[str, tuple[int, float]] = {}
        self._told: dict[str, tuple[int, float]] = {}
        self._open: list[tuple[Path, int]] = []

    def poll(self) -> list[NewFile]:
        """The files that are complete since the last look."""
        now = self._clock.now()
        if not self._open:
            if now - self._looked < EVERY:
                return []
            self._looked = now
            self._open = [(folder, 0) for folder in self.folders]
        found: list[NewFile] = []
        until = time.perf_counter() + BUDGET
        left = MANY
        while self._open and left > 0 and time.perf_counter() < until:
            place, depth = self._open.pop()
            left -= self._look(place, depth, found)
        return sorted(found, key=lambda file: (file.changed, file.path))

    def _look(self, place: Path, depth: int, found: list[NewFile]) -> int:
        count = 0
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    count += 1
                    self._entry(entry, depth, found)
        except OSError:
            pass  # gone, or not ours to read: the next look tries again
        return max(1, count)

    def _entry(self, entry: os.DirEntry[str], depth: int, found: list[NewFile]) -> None:
        try:
            if entry.is_symlink():
                return
            if entry.is_dir():
                if depth < DEEP and entry.name not in _SKIPPED:
                    self._open.append((Path(entry.path), depth + 1))
                return
            status = entry.stat()
        except OSError:
            return
        seen = (status.st_size, status.st_mtime)
        if status.st_mtime < self._since or not status.st_size:
            return
        if self._told.get(entry.path) == seen:
            return
        if self._growing.get(entry.path) != seen:
            self._growing[entry.path] = seen  # it may still be written
            return
        del self._growing[entry.path]
        self._told[entry.path] = seen
        found.append(NewFile(entry.path, *seen))
