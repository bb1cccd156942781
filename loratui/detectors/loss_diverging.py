"""The loss rises far above where it has been, and stays there."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.core.statistics import windows
from loratui.detectors.curve import LEAST, CurveDetector, Trend, level, rounded, series

RISE = math.log(1.5)
SIZES = (3, 6, 12)
"""Blocks compared: three see a steep rise soon, more of them a slow one through more noise."""

SUDDEN = math.log(3)
"""A single block so far above (and by seven errors) is enough: an explosion is told at once."""

MILD = 2.0
"""Up to this ratio a rise costs quality; above, the run is lost unless something is changed."""


class LossDiverging(CurveDetector):
    """The loss climbs and does not come back.

    What it sees: the mean ln(loss) of the newest blocks against the lowest mean of as many blocks
        before them. Fires when the rise is more than 1.5 times and more than five standard errors
        of the difference, and as long as it lasts.
    Why it matters: the weights are being destroyed; every further step makes the result worse.
    When it is wrong: a data set that changes during the run (curriculum, resolutions one after the
        other, a resume with other images or another loss weighting) has another level.
    Example: 0.11 until step 800, 0.14 at 900, 0.3 at 1100 and rising.
    """

    id = "loss-diverging"

    def judge(self, trend: Trend) -> Verdict:
        blocks = trend.blocks
        if len(blocks) < LEAST:
            return self.too_few(trend)
        for size in (1, *SIZES):
            if size == 1 and trend.running:
                continue
            means = windows(blocks[:-size], size)
            if not means:
                break
            last = sum(b.mean for b in blocks[-size:]) / size
            low = min(means)
            error = trend.error_of(size) * math.sqrt(2)
            need = max(RISE, 5 * error) if size > 1 else max(SUDDEN, 7 * error)
            if last - low > need:
                return self._found(trend, means.index(low), size, need)
        return Verdict("clear", numbers={"noise": rounded(trend.noise)})

    def _found(self, trend: Trend, at: int, size: int, need: float) -> Verdict:
        blocks = trend.blocks
        low = sum(b.mean for b in blocks[at : at + size]) / size
        now = sum(b.mean for b in blocks[-size:]) / size
        # The onset is the block after the last one nearer to the low than to the present level.
        half = (low + now) / 2
        onset = len(blocks) - 1
        while onset > at + size and blocks[onset - 1].mean > half:
            onset -= 1
        while onset > at + size and blocks[onset - 1].mean > low + 2 * trend.error:
            onset -= 1
        ratio = math.exp(now - low)
        since = blocks[onset].first
        numbers = {
            "ratio": rounded(ratio),
            "low": level(low),
            "low_step": blocks[at + size - 1].last,
            "now": level(now),
            "noise": rounded(trend.noise),
            "steps": max(0, blocks[-1].last - since),
            "need": rounded(math.exp(need)),
        }
        sure = (now - low) / need
        return Verdict(
            "firing",
            since=since,
            confidence=min(0.99, 0.8 + 0.1 * sure),
            severity=Severity.WARNING if ratio < MILD else None,
            numbers=numbers,
            evidence=(series("block means of the loss", blocks),),
        )
