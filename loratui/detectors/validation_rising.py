"""The loss on images that are not trained on rises while training goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from loratui.core.facts import RunFacts
from loratui.core.findings import Evidence, Severity, Verdict
from loratui.detectors.base import Columns, Detector, View
from loratui.detectors.curve import SHOWN, epoch_steps, rounded

NEED = 5
"""Evaluations before anything is said."""

RISE = math.log(1.05)
"""Rise over the lowest that counts; below 5 % no peer speaks of overfitting either."""

LEAST = 4
"""Evaluations that the rise must take."""

WORD, SURE = 3.8, 6.0
"""Standard errors of the slope for a word, and for a warning, with very many evaluations."""

FEW, FEW_SURE = 12.0, 24.0
"""What is added to them, divided by the number of differences: the noise of few is not well known.
"""

FLOOR = 0.002
"""Least noise of ln(loss): that of values with three digits."""

MOST = 64
"""Evaluations kept of a series; then neighbours are merged."""

USABLE = 3.0
"""The best samples were found at one to three times the steps of the lowest validation loss."""

WHOLE = "val_loss"
EPOCHS = "val_epoch_loss"


@dataclass(slots=True)
class Series:
    """One validation loss: steps and ln(loss), neighbours merged by `each` once there are many.
    `low` is the lowest single value, reached at `low_step`."""

    steps: list[int]
    logs: list[float]
    each: int = 1
    waiting: int = 0
    count: int = 0
    low: float = math.inf
    low_step: int = 0
    since_low: int = 0
    newest: float = math.nan

    def add(self, step: int, value: float) -> None:
        if not value > 0.0 or value == math.inf:
            return
        self.count += 1
        self.newest = value
        self.since_low += 1
        if value < self.low:
            self.low, self.low_step, self.since_low = value, step, 0
        log = math.log(value)
        if self.waiting:
            self.logs[-1] += (log - self.logs[-1]) / (self.waiting + 1)
            self.steps[-1] = step
        else:
            self.logs.append(log)
            self.steps.append(step)
        self.waiting = (self.waiting + 1) % self.each
        if len(self.logs) > MOST and not self.waiting:
            pairs = range(0, len(self.logs) - 1, 2)
            odd = len(self.logs) % 2
            last = (self.steps[-1], self.logs[-1])
            self.logs = [(self.logs[i] + self.logs[i + 1]) / 2 for i in pairs]
            self.steps = [self.steps[i + 1] for i in pairs]
            self.each *= 2
            if odd:
                self.steps.append(last[0])
                self.logs.append(last[1])
                self.waiting = self.each // 2


@dataclass(frozen=True, slots=True)
class Rise:
    """A straight line through the newest evaluations: its rise, in standard errors, and how many;
    `noise` of ln(loss) is known from `freedom` differences."""

    rise: float
    sure: float
    count: int
    noise: float
    freedom: int


def rise_of(logs: Sequence[float]) -> Rise | None:
    """The clearest rise that lasts up to the newest value; None where nothing rises.

    The noise is what is left over from the line, and before it that of neighbours' second
    differences, so that neither a fall nor a rise counts as noise: next to none for fixed seeds and
    time steps, much for random ones.
    """
    count = len(logs)
    bends = [0.0, *(logs[i - 1] - 2 * logs[i] + logs[i + 1] for i in range(1, count - 1))]
    before = list(accumulate(bend * bend / 6 for bend in bends))  # up to the bend at each place
    best: Rise | None = None
    total = weighted = squares = 0.0
    for size, log in enumerate(reversed(logs), 1):
        total += log
        weighted += (size - 1) * log
        squares += log * log
        if size < LEAST:
            continue
        # least squares against 0, -1, -2, … evaluations from the newest one back
        spread = size * (size * size - 1) / 12
        slope = -(weighted - total * (size - 1) / 2) / spread
        rise = slope * (size - 1)
        if rise <= RISE:
            continue
        left = max(0.0, squares - total * total / size - slope * slope * spread)
        earlier = max(0, count - size - 2)
        freedom = size - 2 + earlier
        noise = max(FLOOR, math.sqrt((left + (before[earlier] if earlier else 0.0)) / freedom))
        sure = slope * math.sqrt(spread) / noise
        if best is None or sure - FEW / freedom > best.sure - FEW / best.freedom:
            best = Rise(rise, sure, size, noise, freedom)
    return best


class ValidationRising(Detector):
    """The validation loss has passed its lowest point and rises.

    What it sees: the validation loss alone, the training loss never. The steepest sure rise of
        ln(loss) by a straight line through the newest evaluations, at least 5 %, against the noise
        of neighbouring evaluations. Of several sets or time steps each by itself.
    Why it matters: from here on the images are learned by heart; a checkpoint near the lowest point
        or up to three times its steps is usually the better one.
    When it is wrong: random time steps and few validation images make it wander; a change of the
        set in the middle of the run; a small rise often comes with better samples.
    Example: 0.121 at step 400, 0.112 at 800, then 0.116, 0.119, 0.123, 0.127.
    """

    id = "validation-rising"

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._losses = 0
        self._key: object = None
        self._verdict = Verdict("clear")

    def update(self, view: View) -> Verdict:
        for name, columns in view.metrics.items():
            if name == "loss":
                self._losses += len(columns.steps)
            elif name.startswith((WHOLE, EPOCHS)):
                self._take(name, columns)
        if not self._series:
            reason = "no-validation" if self._losses else "needs-evaluations"
            return Verdict("cannot-tell" if self._losses else "too-early", reason=reason)
        key = tuple(series.count for series in self._series.values())
        if key != self._key:
            self._key, self._verdict = key, self._judge(view)
        return self._verdict

    def _take(self, name: str, columns: Columns) -> None:
        series = self._series.setdefault(name, Series([], []))
        for step, value in zip(columns.steps, columns.values, strict=True):
            series.add(step, value)

    def _judge(self, view: View) -> Verdict:
        """The loss over the whole set first; a part of it where that does not rise."""
        known = self._series
        names = sorted(known, key=lambda name: (name != WHOLE, name != EPOCHS, name))
        if WHOLE in known:
            names = [name for name in names if not name.startswith(EPOCHS)]
        have = max(known[name].count for name in names)
        if have < NEED:
            numbers: dict[str, object] = {"have": have, "need": NEED}
            return Verdict("too-early", reason="needs-evaluations", numbers=numbers)
        parts = sum(name not in (WHOLE, EPOCHS) for name in names)
        for name in names:
            series = known[name]
            if series.count < NEED:
                continue
            rise = rise_of(series.logs)
            # of several parts one or the other rises by chance
            more = math.log(parts) / 2 if parts > 1 and name not in (WHOLE, EPOCHS) else 0.0
            if rise is None or not series.since_low:
                continue
            if rise.sure < WORD + FEW / rise.freedom + more:
                continue
            sure = rise.sure >= SURE + FEW_SURE / rise.freedom + more
            return self._found(name, rise, sure, view.facts, view)
        return Verdict("clear", numbers={"evaluations": have})

    def _found(self, name: str, rise: Rise, sure: bool, facts: RunFacts, view: View) -> Verdict:
        series = self._series[name]
        epoch = 1
        if name.startswith(EPOCHS):
            epoch = epoch_steps(facts, view.total or facts.total_steps) or 1
        best = series.low_step * epoch
        start = series.logs[-rise.count :]
        numbers = {
            "best": best,
            "usable": round(USABLE * best),
            "low": rounded(series.low),
            "now": rounded(series.newest),
            "evaluations": series.since_low,
            "rise": rounded(math.exp(rise.rise) - 1),
            "noise": rounded(rise.noise),
            "part": name.partition(" ")[2] or None,
            "steps": series.steps[-1] * epoch - best,
        }
        every = math.ceil(len(series.logs) / SHOWN)
        data = {
            "name": name,
            "steps": [step * epoch for step in series.steps[::-every][::-1]],
            "values": [rounded(math.exp(log)) for log in series.logs[::-every][::-1]],
        }
        return Verdict(
            "firing",
            since=max(best, series.steps[-len(start)] * epoch),
            confidence=0.9 if sure else 0.6,
            severity=Severity.WARNING if sure else Severity.INFO,
            numbers=numbers,
            evidence=(Evidence("series", "validation loss", data),),
        )
