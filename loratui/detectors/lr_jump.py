"""The learning rate jumps far above everything that it was before."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import finite
from loratui.detectors.base import Detector, View
from loratui.detectors.curve import rounded
from loratui.detectors.lr_zero import adaptive

TIMES = 3.0
"""Times the highest rate before. A warm-up rises by less from step to step once it is underway, a
restart of the schedule goes back to that highest rate."""

SETTLED = 20
"""Points without a new highest rate before a jump: a warm-up is over then."""

STAYS = 3
"""Points that must stay up there, and grow by less than GROWS from one to the next: an optimizer
that looks for its rate goes on growing."""

GROWS = 1.3

LEAST = 2e-6
"""Highest rate before below which the run had not begun to train: Prodigy and D-Adaptation start at
1e-6 and grow by leaps."""

BEGIN = 20
"""First step up to which the run's begin counts as seen."""

DOWN = 0.7
"""Share of the highest rate seen below which a schedule has come down."""

BACK = 1.05
"""Times the configured rate up to which a rise only goes back to it."""

SHOWN = 12

PLANNED = ("piecewise", "step_rules", "cycl", "onecycle")
"""Schedules that a user writes himself, up as well as down."""


class LrJump(Detector):
    """The learning rate becomes more than three times what it ever was, from one step to the next.

    What it sees: the printed rate against the highest one before. Fires when it is more than three
        times that, after 20 points without a new highest one, and stays there. A warm-up, restarts,
        a return to the configured rate, steps down, and where the steps go back (a resumed run) are
        no jumps.
    Why it matters: steps several times as large as before can destroy within minutes what the run
        has learned.
    When it is wrong: a schedule that was written to rise in the middle of the run.
    Example: lr=1e-4 until step 900, lr=1e-3 from step 901 on.
    """

    id = "lr-jump"

    def __init__(self) -> None:
        self._seen = 0
        self._step = 0
        self._whole = False  # the run's begin is in the log
        self._asked = 0.0
        self._quiet = 0  # points since the highest rate was reached
        self._peak = 0.0
        self._before: list[tuple[int, float]] = []
        self._jump: list[tuple[int, float]] = []  # what came since a jump that is not certain yet
        self._base = 0.0  # the highest rate before that
        self._found: Verdict | None = None

    def update(self, view: View) -> Verdict:
        columns = view.metrics.get("lr")
        if columns is not None and columns.values:
            steps, values = columns.steps, columns.values
            if not finite(values):
                kept = [i for i, v in enumerate(values) if v - v == 0.0]
                steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            if values:
                resumed = view.facts.resumed
                asked = view.facts.config.number("learning_rate")
                self._asked = asked if asked is not None and asked == asked else 0.0
                self._take(steps, values, resumed.step if resumed is not None else None)
        if adaptive(view.facts):
            return Verdict("cannot-tell", reason="adaptive-optimizer")
        if not self._seen:
            return Verdict("cannot-tell", reason="no-rate")
        if self._found is not None:
            schedule = str(view.facts.config.get("lr_scheduler") or "").lower()
            if not any(name in schedule for name in PLANNED):
                return self._found
        if self._seen <= SETTLED:
            numbers = {"have": self._seen, "need": SETTLED + 1}
            return Verdict("too-early", reason="needs-steps", numbers=numbers)
        return Verdict("clear", numbers={"peak": self._peak})

    def _take(self, steps: Sequence[int], values: Sequence[float], resumed: int | None) -> None:
        if not self._seen:
            self._whole = steps[0] <= BEGIN
        self._seen += len(values)
        if not self._jump and steps[0] > self._step and max(values) <= self._peak:
            self._quiet += len(values)
            self._step = steps[-1]
            self._before += zip(steps[-SHOWN:], values[-SHOWN:], strict=True)
            del self._before[:-SHOWN]
            return
        for step, value in zip(steps, values, strict=True):
            self._point(step, value, resumed)
            self._step = step
            if not self._jump:
                self._before.append((step, value))
                del self._before[:-SHOWN]

    def _point(self, step: int, value: float, resumed: int | None) -> None:
        if step < self._step or (resumed is not None and step == resumed + 1):
            self._peak, self._quiet, self._jump = value, 0, []  # another run goes on here
        elif self._jump:
            self._after(step, value)
        elif value > self._peak:
            if self._jumped(value):
                self._jump, self._base = [(step, value)], self._peak
            self._peak, self._quiet = value, 0
        else:
            self._quiet += 1

    def _jumped(self, value: float) -> bool:
        """Whether this can be a jump. Where the run's begin is not seen a rate that has come down
        may go back to a peak that was before."""
        if self._quiet < SETTLED or self._peak < LEAST or value <= TIMES * self._peak:
            return False
        if value <= BACK * self._asked:
            return False
        return self._whole or self._before[-1][1] >= DOWN * self._peak

    def _after(self, step: int, value: float) -> None:
        jump = self._jump
        last = jump[-1][1]
        self._peak = max(self._peak, value)
        self._quiet = 0
        if value <= TIMES * self._base or value > GROWS * last:
            self._jump = []
            return
        jump.append((step, value))
        if len(jump) < STAYS or self._found is not None:
            return
        first = jump[0]
        points = self._before + jump
        numbers = {
            "step": first[0],
            "before": self._before[-1][1] if self._before else self._base,
            "peak": self._base,
            "now": first[1],
            "times": rounded(first[1] / self._base),
        }
        data = {
            "name": "lr",
            "steps": [at for at, _ in points],
            "values": [rate for _, rate in points],
        }
        self._found = Verdict(
            "firing",
            since=first[0],
            confidence=0.95,
            numbers=numbers,
            evidence=(Evidence("series", "learning rate around the jump", data),),
        )
        self._jump = []
