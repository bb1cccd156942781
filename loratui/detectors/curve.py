"""The loss as blocks of logarithms, shared by the detectors that look at its trend."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from loratui.core.facts import LossKind, RunFacts
from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import (
    Block,
    LogBlocks,
    between,
    groups,
    mann_kendall,
    scatter,
    theil_sen,
)
from loratui.detectors.base import Columns, Detector, View
from loratui.detectors.gradient import Gradient
from loratui.detectors.running_mean import RunningMean
from loratui.detectors.schedule import Schedule, planned, restarts

LEAST = 6
"""Blocks before anything is said of a trend (120 steps)."""

EPOCH = 50
"""Least steps assumed for the memory of a running mean whose epoch is not known: the mean over
fewer points would not look smooth."""

EPOCHS = 8
"""Epochs assumed for a run of known length whose epochs are not known."""

MEMORY = 200
"""Steps assumed for the memory of an exponential mean: twice that of a decay of 0.99."""

DOUBTED = 2
"""Times its memory that a running mean is taken to have when its epoch turns out not to be the one
that the log says."""

SHOWN = 24
"""Points in the evidence of a finding."""

RESTART, UNSEEN_RESTART = 0.4, 0.3
"""Shares of the run for which a rise after a restart of the schedule is waited out: at most, and
where it is only known that there are restarts."""

MOST_PAIRS = 24
"""Blocks over which slopes of all pairs are taken, to bound the work."""

MEAN_VARIATION = 1.3
"""Least standard deviation over mean that single losses behind a running mean are taken to have:
that of log-sd 1.0, in the upper half of what public logs show."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The loss cut into blocks that may be compared with each other.

    `error` is the standard error of one block mean of ln(loss), `noise` the standard deviation of
    ln(loss) from step to step, `memory` the steps over which the trainer averages what is shown
    (0: none, or the single losses were had back), `total` the length of the run in steps, where
    known, `opening` the first blocks at their first width.
    """

    blocks: Sequence[Block]
    error: float
    noise: float
    memory: int
    total: int | None = None
    opening: Sequence[Block] = ()

    @property
    def running(self) -> bool:
        """Whether the points are means already, so that they are not independent."""
        return self.memory > 1

    def error_of(self, size: int) -> float:
        """Standard error of the mean of `size` blocks."""
        return self.error / math.sqrt(size)


class Curve:
    """Everything said of the loss so far; the same view is taken only once.

    `logs` holds it as it is printed; `parts` what is behind it where that is a running mean over
    epochs of known length. `first` is the first step, `schedule` what the rate did, `gradient` the
    size of the gradient.
    """

    def __init__(self) -> None:
        self.logs = LogBlocks()
        self.parts: LogBlocks | None = None
        self.schedule = Schedule()
        self.gradient = Gradient()
        self.first: int | None = None
        self._mean: RunningMean | None = None
        self._filled = False
        self._last = 0
        self._seen: Columns | None = None
        self._rates: Columns | None = None
        self._norms: Columns | None = None
        self._key: object = None
        self._trend: Trend | None = None

    def follow(self, view: View) -> None:
        """Take the new points of a view, unless another detector has handed them on already."""
        self.follow_beside(view)
        columns = view.metrics.get("loss")
        if columns is None or columns is self._seen or not columns.steps:
            return
        self._seen = columns
        if self.first is None:
            self.first = columns.steps[0]
        self._look_behind(columns, view)
        self.logs.extend(columns.steps, columns.values)
        self._last = columns.steps[-1]

    def follow_beside(self, view: View) -> None:
        """The same for what is not the loss: rate and gradient."""
        rates = view.metrics.get("lr")
        if rates is not None and rates is not self._rates:
            self._rates = rates
            self.schedule.extend(rates.steps, rates.values)
        norms = view.metrics.get("grad_norm")
        if norms is not None and norms is not self._norms:
            self._norms = norms
            self.gradient.extend(norms.steps, norms.values)

    def _look_behind(self, columns: Columns, view: View) -> None:
        facts = view.facts
        if facts.loss_kind != "running-mean":
            self._mean = self.parts = None
            return
        epoch = epoch_steps(facts, view.total or facts.total_steps)
        if epoch is None:
            return
        mean = self._mean
        if mean is None or mean.epoch != epoch:
            fills = self._fills(facts, epoch)
            self._filled = fills > 0
            mean = self._mean = RunningMean(epoch, columns.steps[0], fills)
            self.parts = LogBlocks(max(4, -(-20 // mean.part)), each=mean.part)
        if self.parts is not None:
            self.parts.extend(*mean.extend(columns.steps, columns.values))
            if mean.lost:
                self.parts = None

    def _fills(self, facts: RunFacts, epoch: int) -> int:
        """How the mean begins that is read from here on, as `RunningMean` wants to know it."""
        if self._last or self.first is None:
            return 1
        if facts.resumed is None:
            return 0 if self.first == 1 else 1
        at = facts.resumed.step
        return 0 if at is not None and at == self.first - 1 and at % epoch == 0 else 2

    def trend(self, facts: RunFacts, total: int | None) -> Trend:
        """The curve as it stands; computed anew only when a block was completed."""
        memory = averaged_over(facts, total)
        parts = self.parts if memory > 1 else None
        key = (self.logs.revision, parts and parts.revision, memory, total)
        if self._trend is None or key != self._key:
            self._key = key
            if parts is not None and (len(parts.blocks) >= LEAST or not self._filled):
                self._trend = cut(parts, 0, total)
            else:
                doubted = self._mean is not None and self._mean.lost
                self._trend = cut(self.logs, memory, total, DOUBTED if doubted else 1)
        return self._trend

    @property
    def revision(self) -> tuple[int, int]:
        """Changes when a block is completed."""
        return self.logs.revision, self.parts.revision if self.parts is not None else -1


def epoch_steps(facts: RunFacts, total: int | None) -> int | None:
    """Steps in an epoch, where the log says. Trainers count batches: with accumulated gradients
    several of them make a step, and what fits the number of epochs is right."""
    known = facts.steps_per_epoch
    if known:
        gathered = facts.config.number("gradient_accumulation") or 1.0
        steps = math.ceil(known / gathered) if 1.0 < gathered <= known else known
        if steps != known and not (total and facts.epochs and total > facts.epochs * steps):
            return max(1, steps)
        return max(1, known)
    if total and facts.epochs:
        return max(1, total // facts.epochs)
    return None


def averaged_over(facts: RunFacts, total: int | None) -> int:
    """Steps over which the printed loss is averaged; 0 for the step's own."""
    kind: LossKind = facts.loss_kind
    if kind == "running-mean":
        return epoch_steps(facts, total) or max(EPOCH, (total or 0) // EPOCHS)
    return MEMORY if kind == "smoothed" else 0


def cut(logs: LogBlocks, memory: int, total: int | None, times: int = 1) -> Trend:
    """Blocks fit for comparison. Points of a mean are not independent: its blocks span at least
    its memory (`times` it, where that is in doubt), the first memory (start-up) is left out, and
    the error comes from differences of successive blocks, raised by what overlap hides (blocks of a
    moving mean correlate by 1/4)."""
    blocks = logs.blocks
    noise = scatter(blocks)
    if memory <= 1:
        width = blocks[0].count if blocks else 1
        error = max(noise / math.sqrt(width), between(blocks) if len(blocks) >= 12 else 0.0)
        return Trend(blocks, error, noise * math.sqrt(logs.each), 0, total, logs.opening)
    if not blocks:
        return Trend([], 0.0, 0.0, memory, total)
    start = blocks[0].first + memory
    span = max(1.0, (blocks[-1].last - blocks[0].first + 1) / len(blocks))
    kept = groups([b for b in blocks if b.first >= start], math.ceil(times * memory / span))
    error = max(1.25 * between(kept), MEAN_VARIATION / math.sqrt(max(memory, span)))
    return Trend(kept, error, noise, memory, total)


class CurveReader(Detector):
    """A detector that needs the curve; several of them can share one."""

    def __init__(self, curve: Curve | None = None) -> None:
        self.curve = curve or Curve()


class CurveDetector(CurveReader):
    """A detector of the loss's trend."""

    def __init__(self, curve: Curve | None = None) -> None:
        super().__init__(curve)
        self.facts = RunFacts()
        self._key: object = None
        self._verdict = Verdict("too-early", reason="needs-steps")

    def update(self, view: View) -> Verdict:
        self.curve.follow(view)
        facts = self.facts = view.facts
        total = view.total or facts.total_steps
        if total is None and view.ended is not None:
            total = view.step
        # What is known changes only when a block is completed or a fact is learnt.
        key = (self.revision(), averaged_over(facts, total), total)
        if key != self._key or self._verdict.reason == "needs-steps":
            self._key = key
            self._verdict = self.judge(self.curve.trend(facts, total))
        return self._verdict

    def revision(self) -> object:
        """What the verdict depends on, besides facts."""
        return self.curve.revision

    @abstractmethod
    def judge(self, trend: Trend) -> Verdict:
        """Look at the trend as it stands."""

    def schedule_hidden(self) -> bool:
        """Whether nothing tells what the rate does, so that a schedule may have begun anew."""
        config = self.facts.config
        told = config.get("lr_scheduler") is not None or config.get("learning_rate") is not None
        return not (self.curve.schedule.known or told)

    def restarted(self, trend: Trend, since: int, size: int) -> bool:
        """Whether a rise of the newest `size` blocks, underway since that step, may come from a
        schedule that began anew: the loss is higher where the rate is, so that only a rise that
        outlasts the rate's means anything."""
        blocks = trend.blocks
        now, newest = blocks[-1].last, blocks[-min(size, len(blocks))].first
        span = trend.total or now
        late = since + 2 * (now - blocks[-1].first + 1)
        schedule = self.curve.schedule
        if schedule.known:
            begins = (schedule.high_since(now), schedule.high_since(newest))
        else:
            total = trend.total
            begins = (planned(self.facts, total, now), planned(self.facts, total, newest))
            if restarts(self.facts) and begins == (None, None):
                return now - since < UNSEEN_RESTART * span
        return any(
            begin is not None and begin <= late and now - begin <= RESTART * span
            for begin in begins
        )

    def too_few(self, trend: Trend, need: int = LEAST) -> Verdict:
        """Not enough blocks: of a raw loss there will be; a running mean over long epochs may
        never give them, which is known once the run's length is."""
        if trend.running:
            numbers = {"epoch_steps": trend.memory, "have": len(trend.blocks), "need": need}
            return Verdict("cannot-tell", reason="running-mean", numbers=numbers)
        parts = self.curve.parts
        logs = self.curve.logs if parts is None else parts
        numbers = {"have": logs.count * logs.each, "need": need * logs.first_width * logs.each}
        return Verdict("too-early", reason="needs-steps", numbers=numbers)


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through blocks: its `change` of ln(loss) from the first to the last of them
    with the standard error `error`, the Mann–Kendall `p` of a trend, over `steps` steps."""

    change: float
    error: float
    p: float
    steps: int
    blocks: Sequence[Block]


def slope(trend: Trend, blocks: Sequence[Block]) -> Slope:
    """The Theil–Sen line through some blocks of a trend, merged to at most MOST_PAIRS of them."""
    width = blocks[-1].count
    merged = groups(blocks, math.ceil(len(blocks) / MOST_PAIRS))
    span = merged[-1].last - merged[0].first + 1
    means = [b.mean for b in merged]
    change = theil_sen([(b.first + b.last) / 2 for b in merged], means) * span
    # The slope of n independent points has the error sd * sqrt(12 / n) over its whole span.
    error = trend.error * math.sqrt(width / merged[-1].count) * math.sqrt(12 / len(merged))
    return Slope(change, error, mann_kendall(means)[1], span, merged)


@dataclass(frozen=True, slots=True)
class Fall:
    """From the `first` to the `now` mean of ln(loss), with the standard error of their difference;
    `step` is the last of those that `first` is taken from."""

    first: float
    now: float
    error: float
    step: int

    @property
    def size(self) -> float:
        return self.first - self.now


def falls(trend: Trend, late: Sequence[Block]) -> list[Fall]:
    """From each of several beginnings, the first steps to the first quarter, to blocks `late`."""
    points = sum(b.count for b in late)
    now = sum(b.mean * b.count for b in late) / points
    early = [b for b in trend.blocks if b.last < late[0].first]
    quarter = early[: max(1, len(trend.blocks) // 4)]
    width = trend.blocks[-1].count
    found = []
    for start in (trend.opening[:1], trend.opening[:3], early[:1], early[:3], quarter):
        begin = [b for b in start if b.last < late[0].first]
        if not begin:
            continue
        count = sum(b.count for b in begin)
        first = sum(b.mean * b.count for b in begin) / count
        error = trend.error * math.sqrt(width * (1 / count + 1 / points))
        found.append(Fall(first, now, error, begin[-1].last))
    return found


def series(text: str, blocks: Sequence[Block], name: str = "loss") -> Evidence:
    """Block means as evidence, at most SHOWN points; `steps` are the last of each block."""
    shown = groups(blocks, math.ceil(len(blocks) / SHOWN)) if len(blocks) > SHOWN else blocks
    data = {
        "name": name,
        "steps": [b.last for b in shown],
        "values": [float(f"{math.exp(b.mean):.4g}") for b in shown],
    }
    return Evidence("series", text, data)


def level(mean: float) -> float:
    """A mean of ln(loss) as a loss with four significant digits."""
    return rounded(math.exp(min(700.0, mean)))


def rounded(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
