"""Steps take much longer than they did early in the run."""

from __future__ import annotations

import math

from loratui.core.findings import Evidence, Verdict
from loratui.detectors.base import View
from loratui.detectors.curve import SHOWN, rounded
from loratui.detectors.pace import BASELINE, FIRST_STEPS, NOW, SLOWER, STEPS, Pace, Paced


class StepSlowdown(Paced):
    """Training has slowed down within the run.

    What it sees: seconds a step from the bar's own clock, without the intervals in which the
        trainer sampled, saved, cached or validated. The median of the newest three stretches
        against those of 5 to 20 % of the run: more than 1.5 times, and beyond their scatter.
    Why it matters: memory spilling into system RAM, a hot or shared GPU, a full disk or a leaking
        process: the rest of the run costs more than planned.
    When it is wrong: larger resolutions that come late in the run, a suspended machine, another
        job that was started on purpose.
    Example: 1.2 s a step until step 900, 2.6 s from there on.
    """

    id = "step-slowdown"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self._key: object = None
        self._verdict = Verdict("cannot-tell", reason="no-clock")

    def update(self, view: View) -> Verdict:
        self.pace.update(view)
        if self.pace.step is None:
            seen = view.step or 0
            if seen > STEPS:
                return Verdict("cannot-tell", reason="no-clock")
            return Verdict("too-early", reason="needs-steps", numbers={"have": seen, "need": STEPS})
        total = view.total or view.facts.total_steps
        key = (self.pace.revision, total)
        if key != self._key or self._verdict.state == "too-early":
            self._key, self._verdict = key, self._judge(total)
        return self._verdict

    def _judge(self, total: int | None) -> Verdict:
        pace = self.pace
        if len(pace.baseline(total)) < NOW:
            have = (pace.step or 0) - (pace.first or 0)
            need = math.ceil(BASELINE[1] * total) if total else FIRST_STEPS
            if have >= need:  # steps enough, but they took too few seconds for a clock of seconds
                return Verdict("too-early", reason="needs-time")
            return Verdict("too-early", reason="needs-steps", numbers={"have": have, "need": need})
        change = pace.change(total)
        if change is None:
            return Verdict("clear")
        if change.slower:
            return self._found(change.before, change.now)
        numbers = {"before": rounded(change.before), "now": rounded(change.now)}
        return Verdict("clear", numbers=numbers)

    def _found(self, before: float, now: float) -> Verdict:
        stretches = self.pace.stretches
        onset = len(stretches) - 1
        while onset and stretches[onset - 1].pace > math.sqrt(SLOWER) * before:
            onset -= 1
        since = stretches[onset].first
        numbers = {
            "ratio": rounded(now / before),
            "before": rounded(before),
            "now": rounded(now),
            "steps": max(0, stretches[-1].last - since),
        }
        every = math.ceil(len(stretches) / SHOWN)
        shown = stretches[::-1][::every][::-1]
        data = {
            "name": "seconds a step",
            "steps": [s.last for s in shown],
            "values": [rounded(s.pace) for s in shown],
        }
        return Verdict(
            "firing",
            since=since,
            confidence=0.9,
            numbers=numbers,
            evidence=(Evidence("series", "seconds a step from the bar's clock", data),),
        )
