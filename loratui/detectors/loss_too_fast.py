"""The loss collapses early in the run."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.detectors.curve import CurveDetector, Trend, level, rounded, series

FALL = math.log(3)
EARLY = 0.25
"""Share of the run in which such a fall is too fast."""

HEALTHY = math.log(2)
"""Healthy runs fall by so much at their begin."""

WORD, SURE = 2.5, 4.0
"""Standard errors beyond that: for a word, and for a warning."""

SPANS = (1, 2, 3, 4, 5, 6, 8, 10)
"""Opening blocks of 20 points over which the fall may extend."""

AFTER = 3
"""Least blocks after the fall."""

UNSEEN = 0.02
"""Share of the run that may be missing at its begin."""


class LossTooFast(CurveDetector):
    """The loss falls to a third or less in the first quarter of the run.

    What it sees: the fall of ln(loss) over the first 20 to 200 steps, as a line that then stays
        level up to a quarter of the run fits it. Fires when that is more than ln 3 and exceeds the
        factor of 2 that healthy runs come down by at 2.5 standard errors; at four it is a warning.
    Why it matters: images are being learnt by heart: learning rate or rank too high, too few
        images, or duplicates.
    When it is wrong: training from random weights, or a new token that begins far off, falls fast
        and is healthy. Silent when the run's length is not known, and when the log does not show
        the run's begin.
    Example: 0.2 at step 20, 0.02 at step 150 of 2000.
    """

    id = "loss-too-fast"

    def judge(self, trend: Trend) -> Verdict:
        opening = trend.opening
        if len(opening) < AFTER + 1:
            return self.too_few(trend, AFTER + 1)
        total = trend.total
        if total is None:
            return Verdict("too-early", reason="no-total")
        begin = opening[0].first
        if begin > 1 + UNSEEN * total:
            return Verdict("cannot-tell", reason="no-start", numbers={"first": begin})
        early = [b for b in opening if b.last <= EARLY * total]
        later = [b for b in trend.blocks if early[-1:] and early[-1].last < b.last <= EARLY * total]
        best: tuple[float, float, int] | None = None
        for span in SPANS:
            # ln(loss) comes down along a line over `span` blocks and stays there.
            after = [*early[span:], *later]
            if len(after) < AFTER:
                break
            points = sum(b.count for b in after)
            low = sum(b.mean * b.count for b in after) / points
            shares = [1 - (i + 0.5) / span for i in range(span)] if span > 1 else [1.0]
            weight = sum(share * share for share in shares)
            fall = sum(
                share * (block.mean - low) for share, block in zip(shares, early, strict=False)
            )
            width = opening[0].count
            # no more than the first block shows: a fall that comes later is another line
            single = trend.error * math.sqrt(trend.blocks[-1].count / width)
            fall = min(fall / weight, early[0].mean - low + single)
            error = trend.error * math.sqrt(
                trend.blocks[-1].count * (1 / (weight * width) + 1 / points)
            )
            if fall > FALL and (best is None or (fall - HEALTHY) / error > best[0]):
                best = ((fall - HEALTHY) / error, low, span)
        if best is None or best[0] < WORD:
            return Verdict("clear")
        return self._found(trend, *best, total)

    def _found(self, trend: Trend, sure: float, low: float, span: int, total: int) -> Verdict:
        opening = trend.opening
        begin, at = opening[0].first, opening[span - 1].last
        first = opening[0].mean
        numbers = {
            "ratio": rounded(math.exp(first - low)),
            "first": level(first),
            "low": level(low),
            "steps": at - begin + 1,
            "share": rounded((at - begin + 1) / max(1, total)),
            "noise": rounded(trend.noise),
        }
        return Verdict(
            "firing",
            since=begin,
            confidence=min(0.95, 0.6 + 0.05 * sure),
            severity=Severity.WARNING if sure >= SURE else Severity.INFO,
            numbers=numbers,
            evidence=(series("block means of the loss", trend.blocks),),
        )
