"""The process has ended before its last step, and nothing in the log says why."""

from __future__ import annotations

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import Exceptions, Watcher, seen

DONE, STEPS = 0.98, 2
"""Share of the steps, and number of those missing, with which a run counts as complete: bars end a
step short, and the last epoch may lack a batch. Source: ai-toolkit BaseSDTrainProcess.py."""

SETTLED = 3.0
"""Seconds in which the last lines of a process that has ended are read."""


class ExitedEarly(Watcher):
    """The process, or the pipe that it wrote to, ended in the middle of training.

    What it sees: that a process which was seen living is gone, or that the log says "finished",
        while the bar stands below 98 % of its steps, without an exception and without the user's
        own wish to stop.
    Why it matters: it was ended from outside (memory, a time limit, a closed terminal) and only the
        last checkpoint is left.
    When it is wrong: a process that someone ended on purpose with a signal that leaves no trace.
    Example: the bar at 1,240 of 3,400, no traceback, and the process is gone.
    """

    id = "exited-early"

    def __init__(self) -> None:
        super().__init__()
        self._exceptions = Exceptions()
        self._gone_since: float | None = None

    def update(self, view: View) -> Verdict:
        known = super().update(view)
        return known if view.ended is None else self._judge(view, view.ended.how)

    def hear(self, view: View) -> None:
        self._exceptions.update(view)

    def look(self, view: View, seconds: float) -> Verdict:
        around = view.around
        if not around.gone:
            self._gone_since = None
            return Verdict("clear") if around.quiet is not None else Verdict("cannot-tell")
        if self._gone_since is None:
            self._gone_since = view.now
        # the end of a pipe comes behind all that was written to it
        if around.processes is not None and 0.0 <= view.now - self._gone_since < SETTLED:
            return Verdict("clear")
        return self._judge(view)

    def _judge(self, view: View, ended: str = "") -> Verdict:
        if self._exceptions.fatal or ended in ("failed", "killed", "stopped"):
            return Verdict("cannot-tell")  # the log itself says how it ended
        step, total = view.step, view.total or view.facts.total_steps
        resumed = view.facts.resumed
        if step is None:
            return self._before_training(view) if not ended else Verdict("cannot-tell")
        if not total or (resumed is not None and resumed.step is None):
            return Verdict("cannot-tell")
        if step >= DONE * total or total - step <= STEPS:
            return Verdict("clear")
        if not ended and view.around.phase == "finished":
            ended = "finished"
        return self._found(view, "finished" if ended else "gone", step, total)

    def _before_training(self, view: View) -> Verdict:
        """Scripts that only cache end there rightly; none ends while it loads a model."""
        if view.around.phase != "loading" or view.facts.trainer == "unknown":
            return Verdict("cannot-tell")
        return self._found(view, "loading", None, None)

    def _found(self, view: View, kind: str, step: int | None, total: int | None) -> Verdict:
        share = None if not total or step is None else round(step / total, 3)
        numbers = {"kind": kind, "step": step, "total": total, "share": share}
        where = "before the first step" if step is None else f"at step {step} of {total}"
        return Verdict(
            "firing",
            since=step,
            confidence=0.9 if kind == "gone" else 0.75,
            severity=Severity.WARNING if kind == "finished" else None,
            numbers=numbers,
            evidence=seen(f"ended {where}", **numbers),
        )
