"""The loss rises far above where it has been, and stays there."""

from __future__ import annotations

import math

from loratui.core.findings import Severity, Verdict
from loratui.core.statistics import median, windows
from loratui.detectors.curve import LEAST, CurveDetector, Trend, level, rounded, series

RISE = math.log(1.5)
SIZES = (3, 6, 12)
"""Blocks compared: three see a steep rise soon, more of them a slow one through more noise."""

MEAN_SIZES = (2, 3, 6, 12)
"""The same for a running mean, whose blocks span an epoch each."""

SUDDEN = math.log(3)
"""One block (of a running mean two) so far above, by seven errors, is enough: an explosion is told
at once."""

MILD = math.log(2)
"""Up to this a rise costs quality; above, the run is lost unless something is changed."""


class LossDiverging(CurveDetector):
    """The loss climbs and does not come back.

    What it sees: the mean ln(loss) of the newest blocks against the lowest mean of as many blocks
        before them. Fires when the rise is more than 1.5 times and more than five standard errors
        of the difference, and as long as it lasts.
    Why it matters: the weights are being destroyed; every further step makes the result worse.
    When it is wrong: a data set that changes during the run (curriculum, resolutions one after the
        other, a resume with other images or another loss weighting) has another level. A restart
        of the learning-rate schedule lifts the loss; up to three times that is waited out, and
        where nothing tells what the rate does, a rise to where the loss was before.
    Example: 0.11 until step 800, 0.14 at 900, 0.3 at 1100 and rising.
    """

    id = "loss-diverging"

    def judge(self, trend: Trend) -> Verdict:
        blocks = trend.blocks
        if len(blocks) < LEAST:
            return self.too_few(trend)
        for size in MEAN_SIZES if trend.running else (1, *SIZES):
            means = windows(blocks[:-size], size)
            if not means:
                break
            last = sum(b.mean for b in blocks[-size:]) / size
            low = min(means)
            error = trend.error_of(size) * math.sqrt(2)
            need = max(RISE, 5 * error) if size > 2 else max(SUDDEN, 7 * error)
            # A single outlier lifts a running mean for an epoch, that is for two blocks at most,
            # and both of them by half of it at best.
            lasting = min(b.mean for b in blocks[-min(3, size) :]) - low
            if last - low > need and (lasting > (RISE if size > 2 else MILD) or not trend.running):
                return self._found(trend, means.index(low), size, need)
        return Verdict("clear", numbers={"noise": rounded(trend.noise)})

    def _found(self, trend: Trend, at: int, size: int, need: float) -> Verdict:
        blocks = trend.blocks
        low = sum(b.mean for b in blocks[at : at + size]) / size
        now = sum(b.mean for b in blocks[-size:]) / size
        # The rise is underway from the block after the last one nearer to the low than to now.
        half = (low + now) / 2
        onset = len(blocks) - 1
        while onset > at + size and blocks[onset - 1].mean > half:
            onset -= 1
        # A slow rise began earlier: where the blocks were still within the noise before it.
        usual = median([b.mean for b in blocks[:onset]])
        while onset > at + size and blocks[onset - 1].mean > usual + 2 * trend.error:
            onset -= 1
        ratio = math.exp(now - low)
        since = blocks[onset].first
        waits = now - low < SUDDEN and self.restarted(trend, since, size)
        if self.schedule_hidden() and now - low < SUDDEN:
            waits = now <= max(windows(blocks[:onset], size), default=low)
        if waits:
            return Verdict("clear", numbers={"noise": rounded(trend.noise)})
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
            severity=Severity.WARNING if now - low < MILD else None,
            numbers=numbers,
            evidence=(series("block means of the loss", blocks),),
        )
