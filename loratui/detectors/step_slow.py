"""Steps take longer than they should on this card."""

from __future__ import annotations

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.curve import rounded
from loratui.detectors.pace import Paced
from loratui.detectors.readings import Watcher, seen
from loratui.detectors.usual import Usual, offloads, usual_time

SLOWER, SCALED = 1.5, 2.0
"""How many times above the table's upper end a step must be: at the table's own setting, and where
it had to be scaled, which says less."""

SECONDS = 60.0
"""Seconds of training behind which the first steps, with their compilation, count no more."""


class StepSlow(Paced, Watcher):
    """The run is slower than a listed card should be.

    What it sees: seconds a step from the bar's own clock against what the knowledge base lists for
        the card. Where batch size, accumulation and resolution are those of the table: a warning
        beyond 1.5 times its upper end; where the table had to be scaled to the run's settings:
        information beyond twice.
    Why it matters: a wrong setting (precision, memory that spills, no fast attention) may cost
        hours, and the run itself never says so.
    When it is wrong: the table is a rule of thumb for one kind of run; training the text encoders
        as well, or saving memory by computing things twice, costs time rightly.
    Example: SDXL with batch size 1 on an RTX 3090, 9 s a step; the table says 2 to 4.
    """

    id = "step-slow"

    def hear(self, view: View) -> None:
        self.pace.update(view)

    def look(self, view: View, seconds: float) -> Verdict:
        if view.around.quiet is None:
            return Verdict("cannot-tell")
        if not self.here(view):
            return self._shown
        usual = usual_time(view)
        if usual is None:
            return Verdict("cannot-tell", reason=_why(view))
        now = self.pace.now
        if now is None or sum(s.seconds for s in self.pace.stretches) < SECONDS:
            return Verdict("too-early", reason="needs-time")
        limit = (SLOWER if usual.exact else SCALED) * usual.high
        if now <= limit * (0.9 if self.firing else 1.0):
            return Verdict("clear", numbers={"now": rounded(now), "high": rounded(usual.high)})
        return self._found(usual, now, view)

    def _found(self, usual: Usual, now: float, view: View) -> Verdict:
        numbers = {
            "kind": "exact" if usual.exact else "scaled",
            "card": usual.card,
            "now": rounded(now),
            "low": rounded(usual.low),
            "high": rounded(usual.high),
            "ratio": rounded(now / usual.high),
            "work": rounded(usual.work),
            "batch_size": usual.batch_size,
            "side": usual.side,
        }
        text = f"{now:.3g} s a step; {usual.low:.3g} to {usual.high:.3g} s are usual"
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.8 if usual.exact else 0.6,
            severity=Severity.WARNING if usual.exact else Severity.INFO,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )


def _why(view: View) -> str:
    """Why there is nothing to compare with."""
    if not view.around.machine:
        return "no-readings"
    if not any(view.facts.family in time.families for time in view.around.step_times):
        return "no-figure"
    return "offload" if offloads(view.facts.config) else "no-setting"
