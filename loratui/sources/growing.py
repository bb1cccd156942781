"""One file of another program that grows, shrinks, vanishes, is replaced, and is never held open.

Shared by the readers of event files and tables, which have to step back to the last whole record
and to start over; a log of text is followed by `tail`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import SourceChange

BUDGET = 0.03
"""Seconds after which a reader ends its poll; the block at hand may take it to 0.05."""
BLOCK = 256 * 1024
"""Bytes read at once: some milliseconds of work for the slowest of the readers."""

_Kind = Literal["truncated", "replaced", "gone", "back", "unreadable", "end"]


class Growing:
    """Where reading stands in the file at `path`.

    `open` before reading, `shut` after it. The reader moves `position` past what it has used, and
    sets `settled` once it waits for more bytes. `restarted` says that `open` found another file
    or a shorter one and has put `position` to 0, so that what was read before is void; `missing`
    that there is none. The first `head` bytes are kept to see that a file was rewritten to the
    same or a greater length.
    """

    def __init__(self, path: Path, clock: Clock | None = None, head: int = 64) -> None:
        self.path = path
        self.name = str(path)
        self.position = 0
        self.size = 0
        self.settled = False
        self.restarted = False
        self._clock = clock or SystemClock()
        self._fd: int | None = None
        self._seen: tuple[int, int, int, int] | None = None  # device, inode, size, time of change
        self._first: int | None = None  # bytes that were there at first
        self._head = b""
        self._length = head
        self.missing = False
        self._trouble = ""

    def open(self) -> list[SourceChange]:
        """Open the file if there may be something to read (see `readable`); what happened to it."""
        self.restarted = False
        try:
            return self._open()
        except FileNotFoundError:
            self.shut()
            if self.missing:
                return []
            self.missing = True
            return [self._change("gone", f"{self.name} was deleted or moved; waiting for it.")]
        except OSError as error:
            return self.failed(error)

    def failed(self, error: OSError) -> list[SourceChange]:
        """A read went wrong: close, and say it once for each reason."""
        self.shut()
        self.settled = False
        reason = error.strerror or str(error)
        if self._trouble == reason:
            return []
        self._trouble = reason
        return [self._change("unreadable", f"{self.name}: {reason}; trying again.")]

    def _open(self) -> list[SourceChange]:
        if not self.missing and self.settled and _signature(os.stat(self.path)) == self._seen:
            return []
        # a FIFO or a device under the expected name must not block
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        self._fd = os.open(self.path, flags)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a regular file")
        seen, now = self._seen, _signature(status)
        head = self.read(0, self._length)
        found = [self._change("back", f"{self.name} is back.")] if self.missing else []
        if seen is not None:
            if seen[:2] != now[:2]:
                self._start_over()
                found.append(self._change("replaced", f"{self.name} was replaced by a new file."))
            elif now[2] < max(seen[2], self.position) or not head.startswith(self._head):
                self._start_over()
                found.append(self._change("truncated", f"{self.name} was emptied; reading anew."))
        if len(self._head) < self._length:
            self._head = head
        self._seen, self.size = now, now[2]
        self.missing, self._trouble, self.settled = False, "", False
        if self._first is None:
            self._first = self.size
        return found

    def start_over(self, detail: str) -> SourceChange:
        """The reader itself has found that what it read before is void; `detail` says why."""
        self._start_over()
        return self._change("truncated", detail)

    def _start_over(self) -> None:
        self.position, self._first, self._head = 0, 0, b""
        self.restarted = True

    def _change(self, kind: _Kind, detail: str) -> SourceChange:
        return SourceChange(self.name, kind, self._clock.now(), detail)

    @property
    def readable(self) -> bool:
        """Whether the file is open now."""
        return self._fd is not None

    def read(self, at: int, count: int) -> bytes:
        """Up to `count` bytes from byte `at` on; less only at the end."""
        assert self._fd is not None
        os.lseek(self._fd, at, os.SEEK_SET)
        return os.read(self._fd, count)

    def shut(self) -> None:
        """Close the file until the next poll."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @property
    def backlog(self) -> tuple[int, int]:
        """Bytes read and bytes to read of what was there at first; equal while there is no more."""
        first = self._first or 0
        waiting = self.settled or self.missing or bool(self._trouble)
        return first if waiting else min(self.position, first), first


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def share_of(parts: list[tuple[int, int]]) -> float | None:
    """How much of all the backlogs is read (0…1); None once all is."""
    done, whole = sum(part[0] for part in parts), sum(part[1] for part in parts)
    return None if done >= whole else done / whole
