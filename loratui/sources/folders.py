"""Finds files below a folder, a little at a time, again and again; a run's folder may be large."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from loratui.core.clock import Clock
from loratui.core.events import SourceChange

_DEPTH = 8
_FILES = 4096


class Finder:
    """Files below `root` whose name `wanted` accepts; links to folders are not followed.

    Looks again every `pause` seconds. `ready` once all has been seen and the root is there;
    `news` when the set of files differs from what `take` gave last.
    """

    def __init__(
        self, root: Path, wanted: Callable[[str], bool], pause: float, clock: Clock
    ) -> None:
        self.ready = False
        self.news = False
        self.problems: list[tuple[str, str]] = []
        self._root, self._wanted, self._pause, self._clock = root, wanted, pause, clock
        self._files: set[Path] = set()
        self._walk: Iterator[Path | None] | None = None
        self._seen: set[Path] = set()
        self._last: float | None = None
        self._missing = False

    @property
    def busy(self) -> bool:
        """Whether a first look has begun and is not over."""
        return self._walk is not None and not self.ready

    def poll(self, until: float) -> list[SourceChange]:
        """Look on until `until` (of `time.perf_counter`); what happened to the root."""
        now = self._clock.now()
        if self._walk is None:
            if self._last is not None and 0 <= now - self._last < self._pause:
                return []
            self._seen, self._walk = set(), self._below(self._root, _DEPTH)
            if not self._root.is_dir():
                self._walk, self._last, self.ready = None, now, False
                return self._root_gone(now)
        for path in self._walk:
            if path is not None:
                self._seen.add(path)
            if len(self._seen) >= _FILES:
                self._tell(self._root, f"More than {_FILES} files; the others are left out.")
                break
            if time.perf_counter() >= until:
                return []
        self._walk, self._last, self.ready = None, now, True
        self.news = self._seen != self._files
        if not self._missing:
            return []
        self._missing = False
        return [SourceChange(str(self._root), "back", now, f"{self._root} is back.")]

    def take(self) -> set[Path]:
        """All files found."""
        self.news, self._files = False, self._seen
        return self._files

    def _root_gone(self, now: float) -> list[SourceChange]:
        if self._missing:
            return []
        self._missing = True
        detail = f"{self._root} is no folder or was moved; waiting for it."
        return [SourceChange(str(self._root), "gone", now, detail)]

    def _below(self, folder: Path, depth: int) -> Iterator[Path | None]:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            yield None  # so that the time is looked at
                            if depth:
                                yield from self._below(Path(entry.path), depth - 1)
                        elif self._wanted(entry.name) and entry.is_file():
                            yield Path(entry.path)
                        else:
                            yield None
                    except OSError:
                        continue
        except FileNotFoundError:
            return
        except OSError as error:
            self._tell(folder, f"Not readable: {error.strerror or error}.")

    def _tell(self, place: Path, sentence: str) -> None:
        entry = (str(place), sentence)
        if entry not in self.problems:
            self.problems.append(entry)
