"""A single loss value far outside the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import truediv

from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import at_step, finite, median, quartile_spread, tail
from loratui.detectors.base import Detector, View
from loratui.detectors.curve import averaged_over, epoch_steps, rounded

NEED = 60
"""Points before the noise is known well enough."""

WINDOW = 101
"""Points of the rolling median and spread."""

CHUNK = 50
"""Points that are compared with the same median: bounds the work, and a batch of any size gives
the same answer."""

LIMIT = 5.5
"""Standard deviations of ln(loss); 3.5, the textbook value, is reached by every healthy run."""

TIMES = 5.0
"""Times the median at least."""

SPREADS = 9
"""Chunks whose spreads are pooled (their median): one window of 101 knows its spread to 12 %."""

MEMORY = 800
"""Points kept to see whether values almost as high are usual here (heavy tails, mixed sizes)."""

USUAL = 3
JUMP = 0.03
"""Relative rise of a running mean in one step; three printed digits alone give up to 1 %."""

BLURRED = 0.5
"""Log-sd of the losses behind a running mean above which their tail cannot be judged from it."""

RECORD = 3.0
"""Times the highest earlier rise of a running mean."""

ABOVE = 2.5
"""Times the highest of earlier values, as far back as CHUNKS goes."""

CHUNKS = 200
"""Chunks whose highest values are kept: 10 000 points."""

REPLACED = 0.6
"""A loss that leaves a running mean, in units of the mean: about its median."""

BACK = 5
"""Points after a spike whose median shows whether the loss came back."""


@dataclass(slots=True)
class Spikes:
    """What was found so far; `step`, `value`, `median` are those of the highest."""

    count: int = 0
    first: int = 0
    newest: int = 0
    step: int = 0
    value: float = 0.0
    median: float = 0.0
    ratio: float = 0.0

    def add(self, step: int, value: float, middle: float, ratio: float) -> None:
        if not self.count:
            self.first = step
        self.count += 1
        self.newest = step
        if ratio > self.ratio:
            self.step, self.value, self.median, self.ratio = step, value, middle, ratio


class LossSpike(Detector):
    """One step, or a few, with a loss far above everything around it.

    What it sees: ln(loss) more than 5.5 standard deviations above the rolling median, more than
        five times it, and not matched by other recent values. On a running mean: a rise of more
        than 3 % in one step after the first epoch, beyond what the noise behind the mean explains.
    Why it matters: a broken image, an unstable learning rate or mixed precision at its limit; a
        single one does little harm, several come before divergence.
    When it is wrong: a rare group of images that is much harder than the rest. A spike smaller than
        the noise (25 times at a log-sd of 0.7) cannot be told from it, and is not guessed at.
    Example: 0.12, 0.09, 3.1, 0.14.
    """

    id = "loss-spike"

    def __init__(self) -> None:
        self._running: bool | None = None
        self._reset()

    def _reset(self) -> None:
        self._spikes = Spikes()
        self._values: list[float] = []
        self._steps: list[int] = []
        self._seen = 0
        self._left = NEED
        self._spreads: list[float] = []
        self._median = math.nan
        self._noise = 0.0
        self._limit = math.inf  # value above which a point is looked at
        self._start: int | None = None
        self._since = 0  # points since the newest spike
        self._ratios: list[float] = []  # each running mean over the one before
        self._highs: list[float] = []  # highest value of each chunk without a spike
        self._record = 0.0
        self._burst = 0  # spikes when the chunk began

    def update(self, view: View) -> Verdict:
        memory = averaged_over(view.facts, view.total or view.facts.total_steps)
        if self._running is not (memory > 1):
            self._running = memory > 1
            self._reset()
        columns = view.metrics.get("loss")
        if columns is not None and columns.values:
            steps, values = columns.steps, columns.values
            if not finite(values) or min(values) <= 0.0:
                kept = [i for i, v in enumerate(values) if v > 0.0 and v - v == 0.0]
                steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            self._take(steps, values, memory)
        return self._say(view, memory)

    def _take(self, steps: Sequence[int], values: Sequence[float], memory: int) -> None:
        if not values:
            return
        begin, size = 0, len(values)
        if self._running:
            if self._start is None:
                self._start = steps[0]
            if steps[0] < self._start + memory:
                begin = at_step(steps, self._start + memory)
        while begin < size:
            end = min(size, begin + self._left)
            part = values[begin:end]
            places = steps[begin:end]
            if self._running:
                self._rises(places, part, memory)
            elif max(part) > self._limit:
                self._exceeding(places, part)
            self._values += part
            self._steps += places
            self._seen += end - begin
            self._since += end - begin
            self._left -= end - begin
            begin = end
            if not self._left:
                self._left = CHUNK
                self._chunk(memory)

    def _exceeding(self, steps: Sequence[int], values: Sequence[float]) -> None:
        for i, value in enumerate(values):
            if value <= self._limit:
                continue
            bar = 0.6 * value
            near = self._values[-MEMORY:]
            usual = sum(other > bar for other in near) + sum(v > bar for v in values[:i])
            if usual > USUAL or value <= ABOVE * max(self._highs, default=0.0):
                continue
            wide = math.log(self._median) + LIMIT * quartile_spread(sorted(near))
            if math.log(value) > max(wide, tail(near)):
                self._spikes.add(steps[i], value, self._median, value / self._median)
                self._since = i - len(values)

    def _rises(self, steps: Sequence[int], values: Sequence[float], memory: int) -> None:
        before = [self._values[-1] if self._values else values[0], *values[:-1]]
        ratios = list(map(truediv, values, before))
        self._ratios += ratios
        if self._seen < NEED or max(ratios) <= 1 + JUMP or self._noise > BLURRED:
            return
        for i, ratio in enumerate(ratios):
            # In units of the mean loss, as a rise of a mean over `memory` losses is 1/memory.
            rise = ratio - 1
            if rise <= JUMP or rise <= RECORD * self._record or rise * memory <= self._limit:
                continue
            lifts = [max(0.0, (r - 1) * memory) + REPLACED for r in self._ratios[: -len(ratios)]]
            if math.log(rise * memory + REPLACED) > tail(lifts):
                self._spikes.add(steps[i], values[i], before[i], rise * memory)
                self._since = i - len(values)

    def _chunk(self, memory: int) -> None:
        """A chunk is complete: median, spread and what is needed for the next one."""
        if len(self._values) > 2 * MEMORY:
            del self._values[:-MEMORY], self._steps[:-MEMORY]
        if self._running:
            self._chunk_of_mean(memory)
            return
        window = sorted(self._values[-WINDOW:])
        self._median = window[len(window) // 2]
        self._spreads.append(quartile_spread(window))
        del self._spreads[:-SPREADS]
        self._noise = median(self._spreads)
        # Little is known of the spread at first.
        limit = LIMIT if len(self._spreads) > 2 else LIMIT + 1
        self._limit = self._median * max(TIMES, math.exp(min(300.0, limit * self._noise)))
        if self._spikes.count == self._burst:
            self._highs.append(max(self._values[-CHUNK:]))
            del self._highs[:-CHUNKS]
        self._burst = self._spikes.count

    def _chunk_of_mean(self, memory: int) -> None:
        del self._ratios[: -8 * CHUNK]
        if self._spikes.count == self._burst:
            self._record = max(self._record, max(self._ratios[-CHUNK:]) - 1)
        self._burst = self._spikes.count
        if self._seen % (2 * CHUNK) > CHUNK:
            return  # every other chunk is enough, as four are looked at
        ordered = sorted(self._ratios[-4 * CHUNK :])
        high = (ordered[len(ordered) * 19 // 20] - 1) * memory
        # A log-normal loss l with log-sd s has ln(l / mean) = z * s - s * s / 2, and a rise is the
        # new loss less the one it replaces. Its 95 % quantile, z 1.645, gives s.
        y = math.log(max(1.0, high + REPLACED))
        s = 1.645 - math.sqrt(max(0.0, 1.645**2 - 2 * y))
        self._noise = s
        self._median = self._values[-1]
        self._limit = max(TIMES, math.exp(LIMIT * s - s * s / 2)) - REPLACED

    def _say(self, view: View, memory: int) -> Verdict:
        total = view.total or view.facts.total_steps
        if self._running and epoch_steps(view.facts, total) is None:
            numbers: dict[str, object] = {"epoch_steps": memory, "have": 0, "need": 1}
            return Verdict("cannot-tell", reason="running-mean", numbers=numbers)
        if self._seen < NEED:
            reason = "first-epoch" if self._running else "needs-steps"
            return Verdict("too-early", reason=reason, numbers={"have": self._seen, "need": NEED})
        spikes = self._spikes
        if not spikes.count:
            visible = self._limit if self._running else self._limit / self._median
            return Verdict(
                "clear", numbers={"visible": rounded(visible), "noise": rounded(self._noise)}
            )
        after = self._values[-min(self._since, 2 * BACK) :] if self._since >= BACK else []
        newest = self._steps[-1]
        numbers = {
            "step": spikes.step,
            "value": rounded(spikes.value),
            "median": rounded(spikes.median),
            "ratio": rounded(spikes.ratio),
            "count": spikes.count,
            "recovered": bool(after) and median(after) < 2 * spikes.median,
            "ago": max(0, newest - spikes.newest),
            "noise": rounded(self._noise),
        }
        data = {"name": "loss", "steps": [spikes.step], "values": [rounded(spikes.value)]}
        return Verdict(
            "firing",
            since=spikes.first,
            confidence=0.9,
            numbers=numbers,
            evidence=(Evidence("series", "the highest value", data),),
        )
