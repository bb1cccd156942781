"""Gradient norms far above the rest."""

from __future__ import annotations

import math

from loratui.core.findings import Evidence, Severity, Verdict
from loratui.core.statistics import median
from loratui.detectors.base import View
from loratui.detectors.curve import Curve, CurveReader, level, rounded, series
from loratui.detectors.gradient import LEAST
from loratui.detectors.outliers import NEED, Watch

TIMES = 10.0
"""Times the median of its surroundings at least; under clipping smaller ones do nothing."""

GROWN = math.log(10)
"""Growth of the level after which steps are no longer single."""

LASTS = 2
"""Blocks for which the level must have grown."""


class GradNormSpike(CurveReader):
    """Single gradient norms far above those around them, or a level that has grown tenfold.

    What it sees: a norm more than ten times the rolling median and 5.5 standard deviations of
        ln(norm) above it, beyond what the run's own tail explains: information only, because the
        norm is logged before clipping, which takes care of single ones. A warning when the mean of
        two blocks is ten times that of the first quarter.
    Why it matters: spikes point at images or captions that do not fit the rest; a level that grows
        comes before divergence.
    When it is wrong: gradients of a run that has hardly any loss left are tiny and jump; mixed
        precision logs a huge norm in a step that it then skips.
    Example: 0.3, 0.4, 9.2, 0.3.
    """

    id = "grad-norm-spike"

    def __init__(self, curve: Curve | None = None) -> None:
        super().__init__(curve)
        self._watch = Watch(TIMES)

    def update(self, view: View) -> Verdict:
        self.curve.follow_beside(view)
        columns = view.metrics.get("grad_norm")
        watch = self._watch
        if columns is not None:
            watch.extend(columns.steps, columns.values)
        if not self.curve.gradient.seen:
            return Verdict("cannot-tell", reason="no-gradient")
        if watch.seen < NEED:
            return Verdict(
                "too-early", reason="needs-steps", numbers={"have": watch.seen, "need": NEED}
            )
        grown = self._grown()
        if grown is not None:
            return grown
        found = watch.found
        if not found.count:
            visible = watch.limit / watch.median
            return Verdict("clear", numbers={"visible": rounded(visible)})
        data = {"name": "grad_norm", "steps": [found.step], "values": [rounded(found.value)]}
        return Verdict(
            "firing",
            since=found.first,
            confidence=0.9,
            severity=Severity.INFO,
            numbers={
                "kind": "single",
                "step": found.step,
                "value": rounded(found.value),
                "median": rounded(found.median),
                "ratio": rounded(found.ratio),
                "count": found.count,
            },
            evidence=(Evidence("series", "the highest gradient norm", data),),
        )

    def _grown(self) -> Verdict | None:
        """Whether the level itself has grown and stays up."""
        blocks = self.curve.gradient.logs.blocks
        if len(blocks) < LEAST:
            return None
        early = median([b.mean for b in blocks[1 : max(4, len(blocks) // 4)]])
        count = len(blocks)
        while count and blocks[count - 1].mean > early + GROWN:
            count -= 1
        high = blocks[count:]
        if len(high) < LASTS:
            return None
        now = median([b.mean for b in high])
        return Verdict(
            "firing",
            since=high[0].first,
            confidence=0.9,
            severity=Severity.WARNING,
            numbers={
                "kind": "level",
                "before": level(early),
                "now": level(now),
                "ratio": rounded(math.exp(now - early)),
                "since": high[0].first,
            },
            evidence=(series("block means of the gradient norm", blocks, "grad_norm"),),
        )
