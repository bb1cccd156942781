"""Puts lines together again that a `rich` console wrapped at its width (80 columns in a file)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loratui.core.events import Level

# time (or 20 blanks for a repeated one), level padded to 8, message, `file.py:line` at the right;
# the kohya_ss GUI has a time of its own (12:34:56-123456) and no path
_RICH = re.compile(
    r"(?:\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]? |\[?\d\d/\d\d/\d\d \d\d:\d\d:\d\d\]? "
    r"|\d\d:\d\d:\d\d-\d{6} | {10,22})"
    r"(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)(?:(?<=WARNING)  |(?<=INFO) {5}|(?<=CRITICAL) "
    r"|(?<=DEBUG|ERROR) {4}|$))(?P<message>.*?)"
    r"(?:\s+(?P<path>[\w./-]+\.py:\d+))?$"
)
_PLAIN_LEVEL = re.compile(
    r"(?:^|[\s\[:-])(?P<level>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)(?:[\s\]:-]|$)"
)
_LEVELS: dict[str, Level] = {
    "DEBUG": "info",
    "INFO": "info",
    "WARN": "warning",
    "WARNING": "warning",
    "ERROR": "error",
    "CRITICAL": "error",
}


WIDTH = 80
"""Columns of a console that is no terminal."""

_ENDLESS = 1 << 30


@dataclass(slots=True)
class Joined:
    """A message as the program meant it, with the offset of its first physical line.

    `path` is the `file.py:line` that stood at the right margin, if one did.
    """

    offset: int
    text: str
    level: Level
    rank: int | None = None
    path: str = ""


class Wrapping:
    """Holds a message back until the line after it shows that it is whole."""

    def __init__(self) -> None:
        self._open: Joined | None = None
        self._indent = 0
        self._width = 0
        self._full = False

    def feed(self, offset: int, text: str, rank: int | None) -> list[Joined]:
        """Messages that this physical line finishes (and the line itself if it stands alone)."""
        if not text.lstrip():
            return self.flush()
        found = _RICH.match(text)
        if found:
            done = self.flush()
            self._indent = found.start("message")
            # the message column ends one blank before `file.py:line`
            path = found.group("path")
            right = found.start("path") - 1 if path else WIDTH if len(text) <= WIDTH else _ENDLESS
            self._width = right - self._indent
            message = found.group("message").rstrip()
            level = _LEVELS[found.group("level")]
            self._open = Joined(offset, message, level, rank, path or "")
            self._full = self._folded(message)
            return done
        if self._open is not None and text.startswith(" " * self._indent):
            piece = text[self._indent :]
            if not piece.startswith("  "):
                glue = "" if self._full and not piece.startswith(" ") else " "
                self._open.text += glue + piece.strip()
                self._full = self._folded(piece)
                return []
            # an own line of the same record, further indented: a dump of settings
            done = self.flush()
            self._open = Joined(offset, piece.rstrip(), "info", rank)
            self._full = self._folded(piece)
            return done
        done = self.flush()
        if self._indent and text.startswith(" " * self._indent):
            text = text.strip()  # its message was given out already: the log paused in between
        done.append(Joined(offset, text, plain_level(text), rank))
        return done

    def _folded(self, piece: str) -> bool:
        """Whether a word goes on in the next line: rich breaks only one that fills a whole line."""
        piece = piece.rstrip()
        return " " not in piece.lstrip() and _columns(piece) >= self._width

    def flush(self) -> list[Joined]:
        """The message held back, if any."""
        done = [] if self._open is None else [self._open]
        self._open = None
        return done


def plain_level(text: str) -> Level:
    """The level that a line of ordinary logging names near its start."""
    found = _PLAIN_LEVEL.search(text[:80])
    return _LEVELS[found.group("level")] if found else ""


def _columns(text: str) -> int:
    return len(text) + sum(1 for c in text if "\u1100" <= c <= "\uffdc" and c not in "\ufeff")
