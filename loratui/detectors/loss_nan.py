"""The loss is not a number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loratui.core.findings import Evidence, Severity, Verdict
from loratui.core.statistics import finite
from loratui.detectors.base import Detector, View
from loratui.detectors.curve import rounded

LASTING = 5
"""Newest points that must all be bad before a raw loss counts as lost for good."""

ZEROS = 2
"""Zeros that count as NaN where a trainer prints NaN as zero; one is enough at the newest step."""

AROUND = 12
"""Points kept as evidence on either side of the first bad one."""

Point = tuple[int, float]


class Tally:
    """Bad points so far: how many, first and newest step, how many in a row up to now."""

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self.newest = 0
        self.trailing = 0
        self.kind = ""
        self.last_good: float | None = None
        self.near: list[Point] = []
        self._good: list[Point] = []

    def good(self, steps: Sequence[int], values: Sequence[float]) -> None:
        self.trailing = 0
        if self.first is None:
            self._good += zip(steps[-AROUND:], values[-AROUND:], strict=True)
            del self._good[:-AROUND]
        elif len(self.near) < 2 * AROUND:
            room = 2 * AROUND - len(self.near)
            self.near += zip(steps[:room], values[:room], strict=True)

    def bad(self, step: int, value: float, kind: str) -> None:
        if self.first is None:
            self.first, self.kind = step, kind
            self.near = list(self._good)
            self.last_good = self._good[-1][1] if self._good else None
        if len(self.near) < 2 * AROUND:
            self.near.append((step, value))
        self.count += 1
        self.newest = step
        self.trailing += 1


class LossNan(Detector):
    """The loss became NaN or infinite.

    What it sees: values that are no finite number; for ai-toolkit also an exact 0.0, which is how
        it prints a NaN. A raw loss that is bad for the last five points is taken as lost for good.
        sd-scripts prints a running mean, which one NaN step poisons for ever: whether one step or
        all are bad cannot be told from it, only from the saved weights.
    Why it matters: a NaN gradient destroys the weights in one step; checkpoints saved afterwards
        are worthless.
    When it is wrong: mixed precision skips single bad steps without harm (then it is a warning).
    Example: avr_loss=0.116, then avr_loss=nan from step 41 on.
    """

    id = "loss-nan"

    def __init__(self) -> None:
        self._seen = 0
        self._nonzero = False
        self._strict = Tally()  # NaN and infinite only
        self._wide = Tally()  # zeros too

    def update(self, view: View) -> Verdict:
        columns = view.metrics.get("loss")
        if columns is not None and columns.values:
            self._take(columns.steps, columns.values)
        if not self._seen:
            return Verdict("too-early", reason="needs-steps", numbers={"have": 0, "need": 1})
        zero_is_nan = view.facts.trainer == "ai-toolkit"
        tally = self._wide if zero_is_nan else self._strict
        if zero_is_nan and not self._enough_zeros():
            tally = self._strict
        if not tally.count:
            return Verdict("clear")
        return self._found(tally, view)

    def _take(self, steps: Sequence[int], values: Sequence[float]) -> None:
        self._seen += len(values)
        if finite(values) and all(values):
            self._nonzero = True
            self._strict.good(steps, values)
            self._wide.good(steps, values)
            return
        for step, value in zip(steps, values, strict=True):
            if value != value or value in (math.inf, -math.inf):
                kind = "nan" if value != value else "inf"
                self._strict.bad(step, value, kind)
                self._wide.bad(step, value, kind)
            else:
                self._nonzero = self._nonzero or value != 0.0
                self._strict.good((step,), (value,))
                if value == 0.0:
                    self._wide.bad(step, value, "zero")
                else:
                    self._wide.good((step,), (value,))

    def _enough_zeros(self) -> bool:
        wide = self._wide
        if self._strict.count:
            return True
        if not self._nonzero:  # zeros from the first step on: only when there are several
            return wide.count >= LASTING
        return wide.count >= ZEROS or wide.trailing > 0

    def _found(self, tally: Tally, view: View) -> Verdict:
        running = view.facts.loss_kind == "running-mean"
        permanent: bool | str
        if not tally.trailing:
            permanent = False
        elif running:
            permanent = "unknown"
        else:
            permanent = tally.trailing >= LASTING or view.ended is not None
        good = tally.last_good
        numbers = {
            "first": tally.first,
            "newest": tally.newest,
            "count": tally.count,
            "of": self._seen,
            "kind": tally.kind,
            "permanent": permanent,
            "last_good": None if good is None else rounded(good),
        }
        data = {
            "name": "loss",
            "steps": [step for step, _ in tally.near],
            "values": [v if math.isfinite(v) else str(v) for _, v in tally.near],
        }
        return Verdict(
            "firing",
            since=tally.first,
            confidence=1.0 if tally.kind != "zero" else 0.95,
            severity=Severity.CRITICAL if permanent else Severity.WARNING,
            numbers=numbers,
            evidence=(Evidence("series", "loss around the first bad value", data),),
        )
