"""The loss scatters more and more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub

from loratui.core.findings import Evidence, Severity, Verdict
from loratui.core.statistics import MOST, median
from loratui.detectors.base import View
from loratui.detectors.curve import SHOWN, Curve, CurveDetector, Trend, epoch_steps, rounded
from loratui.detectors.running_mean import rounding, until_broken

GROWTH = math.log(1.5)
"""Growth of the scatter that is worth a word."""

ERRORS, SURE = 4.5, 5.5
"""Standard errors for a word, and for a warning: every block may be where it began, and noise with
heavy tails goes as far as five by chance."""

NEED = 12
BEFORE, AFTER = 5, 3
"""Least blocks before and after the growth."""

LEAST_POINTS = 4
"""Points in a block whose scatter says anything."""

EFFICIENCY = 0.756
"""Standard deviation of ln of the mean absolute deviation of n normal points, times sqrt(n)."""

USUAL = 10
"""Differences between blocks that normal noise counts for."""

SHARED = 1.4
"""What it adds to the error that neighbouring stretches of changes correlate by nearly 1/2."""

SLOTS = 40
"""Steps of a running mean's epoch up to which its changes from step to step say more than its three
digits hide; of a longer one the changes over several steps are taken."""

SAMPLED = 8
"""Stretches that are looked at of all those that are merged into one: long runs have plenty."""

HIDDEN = 0.6
"""Share of the changes of a running mean, in standard deviations, that may come from rounding."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """How much the points of a stretch scatter, as a logarithm; `count` points from step `first`
    to `last`. `coarse` is the same with one digit less, NaN where that leaves nothing."""

    first: int
    last: int
    count: int
    log: float
    coarse: float = math.nan

    def __add__(self, other: Scatter) -> Scatter:
        count = self.count + other.count
        one, two = self.count / count, other.count / count
        log = one * self.log + two * other.log
        return Scatter(self.first, other.last, count, log, one * self.coarse + two * other.coarse)


class Changes:
    """The scatter of the losses behind a running mean, from its changes.

    E times a change is the loss that came in less the one that went out. Its mean absolute size
    over twice the mean is Gini's coefficient, which grows with the scatter but levels off where
    that is wide already; the deviation of its logarithm grows just there. Their product grows with
    the scatter at every width and does not depend on the level.
    """

    def __init__(self, epoch: int) -> None:
        self.stride = max(1, round(epoch / SLOTS))
        self.slots = epoch / self.stride
        self.width = max(20, math.ceil(self.slots))
        self.stretches: list[Scatter] = []
        self.revision = 0
        self._over = False
        self._merged = 1
        self._number = 0
        self._start: int | None = None
        self._epoch = epoch
        self._steps: list[int] = []
        self._values: list[float] = []
        self._open: Scatter | None = None
        self._quantum = 0.0
        self._hidden = 0.0
        self._size = 0.0

    @property
    def hidden(self) -> float:
        """Share of the changes that rounding makes."""
        return self._hidden / self._size if self._size else 1.0

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take points of the mean. Those of its first epoch only fill it."""
        if self._over or not values:
            return
        usable = until_broken(values)
        if usable < len(values):
            self._over = True
            steps, values = steps[:usable], values[:usable]
        if not values:
            return
        if self._start is None:
            self._start = steps[0] + self._epoch
        if self.stride > 1 or steps[0] < self._start:
            kept = [
                i for i, step in enumerate(steps) if step >= self._start and not step % self.stride
            ]
            steps, values = [steps[i] for i in kept], [values[i] for i in kept]
        self._steps += steps
        self._values += values
        need = self.width + 1
        begin = 0
        while len(self._values) - begin >= need:
            end = begin + need
            self._number += 1
            if not self._number % max(1, self._merged // SAMPLED):
                self._add(self._steps[begin + 1], self._steps[end - 1], self._values[begin:end])
            begin = end - 1
        del self._steps[:begin], self._values[:begin]

    def _add(self, first: int, last: int, values: list[float]) -> None:
        quantum = rounding(min(values))
        if quantum > self._quantum:
            self._coarsen(quantum)
        elif quantum < self._quantum:  # finer digits, but scatters must stay comparable
            values = [round(value / self._quantum) * self._quantum for value in values]
        quantum = self._quantum
        log, size = self._scatter(values, quantum)
        count = len(values) - 1
        # the mean absolute size of a normal with the variance of two rounded values' difference
        self._hidden += math.sqrt(2 / math.pi * 2 / 12) * quantum * count
        self._size += size
        if log != log:
            return
        quantum *= 10
        coarse, _ = self._scatter([round(v / quantum) * quantum for v in values], quantum)
        new = Scatter(first, last, count * max(1, self._merged // SAMPLED), log, coarse)
        self.revision += 1
        self._open = new if self._open is None else self._open + new
        if self._open.count < self._merged * self.width:
            return
        self.stretches.append(self._open)
        self._open = None
        if len(self.stretches) >= MOST:
            old = self.stretches
            self.stretches = [old[i] + old[i + 1] for i in range(0, len(old) - 1, 2)]
            self._merged *= 2

    def _scatter(self, values: Sequence[float], quantum: float) -> tuple[float, float]:
        """The logarithm of the scatter, and the sum of the changes' sizes."""
        sizes = list(map(abs, map(sub, values[1:], values)))
        size, total, count = sum(sizes), sum(values[1:]), len(sizes)
        if not size or not total:
            return math.nan, size
        least, log = quantum / 2, math.log
        logs = [log(each or least) for each in sizes]
        variance = math.hypot(*logs) ** 2 / count - (sum(logs) / count) ** 2
        if variance < 1e-9:
            return math.nan, size
        deviation = math.sqrt(variance)
        return math.log(self.slots * size / total * deviation), size

    def _coarsen(self, quantum: float) -> None:
        """The mean has risen by a digit, and the printed steps with it: what was before must be
        seen through the same steps."""
        known = self.stretches if quantum < 11 * self._quantum else []
        self.stretches = [
            Scatter(each.first, each.last, each.count, each.coarse)
            for each in known
            if each.coarse == each.coarse
        ]
        self._open = None
        self._quantum, self._hidden, self._size = quantum, 0.0, 0.0


class LossErratic(CurveDetector):
    """The loss jumps more from step to step than it did, around a level that may not have changed.

    What it sees: the mean absolute deviation of ln(loss) within each block. The division of the
        run into before and after that shows the clearest growth, of at least 1.5 times and five
        standard errors as the blocks' own differences give them, which lasts up to the newest
        blocks. On a running mean the same for its changes from step to step, which hold each loss
        that came in
        and the one that went out.
    Why it matters: steps that are too large throw the weights to and fro; it often comes before
        divergence.
    When it is wrong: a harder or more mixed data set that comes later in the run scatters more, and
        so does a loss weighting that changes.
    Example: between 0.08 and 0.16 until step 900, between 0.04 and 0.4 from there on.
    """

    id = "loss-erratic"

    def __init__(self, curve: Curve | None = None) -> None:
        super().__init__(curve)
        self._changes: Changes | None = None

    def update(self, view: View) -> Verdict:
        facts = view.facts
        epoch = None
        if facts.loss_kind == "running-mean":
            epoch = epoch_steps(facts, view.total or facts.total_steps)
        if epoch is None:
            self._changes = None
        elif self._changes is None or self._changes._epoch != epoch:
            self._changes = Changes(epoch)
        columns = view.metrics.get("loss")
        if self._changes is not None and columns is not None:
            self._changes.extend(columns.steps, columns.values)
        return super().update(view)

    def revision(self) -> object:
        changes = self._changes
        return super().revision(), changes.revision if changes is not None else 0

    def judge(self, trend: Trend) -> Verdict:
        if self.facts.loss_kind == "raw" or self.facts.loss_kind == "unknown":
            return self._judge(
                [
                    Scatter(b.first, b.last, b.count, math.log(b.away / b.count))
                    for b in trend.blocks
                    if b.count >= LEAST_POINTS and b.away > 0.0
                ],
                trend,
            )
        changes = self._changes
        if changes is None or changes.hidden > HIDDEN:
            return self.too_few(trend, NEED)
        return self._judge(changes.stretches, trend)

    def _judge(self, parts: Sequence[Scatter], trend: Trend) -> Verdict:
        count = len(parts)
        if count < NEED:
            return self.too_few(trend, NEED)
        logs = [part.log for part in parts]
        error = self._error(logs, parts[-1].count)
        before, after = sum(logs[:BEFORE]), sum(logs[BEFORE:])
        best, cut = 0.0, 0
        for at in range(BEFORE, count - AFTER + 1):
            rise = after / (count - at) - before / at
            sure = rise / (error * math.sqrt(1 / at + 1 / (count - at)))
            if sure > best:
                best, cut = sure, at
            before, after = before + logs[at], after - logs[at]
        if best < ERRORS:
            return Verdict("clear", numbers={"noise": rounded(trend.noise)})
        low = sum(logs[:cut]) / cut
        high = sum(logs[cut:]) / (count - cut)
        lasting = median(logs[-AFTER:]) > (low + high) / 2
        if high - low < GROWTH or not lasting:
            return Verdict("clear", numbers={"noise": rounded(trend.noise)})
        width = math.ceil(count / SHOWN)
        data = {
            "name": "scatter",
            "steps": [part.last for part in parts[::width]],
            "values": [rounded(math.exp(log)) for log in logs[::width]],
        }
        since = parts[cut].first
        numbers: dict[str, object] = {
            "ratio": rounded(math.exp(high - low)),
            "since": since,
            "steps": parts[-1].last - since + 1,
        }
        if self._changes is None:
            numbers |= {"before": _factor(low), "now": _factor(high)}
        return Verdict(
            "firing",
            since=since,
            confidence=min(0.97, 0.7 + 0.03 * best),
            severity=Severity.WARNING if best >= SURE else Severity.INFO,
            numbers=numbers,
            evidence=(Evidence("series", "how far steps lie from their block's mean", data),),
        )

    def _error(self, logs: Sequence[float], points: int) -> float:
        """Standard error of one of them, from their differences and what normal noise would have;
        changes of a running mean share a loss with those of an epoch before."""
        lag, shared = (1, 1.0) if self._changes is None else (2, SHARED)
        squares = [(b - a) ** 2 / 2 for a, b in zip(logs, logs[lag:], strict=False)]
        usual = EFFICIENCY**2 / points
        seen = (sum(squares) + USUAL * usual) / (len(squares) + USUAL)
        return shared * math.sqrt(max(usual, seen))


def _factor(log: float) -> float:
    """A mean absolute deviation of ln(loss) as the factor by which a step is usually off."""
    return rounded(math.exp(min(50.0, math.exp(log))))
