"""The loss fell, then gave back more than half of what it had gained."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.core.statistics import mann_kendall, windows
from loratui.detectors.curve import LEAST, CurveDetector, Trend, level, rounded, series

FALL = math.log(1.5)
BACK = 0.5
WORD, SURE = 3.5, 5.0
"""Standard errors of fall and rise for a word, and for a warning."""

SIZES = (3, 6)
"""Blocks compared: three see a narrow low, six see through more noise."""

LIKELY = 0.01
"""Mann–Kendall p below which the blocks since the low are rising."""


class LossDropThenRise(CurveDetector):
    """The loss falls clearly, turns and climbs back by more than half of the fall.

    What it sees: means of three or six blocks of ln(loss): a fall of at least 1.5 times to a low,
        then a rise of more than half of it that the Mann–Kendall test supports and that does not
        end above the start (that is divergence); both by 3.5 standard errors, for a warning five.
    Why it matters: training has passed its best point; a checkpoint near the low is worth more
        than the last one.
    When it is wrong: a change of data set or resolution changes the level. A restart of the
        learning-rate schedule raises the loss for a while, which is waited out where the log or
        the configuration tells of it; where nothing does, this is information only.
    Example: 0.2 at the start, 0.09 at step 900, 0.16 at step 1600.
    """

    id = "loss-drop-then-rise"

    def judge(self, trend: Trend) -> Verdict:
        blocks = trend.blocks
        if len(blocks) < LEAST + 2:
            return self.too_few(trend, LEAST + 2)
        for size in SIZES:
            found = self._found(trend, size)
            if found is not None:
                return found
        return Verdict("clear")

    def _found(self, trend: Trend, size: int) -> Verdict | None:
        blocks = trend.blocks
        means = windows(blocks, size)
        error = trend.error_of(size) * math.sqrt(2)
        at = means.index(min(means)) if means else 0
        if at < 1 or at > len(means) - 3:
            return None
        # The first window of a steep fall already has part of it: the first block counts too.
        first = max(means[0], *means[: at + 1])
        now = means[-1]
        fall, rise = first - means[at], now - means[at]
        if fall < max(FALL, WORD * error) or rise < max(BACK * fall, WORD * error):
            return None
        half = means[at] + rise / 2
        onset = len(blocks) - 1
        while onset > at + size and blocks[onset - 1].mean > half:
            onset -= 1
        if now > first + FALL or self.restarted(trend, blocks[onset].first, size):
            return None
        z, p = mann_kendall([b.mean for b in blocks[at:]])
        if z <= 0 or p > LIKELY:
            return None
        turn = blocks[at + size - 1].last
        sure = min(fall, rise) > SURE * error and not self.schedule_hidden()
        numbers = {
            "first": level(first),
            "low": level(means[at]),
            "low_step": turn,
            "now": level(now),
            "fall": rounded(math.exp(fall)),
            "rise": rounded(math.exp(rise)),
            "share": rounded(rise / fall),
            "p": rounded(p),
            "noise": rounded(trend.noise),
            "steps": blocks[-1].last - turn,
        }
        return Verdict(
            "firing",
            since=turn,
            confidence=0.85 if sure else 0.6,
            severity=Severity.WARNING if sure else Severity.INFO,
            numbers=numbers,
            evidence=(series("block means of the loss", blocks),),
        )
