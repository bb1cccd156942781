"""The size of the gradient: its level early in the run and now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loratui.core.statistics import Block, LogBlocks, finite, median

LEAST = 6
"""Blocks of 20 points before anything is said."""

GONE = math.log(50)
"""Fall of ln(norm) after which hardly anything is left: a hundred times, but for the noise."""

LASTS = 0.04
"""Share of the run for which it must have lasted."""

ZEROS = 50
"""Newest norms that are all exactly zero."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """What was found: ``kind`` is ``zero`` or ``small``; levels are those of ln(norm)."""

    kind: str
    since: int
    early: float | None
    now: float
    blocks: Sequence[Block] = ()


class Gradient:
    """Follows the gradient norm as a trainer logs it, before clipping."""

    def __init__(self) -> None:
        self.logs = LogBlocks()
        self.seen = 0
        self.last = 0
        self._zeros = 0
        self._zero_since = 0
        self._found: Vanished | None = None
        self._key: object = None

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take new points."""
        if not values:
            return
        self.seen += len(values)
        self.last = steps[-1]
        if not finite(values) or min(values) <= 0.0:
            for step, value in zip(steps, values, strict=True):
                if value == 0.0:
                    if not self._zeros:
                        self._zero_since = step
                    self._zeros += 1
                elif value == value:
                    self._zeros = 0
        else:
            self._zeros = 0
        self.logs.extend(steps, values)

    def vanished(self, total: int | None, end: int | None) -> Vanished | None:
        """Whether it is exactly zero, or has fallen to next to nothing and stays there.

        From step `end` on the learning rate is at the end of its schedule (None: it is not), where
        that is no news.
        """
        if self._zeros >= ZEROS:
            early = self._early(self.logs.blocks) if self.logs.blocks else None
            return Vanished("zero", self._zero_since, early, -math.inf)
        key = (self.logs.revision, total)
        if key != self._key:
            self._key = key
            found = self._small(total)
            if found is not None and self._found is None and end is not None and found.since >= end:
                found = None
            self._found = found
        return self._found

    def _early(self, blocks: Sequence[Block]) -> float:
        """The usual ln(norm) of the first quarter, without the first steps of untrained weights."""
        quarter = blocks[1 : max(4, len(blocks) // 4)] or blocks
        return median([b.mean for b in quarter])

    def _small(self, total: int | None) -> Vanished | None:
        blocks = self.logs.blocks
        if len(blocks) < LEAST:
            return None
        early = self._early(blocks)
        count = len(blocks)
        while count and blocks[count - 1].mean < early - GONE:
            count -= 1
        low = blocks[count:]
        span = total or blocks[-1].last - blocks[0].first
        if len(low) < 2 or low[-1].last - low[0].first < LASTS * span:
            return None
        return Vanished("small", low[0].first, early, median([b.mean for b in low]), blocks)
