"""From verdicts to findings: pending, firing, resolved. One place for all detectors."""

from __future__ import annotations

from dataclasses import dataclass, field

from loratui.core.findings import Evidence, Severity, Verdict

KEEP = 20
"""Steps for which a verdict must stay clear before its finding counts as resolved."""


@dataclass(slots=True)
class Tracked:
    """One finding's history. `fired_step` is when the data seen so far sufficed to say so."""

    id: str
    verdict: Verdict
    severity: Severity
    first_step: int | None
    fired_step: int | None
    last_step: int | None
    firing: bool = True
    text: bool = False
    offset: int = -1
    evidence: tuple[Evidence, ...] = field(default_factory=tuple)


class Lifecycle:
    """Keeps what fired, in the order in which it fired.

    `pending` holds the steps at which verdicts were first given that have not lasted long enough.
    """

    def __init__(self) -> None:
        self.tracked: dict[str, Tracked] = {}
        self.pending: dict[str, int] = {}
        self.revision = 0

    def see(
        self,
        finding: str,
        verdict: Verdict,
        default: Severity,
        step: int | None,
        *,
        text: bool,
        hold: int = 0,
    ) -> None:
        """Take note of a detector's newest verdict at `step`; it must last `hold` steps first."""
        known = self.tracked.get(finding)
        if self._waits(finding, verdict, known, step, hold):
            return
        if verdict.state == "firing":
            severity = verdict.severity if verdict.severity is not None else default
            if known is None:
                self.revision += 1
                self.tracked[finding] = Tracked(
                    finding,
                    verdict,
                    severity,
                    verdict.since,
                    step,
                    step,
                    text=text,
                    offset=_offset(verdict),
                    evidence=verdict.evidence,
                )
                return
            known.first_step = _earlier(known.first_step, verdict.since)
            if text and not known.text:  # the curve knows it already, and when it began
                if not any(each.kind == "log" for each in known.evidence):
                    known.evidence += verdict.evidence
                    self.revision += 1
                return
            if not text and known.text:
                known.text = False
                known.evidence = verdict.evidence + known.evidence
                known.verdict, known.severity = verdict, max(severity, known.severity)
                self.revision += 1
                return
            if known.verdict is verdict or (
                known.firing and known.verdict.numbers == verdict.numbers
            ):
                known.last_step = step
                return
            self.revision += 1
            known.verdict = verdict
            # a finding may grow worse, and keeps the worst that it was while it fires
            known.severity = max(severity, known.severity) if known.firing else severity
            known.firing, known.last_step = True, step
            if verdict.evidence:
                logged = tuple(each for each in known.evidence if each.kind == "log")
                known.evidence = verdict.evidence + (() if text else logged)
            return
        if known is None or not known.firing or known.text:
            return
        since = known.last_step or 0  # it may have fired before the first step
        if verdict.state == "clear" and step is not None and step - since >= KEEP:
            known.firing = False
            self.revision += 1

    def _waits(
        self, finding: str, verdict: Verdict, known: Tracked | None, step: int | None, hold: int
    ) -> bool:
        """Whether the verdict is too young to be said."""
        new = verdict.state == "firing" and (known is None or not known.firing)
        if not new or step is None or not hold:
            if self.pending.pop(finding, None) is not None:
                self.revision += 1
            return False
        if finding not in self.pending:
            self.pending[finding] = step
            self.revision += 1
        if step - self.pending[finding] < hold:
            return True
        del self.pending[finding]
        return False

    def go_on(self, step: int) -> None:
        """Training went on: an error in the text that did not end it is over."""
        for known in self.tracked.values():
            if (
                known.text
                and known.firing
                and known.severity >= Severity.ERROR
                and known.last_step is not None
                and step - known.last_step > KEEP
            ):
                known.firing = False
                self.revision += 1

    def since(self, offset: int) -> list[Tracked]:
        """Findings in the text whose line stands at or after `offset`."""
        return [known for known in self.tracked.values() if known.text and known.offset >= offset]


def _earlier(one: int | None, other: int | None) -> int | None:
    known = [step for step in (one, other) if step is not None]
    return min(known, default=None)


def _offset(verdict: Verdict) -> int:
    for evidence in verdict.evidence:
        found = evidence.data.get("offset")
        if isinstance(found, int):
            return found
    return -1
