"""The loss fell and no longer changes."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.detectors.curve import (
    LEAST,
    CurveDetector,
    Trend,
    falls,
    level,
    rounded,
    series,
    slope,
)

FLAT = 0.05
"""Change of ln(loss) over the half below which it counts as none."""

ERRORS = 3.0
"""Standard errors of a change, or of the fall before, that is taken for one."""

FELL = math.log(1.2)
"""Fall before the level stretch that is worth calling one."""

VISIBLE, SHARE = 0.25, 1 / 3
"""Change that must be visible through the noise before "no change" can be said: so much, or this
share of the fall before."""


class LossPlateau(CurveDetector):
    """The loss fell, and has been level for the last half of the run.

    What it sees: the Theil–Sen slope of ln(loss) over the last half, within three standard errors
        of none, after a fall before it that is clear of the noise. Information only: most healthy
        runs look so, because random timesteps dominate the loss.
    Why it matters: more steps will not bring the loss down; whether they still improve the images
        only samples show.
    When it is wrong: a run that learns well usually looks like this.
    Example: 0.2 at the start, 0.12 in every block from step 600 to 1200.
    """

    id = "loss-plateau"

    def judge(self, trend: Trend) -> Verdict:
        half = trend.blocks[len(trend.blocks) // 2 :]
        if len(half) < LEAST:
            return self.too_few(trend, 2 * LEAST)
        line = slope(trend, half)
        if abs(line.change) > max(FLAT, ERRORS * line.error):
            return Verdict("clear", numbers={"change": rounded(math.exp(line.change) - 1)})
        clear = [f for f in falls(trend, half) if f.size > max(FELL, ERRORS * f.error)]
        if not clear:
            return Verdict("cannot-tell", reason="no-fall")
        fall = max(clear, key=lambda each: each.size)
        resolution = max(FLAT, 2 * line.error)
        if resolution > max(VISIBLE, SHARE * fall.size):
            numbers = {"resolution": rounded(math.exp(resolution) - 1)}
            return Verdict("cannot-tell", reason="noise", numbers=numbers)
        numbers = {
            "change": rounded(math.exp(line.change) - 1),
            "resolution": rounded(math.exp(resolution) - 1),
            "first": level(fall.first),
            "now": level(fall.now),
            "fall": rounded(math.exp(fall.size)),
            "p": rounded(line.p),
            "steps": line.steps,
            "noise": rounded(trend.noise),
        }
        return Verdict(
            "firing",
            since=half[0].first,
            confidence=0.7,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=(series("block means of the loss over the last half", line.blocks),),
        )
