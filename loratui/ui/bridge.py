"""Pulls snapshots from the feed and says which sections changed, no more often than is painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import fields

from loratui.core.snapshot import SessionSnapshot
from loratui.engine.feed import Feed

SECTIONS = frozenset(field.name for field in fields(SessionSnapshot) if field.name != "revisions")
"""The fields of a snapshot that a pane can depend on."""

POLL = 0.05  # seconds between looks at the mailbox
LOG_RATE = 2.0  # log lines scroll, which repaints the pane whole
CURVE_RATE = 1.0  # a chart of a whole run looks the same a second later

Deliver = Callable[[SessionSnapshot, frozenset[str]], None]


def changed_sections(old: SessionSnapshot, new: SessionSnapshot) -> frozenset[str]:
    """The fields that differ: by revision where there is one, else by value."""
    if old is new:
        return frozenset()
    return frozenset(name for name in SECTIONS if _differs(name, old, new))


def _differs(name: str, old: SessionSnapshot, new: SessionSnapshot) -> bool:
    if name in old.revisions or name in new.revisions:
        return old.revisions.get(name) != new.revisions.get(name)
    before, after = getattr(old, name), getattr(new, name)
    if before is after:
        return False
    if name == "series":  # its arrays are long, its revisions say the same
        return {key: view.revision for key, view in before.items()} != {
            key: view.revision for key, view in after.items()
        }
    return bool(before != after)


class Pace:
    """Lets the first change after quiet through at once and later ones `rate` times a second."""

    def __init__(self, rate: float) -> None:
        self.gap = 1.0 / rate
        self.last = float("-inf")

    def ready(self, now: float) -> bool:
        return now - self.last > self.gap - POLL / 4  # ticks never come exactly

    def used(self, now: float) -> None:
        self.last = now


class Bridge:
    """Looks at the mailbox 20 times a second and delivers what changed at the pace allowed."""

    def __init__(
        self,
        feed: Feed | None,
        rate: float,
        deliver: Deliver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.feed = feed
        self.deliver = deliver
        self.clock = clock
        self.shown = feed.latest() if feed is not None else SessionSnapshot()
        self._seen = self.shown
        self._pending: frozenset[str] = frozenset()
        self._pace = Pace(rate)
        self._log_pace = Pace(min(rate, LOG_RATE))
        self._curve_pace = Pace(min(rate, CURVE_RATE))
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look. The loop's own timer is used: a Textual timer costs a message a tick."""
        self._timer = asyncio.get_running_loop().call_later(POLL, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(POLL, self._tick)
        self.poll()

    def poll(self) -> None:
        """Deliver what changed and is due; does nothing at all when nothing changed."""
        if self.feed is None:
            return
        newest = self.feed.latest()
        if newest is not self._seen:
            self._pending |= changed_sections(self._seen, newest)
            self._seen = newest
        if not self._pending:
            return
        now = self.clock()
        due: frozenset[str] = frozenset()
        for sections, pace in (
            (self._pending & _LOG, self._log_pace),
            (self._pending & _CURVES, self._curve_pace),
            (self._pending - _LOG - _CURVES, self._pace),
        ):
            if sections and pace.ready(now):
                pace.used(now)
                due |= sections
        if due:
            self._pending -= due
            self.shown = newest
            self.deliver(newest, due)


_LOG = frozenset({"log", "log_count"})
_CURVES = frozenset({"series", "epoch_marks"})
