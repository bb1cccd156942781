"""The loss has not come down since the run began."""

from __future__ import annotations

import math
from dataclasses import replace

from loratui.core.findings import Evidence, Severity, Verdict
from loratui.detectors.base import Columns, View
from loratui.detectors.curve import (
    LEAST,
    Curve,
    CurveDetector,
    Trend,
    falls,
    level,
    rounded,
    series,
    slope,
)
from loratui.detectors.lr_zero import LrZero

FLAT = 0.05
"""Change of ln(loss) below which it counts as none."""

ERRORS = 3.5
"""Standard errors of a change that is taken for one; several beginnings are compared."""

VISIBLE = math.log(1.4)
"""Fall that the noise must not be able to hide (by two standard errors) before "it never fell" can
be said: healthy runs come down by 1.1 to 2 times."""

LATE, STEPS = 0.75, 1000
SOON, FEWER = 0.25, 200
"""Share of the run, or steps while its length is not known, before it is worth a word: by itself,
and with other evidence."""

UNSEEN = 0.05
"""Share of the run that may be missing at its begin."""

CONSTANT = 100
"""Values that are all the same."""


class LossNoDecrease(CurveDetector):
    """The loss is where it was at the begin.

    What it sees: no fall of ln(loss) beyond the noise, neither from the first steps nor from the
        first quarter, and no slope, where a fall of 1.4 times would show. Information only, because
        random timesteps hide what a good run gains. A warning when something else says that nothing
        is learned: a learning rate of zero or next to it, gradients that are zero or vanish, or the
        very same loss in every step.
    Why it matters: with such evidence the run trains nothing; without it only samples tell.
    When it is wrong: a good run of a model that knows the subject's kind already looks like this.
    Example: 0.2 in every block from step 1 to 300, with lr=1e-9.
    """

    id = "loss-no-decrease"

    def __init__(self, curve: Curve | None = None) -> None:
        super().__init__(curve)
        self._rate = LrZero()
        self._only: float | None = None  # the one value that every loss had so far
        self._differ = self._proven = False
        self._same = self._first = self._last = 0

    def update(self, view: View) -> Verdict:
        columns = view.metrics.get("loss")
        if columns is not None and columns.values and not self._differ:
            self._compare(columns)
        rate = self._rate.update(view)
        self.curve.follow(view)
        total = view.total or view.facts.total_steps
        gradient = self.curve.gradient.vanished(total, self.curve.schedule.end)
        no_rate = rate.state == "firing" and rate.numbers["kind"] != "ended-early"
        self._proven = no_rate or gradient is not None
        said = super().update(view)
        raw = view.facts.loss_kind in ("raw", "unknown")
        if raw and self._same >= CONSTANT and self._only:
            return self._constant(self._only)
        if said.state != "firing":
            return said
        if no_rate:
            return _joined(said, "learning-rate", rate.evidence, rate=rate.numbers["peak"])
        if gradient is not None:
            data = {"since": gradient.since, "kind": gradient.kind}
            text = "hardly any gradient" if gradient.kind == "small" else "gradients of zero"
            return _joined(said, "gradient", (Evidence("number", text, data),))
        return said

    def revision(self) -> object:
        return super().revision(), self._proven

    def _compare(self, columns: Columns) -> None:
        """Count losses while all of them are the very same."""
        low, high = min(columns.values), max(columns.values)
        if self._only is None:
            self._only, self._first = low, columns.steps[0]
        if low == high == self._only:
            self._same += len(columns.values)
            self._last = columns.steps[-1]
        else:
            self._differ, self._same = True, 0

    def _constant(self, value: float) -> Verdict:
        data = {"name": "loss", "steps": [self._first, self._last], "values": [value, value]}
        numbers = {
            "because": "constant",
            "now": rounded(value),
            "steps": self._last - self._first + 1,
        }
        return Verdict(
            "firing",
            since=self._first,
            confidence=0.95,
            severity=Severity.WARNING,
            numbers=numbers,
            evidence=(Evidence("series", "the same loss in every step", data),),
        )

    def judge(self, trend: Trend) -> Verdict:
        blocks = trend.blocks
        if len(blocks) < 2 * LEAST:
            return self.too_few(trend, 2 * LEAST)
        first, last = blocks[0].first, blocks[-1].last
        share, steps = (SOON, FEWER) if self._proven else (LATE, STEPS)
        if first > 1 + UNSEEN * (trend.total or last):
            return Verdict("cannot-tell", reason="no-start", numbers={"first": first})
        if last < (share * trend.total if trend.total else steps):
            return Verdict("too-early", reason="late")
        late = blocks[len(blocks) // 4 :]
        line = slope(trend, blocks)
        found = falls(trend, late)
        fell = [fall for fall in found if fall.size > max(FLAT, ERRORS * fall.error)]
        if fell or abs(line.change) > max(FLAT, ERRORS * line.error):
            size = max((fall.size for fall in fell), default=-line.change)
            return Verdict("clear", numbers={"change": rounded(math.exp(-size) - 1)})
        quarter = found[-1]
        most = max(FLAT, quarter.size + 2 * quarter.error)
        if most > VISIBLE:
            numbers = {"resolution": rounded(1 - math.exp(-most))}
            return Verdict("cannot-tell", reason="noise", numbers=numbers)
        numbers = {
            "first": level(quarter.first),
            "now": level(quarter.now),
            "change": rounded(math.exp(-quarter.size) - 1),
            "resolution": rounded(1 - math.exp(-most)),
            "steps": last - first + 1,
            "noise": rounded(trend.noise),
        }
        return Verdict(
            "firing",
            since=first,
            confidence=0.6,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=(series("block means of the loss", blocks),),
        )


def _joined(
    said: Verdict, because: str, evidence: tuple[Evidence, ...], **numbers: object
) -> Verdict:
    """A level loss that something else explains is more than a level loss."""
    return replace(
        said,
        confidence=0.9,
        severity=Severity.WARNING,
        numbers={**said.numbers, "because": because, **numbers},
        evidence=(*said.evidence, *evidence),
    )
