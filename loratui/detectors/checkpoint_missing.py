"""A checkpoint was due, and none has come."""

from __future__ import annotations

import math

from loratui.core.findings import Verdict
from loratui.detectors.base import Detector, View
from loratui.detectors.readings import REFRESH, seen
from loratui.detectors.saves import Due, Schedule, name_of

GRACE, SHARE = 3, 0.02
"""Steps, and share of the run, after which a save that was due must have begun: training waits for
it, but what the bar shows and what is printed may be read in another order."""

STEPS = 50
"""Steps after which what was found is said anew, with the step that it is then."""

WRITING = 180.0
"""Seconds that a file may take to appear complete in a folder, on a network disk as well."""

NAMING = ("kohya", "musubi-tuner", "diffusion-pipe")
"""Trainers whose line about the last save is known for all of their versions."""

SKIPPING = ("onetrainer",)
"""Trainers that may leave out the first saves, by an option that is not read."""


class CheckpointMissing(Detector):
    """The settings ask for a checkpoint, and neither the log nor the output folder has it.

    What it sees: a save that was due by `save_every` or an epoch's end, with everything that the
        trainer printed until then read (or its output folder watched since before, for 3 minutes
        and a few steps more), and no checkpoint since. Also a run that the log calls finished
        without having named one.
    Why it matters: hours of training without anything to use, or to go on from.
    When it is wrong: files that go to another place than the configuration says; an option that
        leaves out saves.
    Example: save_every_n_steps = 200, step 640 of 2,000, and nothing saved since step 200.
    """

    id = "checkpoint-missing"
    timed = True

    def __init__(self) -> None:
        self._first: int | None = None
        self._count = 0
        self._newest = ""
        self._seen_at = -1
        self._overdue: tuple[int, float] | None = None  # the step that was due, and since when
        self._said: tuple[tuple[Due, str, str], int, float, Verdict] | None = None

    def update(self, view: View) -> Verdict:
        for file in view.checkpoints:
            self._count += 1
            self._newest = name_of(file.path)
            self._seen_at = max(self._seen_at, view.step or 0)
        if view.step is None:
            return Verdict("too-early")
        if self._first is None:
            begun = [column.steps[0] for column in view.metrics.values() if column.steps]
            self._first = min((*begun, view.step))
        if self._is_over_without(view):
            return self._found(view, Due(view.step, view.step, "step", 0), "log", "none")
        schedule = Schedule(view.facts, view.total)
        if not schedule.known:
            return Verdict("cannot-tell")
        if view.facts.trainer in SKIPPING and not self._count:
            return Verdict("cannot-tell")
        length = view.total or view.facts.total_steps or 0
        grace = max(GRACE, math.ceil(SHARE * length))
        told = self._told(view, schedule, grace)
        due = told or self._watched(view, schedule, grace)
        if due is not None:
            kind = "late" if self._count else "first"
            return self._found(view, due, "log" if told else "folder", kind)
        looked = view.facts.saves != "never" or view.around.watched_from is not None
        return Verdict("clear" if looked and self._count else "too-early")

    def _told(self, view: View, schedule: Schedule, grace: int) -> Due | None:
        """The save that the log should have told of by now."""
        if view.facts.saves == "never" or view.told is None or view.step is None:
            return None
        passed = schedule.passed(view.step - grace, view.told - grace * schedule.accumulated)
        return self._missing(passed, self._first or 0)

    def _watched(self, view: View, schedule: Schedule, grace: int) -> Due | None:
        """The save whose file should have appeared by now."""
        around = view.around
        if around.watched_from is None or around.quiet is None or view.step is None:
            return None
        at = view.step - grace
        due = self._missing(schedule.passed(at, at * schedule.accumulated), around.watched_from)
        if due is None:
            self._overdue = None
            return None
        if self._overdue is None or self._overdue[0] != due.step:
            self._overdue = due.step, view.now
        return due if view.now - self._overdue[1] >= WRITING else None

    def _missing(self, passed: list[Due], since: int) -> Due | None:
        missing = [due for due in passed if due.step > max(since, self._seen_at)]
        return min(missing, key=lambda due: due.step, default=None)

    def _is_over_without(self, view: View) -> bool:
        """Whether the log has come to its end without naming a single checkpoint."""
        facts = view.facts
        if self._count or facts.trainer not in NAMING or facts.saves == "never":
            return False
        if view.ended is not None:
            return view.ended.how == "finished"
        step, total = view.step or 0, view.total or 0
        return 0 < total <= step and facts.saves == "late" and view.complete

    def _found(self, view: View, due: Due, where: str, kind: str) -> Verdict:
        said, step = (due, where, kind), view.step or 0
        if self._said is not None and said == self._said[0]:
            _, at, time, known = self._said
            if step < at + STEPS and 0.0 <= view.now - time < REFRESH:
                return known
        verdict = self._verdict(view, due, where, kind)
        self._said = said, step, view.now, verdict
        return verdict

    def _verdict(self, view: View, due: Due, where: str, kind: str) -> Verdict:
        numbers = {
            "kind": kind,
            "where": where,
            "due": due.step,
            "unit": due.unit,
            "number": due.number,
            "every": due.every or None,
            "step": view.step,
            "newest": self._newest or None,
            "folder": view.facts.config.get("output_path") if where == "folder" else None,
        }
        text = f"due at step {due.step}, now at step {view.step}, {self._count} checkpoints so far"
        return Verdict(
            "firing",
            since=due.step,
            confidence=0.85,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
