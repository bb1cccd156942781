"""A single loss value far outside the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import truediv

from loratui.core.findings import Evidence, Severity, Verdict
from loratui.core.statistics import at_step, finite, median
from loratui.detectors.base import Detector, View
from loratui.detectors.curve import averaged_over, epoch_steps, rounded
from loratui.detectors.outliers import (
    CHUNK,
    CHUNKS,
    LIMIT,
    NEED,
    Outliers,
    Watch,
    highest_by_chance,
)

TIMES = 5.0
"""Times the median at least."""

JUMP = 0.03
"""Relative rise of a running mean in one step; three printed digits alone give up to 1 %."""

BLURRED = 0.5
"""Log-sd of the losses behind a running mean above which their tail cannot be judged from it."""

RECORD = 3.0
"""Times the highest earlier rise of a running mean."""

REPLACED = 0.6
"""A loss that leaves a running mean, in units of the mean: about its median."""

CHUNKS_BEFORE = 3
"""Chunks of a running mean after its first epoch that must be known."""

BACK = 5
"""Points after a spike whose median shows whether the loss came back."""

BURST, WITHIN, SPAN = 3, 0.1, 300
"""Spikes that are more than an accident when they come within this share of the run, and within so
many steps: in a long run with heavy tails three come within a tenth of it by chance."""


class Rises:
    """The same for a running mean over `memory` steps: a loss far above the rest lifts it in one
    step by its share, and lowers it again when it leaves."""

    def __init__(self, memory: int) -> None:
        self.found = Outliers()
        self.values: list[float] = []
        self.steps: list[int] = []
        self.seen = 0
        self.limit = math.inf
        self.deviation = 0.0
        self._memory = memory
        self._start: int | None = None
        self._left = NEED
        self._ratios: list[float] = []  # each value over the one before
        self._record = 0.0
        self._highs: list[float] = []
        self._burst = 0  # spikes when the chunk began

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take points; those that are not finite and positive are left out."""
        if not values:
            return
        if not finite(values) or min(values) <= 0.0:
            kept = [i for i, v in enumerate(values) if v > 0.0 and v - v == 0.0]
            steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            if not values:
                return
        if self._start is None:
            self._start = steps[0] + self._memory
        begin, size = at_step(steps, self._start) if steps[0] < self._start else 0, len(values)
        while begin < size:
            end = min(size, begin + self._left)
            part, places = values[begin:end], steps[begin:end]
            self._look(places, part)
            self.values += part
            self.steps += places
            self.seen += end - begin
            self._left -= end - begin
            begin = end
            if not self._left:
                self._left = CHUNK
                self._chunk()

    def _look(self, steps: Sequence[int], values: Sequence[float]) -> None:
        memory = self._memory
        before = [self.values[-1] if self.values else values[0], *values[:-1]]
        ratios = list(map(truediv, values, before))
        self._ratios += ratios
        if len(self._highs) < CHUNKS_BEFORE or max(ratios) <= 1 + JUMP or self.deviation > BLURRED:
            return
        bound = highest_by_chance(self._highs, self.deviation)
        for i, ratio in enumerate(ratios):
            # In units of the mean loss, as a rise of a mean over `memory` losses is 1/memory.
            rise = ratio - 1
            if rise <= JUMP or rise <= RECORD * self._record or rise * memory <= self.limit:
                continue
            if math.log(rise * memory + REPLACED) > bound:
                self.found.add(steps[i], values[i], before[i], rise * memory)

    def _chunk(self) -> None:
        if len(self.values) > 4 * CHUNK:
            del self.values[: -2 * CHUNK], self.steps[: -2 * CHUNK]
        del self._ratios[: -4 * CHUNK]
        high = max(self._ratios[-CHUNK:]) - 1
        if self.found.count == self._burst:
            self._record = max(self._record, high)
            self._highs.append(math.log(max(0.0, high) * self._memory + REPLACED))
            del self._highs[:-CHUNKS]
        self._burst = self.found.count
        if self.seen % (2 * CHUNK) > CHUNK:
            return  # every other chunk is enough, as four are looked at
        ordered = sorted(self._ratios)
        high = (ordered[len(ordered) * 19 // 20] - 1) * self._memory
        # A log-normal loss l with log-sd s has ln(l / mean) = z * s - s * s / 2, and a rise is the
        # new loss less the one it replaces. Its 95 % quantile, z 1.645, gives s.
        y = math.log(max(1.0, high + REPLACED))
        s = 1.645 - math.sqrt(max(0.0, 1.645**2 - 2 * y))
        self.deviation = s
        self.limit = max(TIMES, math.exp(LIMIT * s - s * s / 2)) - REPLACED


class LossSpike(Detector):
    """One step, or a few, with a loss far above everything around it.

    What it sees: ln(loss) more than 5.5 standard deviations above the rolling median, more than
        five times it, not matched by other values of the run and beyond what its own tail explains.
        On a running mean: a rise of more than 3 % in one step after the first epoch, beyond what
        the noise behind the mean explains. A warning when three come within a tenth of the run
        and within 300 steps.
    Why it matters: a broken image, an unstable learning rate or mixed precision at its limit; a
        single one does little harm, several come before divergence.
    When it is wrong: a rare group of images that is much harder than the rest. A spike smaller than
        the noise (25 times at a log-sd of 0.7) cannot be told from it, and is not guessed at.
    Example: 0.12, 0.09, 3.1, 0.14.
    """

    id = "loss-spike"

    def __init__(self) -> None:
        self._memory: int | None = None
        self._watch: Watch | Rises = Watch(TIMES)

    def update(self, view: View) -> Verdict:
        total = view.total or view.facts.total_steps
        memory = averaged_over(view.facts, total)
        if memory != self._memory and (memory > 1 or (self._memory or 0) > 1):
            self._watch = Rises(memory) if memory > 1 else Watch(TIMES)
        self._memory = memory
        columns = view.metrics.get("loss")
        if columns is not None:
            self._watch.extend(columns.steps, columns.values)
        if memory > 1 and epoch_steps(view.facts, total) is None:
            numbers: dict[str, object] = {"epoch_steps": memory, "have": 0, "need": 1}
            return Verdict("cannot-tell", reason="running-mean", numbers=numbers)
        return self._say(total)

    def _say(self, total: int | None) -> Verdict:
        watch = self._watch
        running = isinstance(watch, Rises)
        if watch.seen < NEED:
            reason = "first-epoch" if running else "needs-steps"
            return Verdict("too-early", reason=reason, numbers={"have": watch.seen, "need": NEED})
        found = watch.found
        if not found.count:
            visible = watch.limit if isinstance(watch, Rises) else watch.limit / watch.median
            return Verdict(
                "clear", numbers={"visible": rounded(visible), "noise": rounded(watch.deviation)}
            )
        after = [v for s, v in zip(watch.steps, watch.values, strict=True) if s > found.newest]
        after = after[: 2 * BACK]
        burst = found.burst(BURST, min(SPAN, round(WITHIN * total)) if total else SPAN)
        numbers = {
            "step": found.step,
            "value": rounded(found.value),
            "median": rounded(found.median),
            "ratio": rounded(found.ratio),
            "count": found.count,
            "recovered": len(after) >= BACK and median(after) < 2 * found.median,
            "ago": max(0, watch.steps[-1] - found.newest),
            "noise": rounded(watch.deviation),
        }
        data = {"name": "loss", "steps": [found.step], "values": [rounded(found.value)]}
        return Verdict(
            "firing",
            since=found.first,
            confidence=0.9,
            severity=Severity.WARNING if burst else Severity.INFO,
            numbers=numbers,
            evidence=(Evidence("series", "the highest value", data),),
        )
