"""The gradients have become next to nothing."""

from __future__ import annotations

from loratui.core.findings import Evidence, Verdict
from loratui.detectors.base import View
from loratui.detectors.curve import CurveReader, level, rounded, series
from loratui.detectors.gradient import LEAST


class GradVanishing(CurveReader):
    """The gradient norm falls to a fiftieth of its early level or less, or to zero.

    What it sees: block means of ln(norm) more than ln 50 below those of the first quarter, for 4 %
        of the run; or fifty norms in a row that are exactly zero. Not while the learning rate is at
        the end of its schedule.
    Why it matters: weights without a gradient do not change; the rest of the run is wasted.
    When it is wrong: a norm that is logged after scaling or for a part of the weights only; a run
        that goes on from weights that fit the images already.
    Example: 0.3 until step 900, 0.002 from step 1100 on.
    """

    id = "grad-vanishing"

    def update(self, view: View) -> Verdict:
        self.curve.follow_beside(view)
        gradient = self.curve.gradient
        if not gradient.seen:
            return Verdict("cannot-tell", reason="no-gradient")
        total = view.total or view.facts.total_steps
        found = gradient.vanished(total, self.curve.schedule.end)
        if found is None:
            if len(gradient.logs.blocks) < LEAST:
                need = LEAST * gradient.logs.first_width
                have = {"have": gradient.seen, "need": need}
                return Verdict("too-early", reason="needs-steps", numbers=have)
            return Verdict("clear")
        numbers: dict[str, object] = {
            "kind": found.kind,
            "before": None if found.early is None else level(found.early),
            "now": 0.0 if found.kind == "zero" else level(found.now),
            "since": found.since,
            "steps": gradient.last - found.since + 1,
        }
        if found.kind == "small" and found.early is not None:
            numbers["ratio"] = rounded(level(found.early) / level(found.now))
            evidence = series("block means of the gradient norm", found.blocks, "grad_norm")
        else:
            data = {
                "name": "grad_norm",
                "steps": [found.since, gradient.last],
                "values": [0.0, 0.0],
            }
            evidence = Evidence("series", "gradient norms of zero", data)
        return Verdict(
            "firing", since=found.since, confidence=0.9, numbers=numbers, evidence=(evidence,)
        )
