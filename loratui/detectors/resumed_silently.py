"""The run goes on with an earlier one without having been asked to."""

from __future__ import annotations

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import Detector, View
from loratui.detectors.readings import seen
from loratui.detectors.usual import is_on

BY_THEMSELVES = ("ai-toolkit", "simpletuner")
"""Trainers that go on with what lies in the output folder unless told otherwise. Sources:
ai-toolkit jobs/process/BaseSDTrainProcess.py; SimpleTuner's resume_from_checkpoint is latest."""


class ResumedSilently(Detector):
    """The trainer found an earlier run in the output folder and went on with it.

    What it sees: a log that says from what the run goes on, or a bar that begins beyond 0, while no
        option of the configuration asks for it.
    Why it matters: the LoRA is not the fresh one that was meant: other data or settings are mixed
        into it, and fewer steps are left.
    When it is wrong: the same job started again in order to go on. Hence it is information.
    Example: ai-toolkit, same name as last week: "IMPORTANT RESUMING FROM" and the bar begins at
        1,750 of 2,000.
    """

    id = "resumed-silently"

    def update(self, view: View) -> Verdict:
        facts = view.facts
        resumed = facts.resumed
        if resumed is None:
            return Verdict("clear") if view.step is not None else Verdict("too-early")
        found = facts.config.values.get("resume")
        refused = found is not None and not is_on(found.value)
        if not refused and (found is not None or facts.trainer not in BY_THEMSELVES):
            return Verdict("clear")  # asked for, be it with an option that is not seen here
        total = view.total or facts.total_steps
        step = resumed.step
        numbers = {
            "step": step,
            "path": resumed.path or None,
            "total": total,
            "left": total - step if total is not None and step is not None else None,
            "trainer": facts.trainer,
        }
        text = "goes on with an earlier run" + (f" from step {step}" if step is not None else "")
        return Verdict(
            "firing",
            since=step,
            confidence=0.9,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
