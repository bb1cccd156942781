"""A tmux pane as a log: what it shows is captured once a second, never anything sent to it.

A pane holds lines as they look now, so a progress bar is one line that changes. Lines that are
new since the last look are passed on; a last line that changed is passed on as a redraw.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, SourceChange

EVERY = 1.0
"""Seconds between looks."""

HISTORY = 2000
"""Lines above the visible part that are read at the first look."""

AGAIN = 200
"""Lines that each later look reads: more than a run prints in a second."""

PATIENCE = 1.0
"""Seconds that tmux may take to answer."""

Capture = Callable[[int], str | None]
"""Reads so many lines of the pane's history and all that is visible; None when there is none."""


def tmux(pane: str, socket: str = "") -> Capture:
    """Captures a pane such as ``%3`` of the server at `socket`."""
    server = ["-S", socket] if socket else []

    def capture(lines: int) -> str | None:
        command = ["tmux", *server, "capture-pane", "-p", "-J", "-S", f"-{lines}", "-t", pane]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    return capture


class PaneLog:
    """The text of a pane as a growing log."""

    def __init__(self, name: str, capture: Capture, clock: Clock | None = None) -> None:
        self.name = name
        self._capture = capture
        self._clock = clock or SystemClock()
        self._looked = float("-inf")
        self._before: list[str] | None = None
        self._offset = 0
        self._gone = False

    def poll(self) -> list[Batch | SourceChange]:
        now = self._clock.now()
        if now - self._looked < EVERY:
            return []
        self._looked = now
        first = self._before is None
        text = self._capture(HISTORY if first else AGAIN)
        if text is None:
            if self._gone:
                return []
            self._gone = True
            detail = "The tmux pane cannot be read; it was closed, or tmux did not answer."
            return [SourceChange(self.name, "gone", now, detail)]
        found: list[Batch | SourceChange] = []
        if self._gone:
            self._gone = False
            found.append(SourceChange(self.name, "back", now))
        lines = [line.rstrip() for line in text.rstrip("\n").split("\n")]
        data = news(self._before or [], lines)
        self._before = lines
        if data:
            batch = Batch(self.name, self._offset, data.encode(), now, fresh=not first)
            self._offset += len(batch.data)
            found.append(batch)
        return found

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return False

    def close(self) -> None:
        pass


def news(before: list[str], now: list[str]) -> str:
    """What a look shows that the last one did not, as a terminal would have written it.

    The newest line is held open: a bar that changes in place redraws it.
    """
    if not before:
        return "\n".join(now)
    if not now:
        return ""
    whole, last = before[:-1], before[-1]
    begin = _after(whole, now)
    if begin is None:
        return "\n" + "\n".join(now)  # everything scrolled away
    rest = now[begin:]
    if not rest:
        return ""
    head = "" if rest[0] == last else f"\r{rest[0]}"
    more = rest[1:]
    return head + "".join(f"\n{line}" for line in more)


def _after(whole: list[str], now: list[str]) -> int | None:
    """Where `now` goes on after the finished lines of the last look; None when they are gone."""
    if not whole:
        return 0
    for size in range(min(len(whole), len(now)), 0, -1):
        if now[:size] == whole[-size:]:
            return size
    # the last look may have begun later in the history than this one
    tail = whole[-min(len(whole), 8) :]
    for begin in range(len(now) - len(tail), -1, -1):
        if now[begin : begin + len(tail)] == tail:
            return begin + len(tail)
    return None
