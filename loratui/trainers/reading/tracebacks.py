"""Collects Python tracebacks out of a stream of lines, also those of several ranks interleaved."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from loratui.core.events import Failure

_BEGIN = re.compile(r"Traceback \(most recent call last\)")
_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?')
_BOXED_FRAME = re.compile(r"[│|]\s*(?P<file>\S+\.py):(?P<line>\d+) in (?P<name>\S+)")
_EXCEPTION = re.compile(
    r"(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)(?:: ?(?P<message>.*))?$"
)
_LONGEST = 400  # lines; a longer "traceback" is something else
_MESSAGE = 2000  # characters kept of an exception's message


@dataclass(slots=True)
class _Open:
    offset: int
    frames: list[str] = field(default_factory=list)
    lines: int = 0
    boxed: bool = False
    type: str = ""
    message: str = ""


class Tracebacks:
    """One collector per rank. A failure is given out when the line after it is known."""

    def __init__(self) -> None:
        self._open: dict[int | None, _Open] = {}

    @property
    def open(self) -> bool:
        """Whether a traceback has begun, of any rank, that is not over."""
        return bool(self._open)

    def feed(self, offset: int, text: str, rank: int | None) -> tuple[list[Failure], bool]:
        """Failures that this line finishes, and whether the line belongs to a traceback."""
        done: list[Failure] = []
        current = self._open.get(rank)
        if _BEGIN.search(text):
            done = self._close(rank)
            self._open[rank] = _Open(offset, boxed=text.lstrip().startswith(("╭", "+-")))
            return done, True
        if current is None:
            return done, False
        current.lines += 1
        if current.lines > _LONGEST:
            del self._open[rank]
            return done, False
        if current.type:
            # further lines of the message are indented (size mismatch for …) or continue a list
            if text.startswith((" ", "\t")) and text.strip():
                if len(current.message) < _MESSAGE:
                    current.message += "\n" + text.strip()
                return done, True
            return self._close(rank), False
        return done, self._body(current, text, rank)

    def _body(self, current: _Open, text: str, rank: int | None) -> bool:
        if current.boxed and text.lstrip().startswith(("│", "|", "╰", "+-", "╭")):
            found = _BOXED_FRAME.search(text)
            if found:
                current.frames.append(_frame(found))
            return True
        found = _FRAME.match(text)
        if found:
            current.frames.append(_frame(found))
            return True
        if text.startswith((" ", "\t", "[Previous line repeated")):
            return True
        found = _EXCEPTION.match(text.strip())
        if found:
            current.type = found.group("type")
            current.message = (found.group("message") or "")[:_MESSAGE]
            return True
        if not current.frames:
            del self._open[rank]
            return False
        return True  # a foreign line that another thread printed into the traceback

    def flush(self) -> list[Failure]:
        """Failures that are whole but were waiting for the line after them."""
        done: list[Failure] = []
        for rank in [rank for rank, current in self._open.items() if current.type]:
            done += self._close(rank)
        return done

    def _close(self, rank: int | None) -> list[Failure]:
        current = self._open.pop(rank, None)
        if current is None or not current.type:
            return []
        frames = tuple(current.frames[-12:])
        return [Failure("", current.offset, current.type, current.message, frames, rank)]


def _frame(found: re.Match[str]) -> str:
    name = found.group("name") or "?"
    return f"{found.group('file')}:{found.group('line')} {name}"
