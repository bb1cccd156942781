"""The loss collapses early in the run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loratui.core.findings import Verdict
from loratui.core.statistics import Block, median, spread, windows
from loratui.detectors.curve import CurveDetector, Trend, level, rounded, series

FALL = math.log(3)
EARLY = 0.25
"""Share of the run in which such a fall is too fast."""

ERRORS = 6
"""Standard errors: one more than elsewhere, as the lowest of several levels is compared with each
of three starts."""

STARTS = (1, 2, 3)
"""Opening blocks of 20 points that may be the start: one for a steep fall, three in noise."""


class LossTooFast(CurveDetector):
    """The loss falls to a third or less in the first quarter of the run.

    What it sees: the mean ln(loss) of the first 20 to 60 steps against the lowest three-block mean
        within the first quarter. Fires when it fell by more than ln 3 and more than six standard
        errors.
    Why it matters: images are being learnt by heart: learning rate or rank too high, too few
        images, or duplicates.
    When it is wrong: training from random weights, or a new token that begins far off, falls fast
        and is healthy. Silent when the run's length is not known.
    Example: 0.2 at step 20, 0.02 at step 150 of 2000.
    """

    id = "loss-too-fast"

    def judge(self, trend: Trend) -> Verdict:
        blocks, opening = trend.blocks, self.curve.logs.opening
        if len(opening) < 4 or (trend.running and not blocks):
            have = self.curve.logs.count
            return Verdict("too-early", reason="needs-steps", numbers={"have": have, "need": 80})
        total = trend.total
        if total is None:
            return Verdict("too-early", reason="no-total")
        limit = EARLY * total
        begin = opening[0].first
        if trend.running:
            early = [b for b in blocks if b.last - begin <= limit]
            if not early:
                numbers = {"epoch_steps": trend.memory, "have": 0, "need": 1}
                over = blocks[0].last - begin > limit
                return Verdict(
                    "cannot-tell" if over else "too-early",
                    reason="running-mean" if over else "needs-steps",
                    numbers=numbers,
                )
            return self._running(trend, early, total)
        early = [b for b in blocks if b.last - begin <= limit]
        fine = [b for b in opening if b.last - begin <= limit]
        early = fine if len(early) < 4 else early
        best: Verdict | None = None
        for start in STARTS:
            if len(early) < start + 1:
                break
            first = sum(b.mean for b in opening[:start]) / start
            size = min(3, len(early) - 1)
            means = windows(early, size)
            low = min(means)
            points = start * opening[0].count
            later = size * early[0].count
            error = max(
                trend.noise * math.sqrt(1 / points + 1 / later),
                trend.error * math.sqrt(early[0].count / points + 1 / size),
            )
            if first - low > max(FALL, ERRORS * error):
                best = self._found(
                    trend, first, low, early[means.index(low) + size - 1].last, total
                )
        return best or Verdict("clear")

    def _running(self, trend: Trend, early: Sequence[Block], total: int) -> Verdict:
        """While an epoch is not full, the running mean is that of all steps so far, so the single
        losses of the first steps can be had back from it. Their median stands for the start: less
        than their mean, so that the fall is rather under- than overrated."""
        head, first_step = self.curve.head, self.curve.first
        losses = [
            (i + 1) * head[i] - i * head[i - 1] for i in range(1, min(len(head), trend.memory))
        ]
        logs = [math.log(loss) for loss in losses if loss > 0.0 and loss - loss == 0.0]
        if first_step is None or first_step > 1 or len(logs) < 10:
            numbers = {"epoch_steps": trend.memory, "have": 0, "need": 1}
            return Verdict("cannot-tell", reason="running-mean", numbers=numbers)
        first = median(logs)
        low = min(b.mean for b in early)
        # The median of n points has the standard error 1.25 sd / sqrt(n).
        error = math.hypot(trend.error, 1.25 * spread(logs, first) / math.sqrt(len(logs)))
        if first - low <= max(FALL, ERRORS * error):
            return Verdict("clear")
        at = next(b.last for b in early if b.mean == low)
        return self._found(trend, first, low, at, total)

    def _found(self, trend: Trend, first: float, low: float, at: int, total: int) -> Verdict:
        begin = self.curve.logs.opening[0].first
        numbers = {
            "ratio": rounded(math.exp(first - low)),
            "first": level(first),
            "low": level(low),
            "steps": at - begin,
            "share": rounded((at - begin) / max(1, total)),
            "noise": rounded(trend.noise),
        }
        return Verdict(
            "firing",
            since=begin,
            confidence=0.9,
            numbers=numbers,
            evidence=(series("block means of the loss", trend.blocks),),
        )
