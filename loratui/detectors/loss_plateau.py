"""The loss no longer changes."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.core.statistics import groups, mann_kendall, theil_sen
from loratui.detectors.curve import LEAST, CurveDetector, Trend, level, rounded, series

FLAT = 0.05
"""Change of ln(loss) over the half below which it counts as none."""

VISIBLE = 0.25
"""Change that must be visible through the noise before "no change" can be said at all."""

MOST_BLOCKS = 24
"""Blocks over which slopes of all pairs are taken, to bound the work."""


class LossPlateau(CurveDetector):
    """The loss has been level for the last half of the run.

    What it sees: the Theil–Sen slope of ln(loss) over the last half, with a Mann–Kendall test.
        Information only: most healthy runs look flat, because random timesteps dominate the loss.
    Why it matters: together with a learning rate of zero, weights that do not change or samples
        like the base model's it shows that nothing is learnt; alone it shows nothing.
    When it is wrong: a run that learns well usually looks like this.
    Example: 0.12 in every block from step 600 to 1200.
    """

    id = "loss-plateau"

    def judge(self, trend: Trend) -> Verdict:
        half = trend.blocks[len(trend.blocks) // 2 :]
        if len(half) < LEAST:
            return self.too_few(trend, 2 * LEAST)
        half = groups(half, math.ceil(len(half) / MOST_BLOCKS))
        span = half[-1].last - half[0].first + 1
        middles = [(b.first + b.last) / 2 for b in half]
        means = [b.mean for b in half]
        change = theil_sen(middles, means) * span
        _, p = mann_kendall(means)
        # The slope of n independent points has the error sd * sqrt(12 / n) over its whole span.
        width = trend.blocks[-1].count
        error = trend.error * math.sqrt(width / half[0].count) * math.sqrt(12 / len(half))
        if abs(change) > FLAT and (p < 0.05 or abs(change) > 2 * error):
            return Verdict("clear")
        resolution = max(FLAT, 2 * error)
        if resolution > VISIBLE:
            seen = rounded(math.exp(resolution) - 1)
            return Verdict("cannot-tell", reason="noise", numbers={"resolution": seen})
        numbers = {
            "change": rounded(math.exp(change) - 1),
            "first": level(means[0]),
            "now": level(means[-1]),
            "p": rounded(p),
            "steps": span,
            "noise": rounded(trend.noise),
        }
        return Verdict(
            "firing",
            since=half[0].first,
            confidence=0.7,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=(series("block means of the loss over the last half", half),),
        )
