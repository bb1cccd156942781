"""Follows a growing log file: growth, truncation, rotation, deletion and coming back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, SourceChange
from loratui.errors import LoratuiError
from loratui.sources.base import CHUNK

_BATCHES = 4  # at one poll, so that a poll of a long history takes milliseconds
_HEAD = 64  # first bytes, kept to see that a file was rewritten to the same or a greater length


def check_readable(path: Path) -> None:
    """Raise a LoratuiError that says why `path` cannot be read as a log, if it cannot."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise LoratuiError("Not a file", f"{path} is a folder.", "Name the log file in it.")
        with path.open("rb") as file:
            head = file.read(8192) if stat.S_ISREG(status.st_mode) else b""
    except FileNotFoundError:
        raise LoratuiError(
            "No such file",
            f"{path} does not exist.",
            "Check the path, or start the training first.",
        ) from None
    except PermissionError:
        raise LoratuiError(
            "Not readable", f"No permission to read {path}.", f"Try: chmod +r {path}"
        ) from None
    except OSError as error:
        raise LoratuiError(
            "Not readable", f"{path}: {error.strerror or error}.", "Check the disk or the mount."
        ) from None
    if looks_binary(head):
        raise LoratuiError(
            "Not a log",
            f"{path} is a binary file.",
            "Name the text that the trainer prints, for example console.log.",
        )


def looks_binary(head: bytes) -> bool:
    """Whether a file that begins so holds no text: NUL bytes, but not UTF-16 with its mark."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    sample = head[:8192]
    if b"\0" in sample:
        return True
    controls = sum(
        1 for byte in sample if byte < 32 and byte not in b"\t\n\r\x1b\x08\x0c\x07\x0e\x0f"
    )
    return controls > len(sample) * 0.1


class Tail:
    """Polls one path; a file that was there before is read from its start (`fresh` false)."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.name = str(path)
        self._clock = clock or SystemClock()
        self._fd: int | None = None
        self._identity: tuple[int, int] | None = None
        self._position = 0
        self._first = 0  # bytes that were there when watching began
        self._head = b""
        self._missing = False
        self._trouble = ""

    def glance(self, length: int = CHUNK) -> Batch | None:
        """The last `length` bytes as they stand now, for a status before the history is read."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = max(0, size - length)
                file.seek(begin)
                data = file.read(length)
        except OSError:
            return None
        if begin:
            cuts = [at for at in (data.find(b"\r"), data.find(b"\n")) if at >= 0]
            cut = min(cuts, default=len(data))
            data, begin = data[cut:], begin + cut
        return Batch(self.name, begin, data, self._clock.now())

    def poll(self) -> list[Batch | SourceChange]:
        now = self._clock.now()
        try:
            return self._poll(now)
        except FileNotFoundError:
            self._forget()
            if self._missing:
                return []
            self._missing = True
            return [
                SourceChange(
                    self.name, "gone", now, f"{self.name} was deleted or moved; waiting for it."
                )
            ]
        except OSError as error:
            self._forget()
            reason = error.strerror or str(error)
            if self._trouble == reason:
                return []
            self._trouble = reason
            return [
                SourceChange(self.name, "unreadable", now, f"{self.name}: {reason}; trying again.")
            ]

    def _poll(self, now: float) -> list[Batch | SourceChange]:
        status = os.stat(self.path)
        found: list[Batch | SourceChange] = []
        identity = (status.st_dev, status.st_ino)
        if self._fd is not None and identity != self._identity:
            found += self._drain(now)  # what was still written to the old file
            self._forget()
            found.append(
                SourceChange(self.name, "replaced", now, f"{self.name} was replaced by a new file.")
            )
            self._start_over()
        if self._fd is None:
            fresh = self._identity is not None or self._missing
            self._fd = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            if self._missing:
                found.append(SourceChange(self.name, "back", now, f"{self.name} is back."))
                self._start_over()
            self._identity, self._missing, self._trouble = identity, False, ""
            if not fresh:
                self._first = status.st_size
        elif status.st_size < self._position or self._rewritten():
            found.append(
                SourceChange(self.name, "truncated", now, f"{self.name} was emptied; reading anew.")
            )
            self._start_over()
        return found + self._drain(now, _BATCHES)

    def _drain(self, now: float, most: int = 1 << 20) -> list[Batch | SourceChange]:
        found: list[Batch | SourceChange] = []
        assert self._fd is not None
        for _ in range(most):
            os.lseek(self._fd, self._position, os.SEEK_SET)
            data = os.read(self._fd, CHUNK)
            if not data:
                break
            if len(self._head) < _HEAD and self._position == len(self._head):
                self._head += data[: _HEAD - len(self._head)]
            fresh = self._position >= self._first
            found.append(Batch(self.name, self._position, data, now, fresh))
            self._position += len(data)
            if len(data) < CHUNK:
                break
        return found

    def _rewritten(self) -> bool:
        if not self._head or self._fd is None:
            return False
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.read(self._fd, len(self._head)) != self._head

    def _start_over(self) -> None:
        self._position, self._first, self._head = 0, 0, b""

    def _forget(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def share(self) -> float | None:
        if self._position >= self._first:
            return None
        return self._position / self._first

    def over(self) -> bool:
        return False

    def close(self) -> None:
        self._forget()
