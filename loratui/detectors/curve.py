"""The loss as blocks of logarithms, shared by the detectors that look at its trend."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from loratui.core.facts import LossKind, RunFacts
from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import Block, LogBlocks, between, groups, scatter
from loratui.detectors.base import Columns, Detector, View

LEAST = 6
"""Blocks before anything is said of a trend (120 steps)."""

EPOCH = 50
"""Least steps assumed for the memory of a running mean whose epoch is not known: the mean over
fewer points would not look smooth."""

EPOCHS = 8
"""Epochs assumed for a run of known length whose epochs are not known."""

MEMORY = 200
"""Steps assumed for the memory of an exponential mean: twice that of a decay of 0.99."""

SHOWN = 24
"""Points in the evidence of a finding."""

HEAD = 40
"""First values kept as they were printed: from a running mean of so few, the single losses can be
had back (three digits allow no more)."""

MEAN_VARIATION = 1.3
"""Least standard deviation over mean that single losses behind a running mean are taken to have:
that of log-sd 1.0, in the upper half of what public logs show."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The loss cut into blocks that may be compared with each other.

    `error` is the standard error of one block mean of ln(loss), `noise` the standard deviation of
    ln(loss) from step to step, `memory` the steps over which the trainer itself averages (0: none),
    `total` the length of the run in steps, where known.
    """

    blocks: Sequence[Block]
    error: float
    noise: float
    memory: int
    total: int | None = None

    @property
    def running(self) -> bool:
        """Whether the points are means already, so that they are not independent."""
        return self.memory > 1

    def error_of(self, size: int) -> float:
        """Standard error of the mean of `size` blocks."""
        return self.error / math.sqrt(size)


class Curve:
    """Everything said of the loss so far; the same view is taken only once.

    `head` holds the first HEAD values as they were printed, `first` is the first step.
    """

    def __init__(self) -> None:
        self.logs = LogBlocks()
        self.head: list[float] = []
        self.first: int | None = None
        self._seen: Columns | None = None
        self._key: object = None
        self._trend: Trend | None = None

    def follow(self, view: View) -> None:
        """Take the new points of a view, unless another detector has handed them on already."""
        columns = view.metrics.get("loss")
        if columns is None or columns is self._seen:
            return
        self._seen = columns
        if self.first is None and columns.steps:
            self.first = columns.steps[0]
        if len(self.head) < HEAD:
            self.head.extend(columns.values[: HEAD - len(self.head)])
        self.logs.extend(columns.steps, columns.values)

    def trend(self, facts: RunFacts, total: int | None) -> Trend:
        """The curve as it stands; computed anew only when a block was completed."""
        memory = averaged_over(facts, total)
        key = (self.logs.revision, memory, total)
        if self._trend is None or key != self._key:
            self._key, self._trend = key, cut(self.logs.blocks, memory, total)
        return self._trend


def epoch_steps(facts: RunFacts, total: int | None) -> int | None:
    """Steps in an epoch, where the log says."""
    if facts.steps_per_epoch:
        return max(1, facts.steps_per_epoch)
    if total and facts.epochs:
        return max(1, total // facts.epochs)
    return None


def averaged_over(facts: RunFacts, total: int | None) -> int:
    """Steps over which the printed loss is averaged; 0 for the step's own."""
    kind: LossKind = facts.loss_kind
    if kind == "running-mean":
        return epoch_steps(facts, total) or max(EPOCH, (total or 0) // EPOCHS)
    return MEMORY if kind == "smoothed" else 0


def cut(blocks: Sequence[Block], memory: int, total: int | None) -> Trend:
    """Blocks fit for comparison. Points of a mean are not independent: its blocks span at least
    its memory, the first memory (start-up) is left out, and the error comes from differences of
    successive blocks, raised by what overlap hides (blocks of a moving mean correlate by 1/4)."""
    noise = scatter(blocks)
    if memory <= 1:
        width = blocks[0].count if blocks else 1
        error = max(noise / math.sqrt(width), between(blocks) if len(blocks) >= 12 else 0.0)
        return Trend(blocks, error, noise, 0, total)
    if not blocks:
        return Trend([], 0.0, 0.0, memory, total)
    start = blocks[0].first + memory
    span = max(1.0, (blocks[-1].last - blocks[0].first + 1) / len(blocks))
    kept = groups([b for b in blocks if b.first >= start], math.ceil(memory / span))
    error = max(1.25 * between(kept), MEAN_VARIATION / math.sqrt(max(memory, span)))
    return Trend(kept, error, noise, memory, total)


class CurveDetector(Detector):
    """A detector of the loss's trend; several of them can share one curve."""

    def __init__(self, curve: Curve | None = None) -> None:
        self.curve = curve or Curve()
        self._key: object = None
        self._verdict = Verdict("too-early", reason="needs-steps")

    def update(self, view: View) -> Verdict:
        self.curve.follow(view)
        facts = view.facts
        total = view.total or facts.total_steps
        if total is None and view.ended is not None:
            total = view.step
        # What is known changes only when a block is completed or a fact is learnt.
        key = (self.curve.logs.revision, averaged_over(facts, total), total)
        if key != self._key or self._verdict.reason == "needs-steps":
            self._key = key
            self._verdict = self.judge(self.curve.trend(facts, total))
        return self._verdict

    @abstractmethod
    def judge(self, trend: Trend) -> Verdict:
        """Look at the trend as it stands."""

    def too_few(self, trend: Trend, need: int = LEAST) -> Verdict:
        """Not enough blocks: of a raw loss there will be; a running mean over long epochs may
        never give them, which is known once the run's length is."""
        if trend.running:
            numbers = {"epoch_steps": trend.memory, "have": len(trend.blocks), "need": need}
            return Verdict("cannot-tell", reason="running-mean", numbers=numbers)
        logs = self.curve.logs
        have = logs.count
        return Verdict("too-early", reason="needs-steps", numbers={"have": have, "need": need * 20})


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
