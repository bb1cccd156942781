"""The step counter goes back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import le

from loratui.core.facts import LossKind
from loratui.core.findings import Evidence, Severity, Verdict
from loratui.detectors.base import Detector, View

SERIES = ("loss", "lr")
"""Series that count the run's own steps; the first that there is."""

LEAST = 2
"""Steps that it must go back: with several processes one step may come twice."""

SHOWN = 12


class StepWentBack(Detector):
    """Steps that were counted already are counted again.

    What it sees: within one series of one run a step lower than the one before it, by two or more;
        or a run that goes on from a checkpoint before the last step of the one above it in the same
        log. Information only.
    Why it matters: the steps between are trained again, so what was gained in them is lost; when it
        happens again and again, two processes write into one file.
    When it is wrong: a trainer that counts steps anew in every epoch or stage.
    Example: steps … 718, 719, 720, 601, 602 …
    """

    id = "step-went-back"

    def __init__(self) -> None:
        self._name = ""
        self._kind: LossKind = "unknown"
        self._last: int | None = None
        self._count = 0
        self._backs: list[tuple[int, int]] = []  # (from, to)

    def update(self, view: View) -> Verdict:
        if view.facts.loss_kind != self._kind:  # another file gives the loss from now on
            self._kind, self._last = view.facts.loss_kind, None
        for name in (self._name,) if self._name else SERIES:
            columns = view.metrics.get(name)
            if columns is not None and columns.steps:
                self._name = name
                self._take(columns.steps)
                break
        resumed = view.facts.resumed
        if resumed is not None and resumed.step is not None and resumed.reached is not None:
            back = resumed.reached - resumed.step
            if back >= LEAST:
                return self._found([(resumed.reached, resumed.step), *self._backs], "resumed")
        if self._backs:
            return self._found(self._backs, "count")
        if self._last is None:
            return Verdict("too-early", reason="needs-steps")
        return Verdict("clear")

    def _take(self, steps: Sequence[int]) -> None:
        last = self._last
        if last is not None and last - steps[0] >= LEAST:
            self._back(last, steps[0])
        if not all(map(le, steps, steps[1:])):
            for one, other in pairwise(steps):
                if one - other >= LEAST:
                    self._back(one, other)
        self._last = steps[-1]

    def _back(self, last: int, step: int) -> None:
        self._count += 1
        if len(self._backs) < SHOWN:
            self._backs.append((last, step))

    def _found(self, backs: Sequence[tuple[int, int]], kind: str) -> Verdict:
        last, step = backs[0]
        numbers = {
            "kind": kind if len(backs) == 1 else "several",
            "last": last,
            "step": step,
            "again": last - step,
            "count": self._count + (kind == "resumed"),
        }
        data = {
            "name": "step",
            "from": [one for one, _ in backs],
            "to": [other for _, other in backs],
        }
        return Verdict(
            "firing",
            since=step,
            confidence=1.0,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=(Evidence("number", f"from step {last} back to step {step}", data),),
        )
