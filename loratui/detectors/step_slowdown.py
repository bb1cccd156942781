"""Steps take much longer than they did early in the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import le

from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import MAD_TO_SD, at_step, finite, median
from loratui.detectors.base import Detector, View
from loratui.detectors.curve import SHOWN, rounded

SLOWER = 1.5
SECONDS = 10.0
"""Least duration of a stretch: the bar shows whole seconds, so a shorter one says little."""

STEPS = 10
MOST = 64
NOW = 3
"""Newest stretches that say how fast it is now."""

BASELINE = (0.05, 0.20)
"""Share of the run that says how fast it was: past warm-up and compilation, before trouble."""

FIRST_SECONDS, FIRST_STEPS = 60.0, 30
"""What serves as the baseline when the run's length is not known."""

ERRORS = 5.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some steps without interruption between them: first and last step, number, seconds."""

    first: int
    last: int
    steps: int
    seconds: float

    @property
    def pace(self) -> float:
        """Seconds a step."""
        return self.seconds / self.steps

    def __add__(self, other: Stretch) -> Stretch:
        return Stretch(
            self.first, other.last, self.steps + other.steps, self.seconds + other.seconds
        )


class StepSlowdown(Detector):
    """Training has slowed down within the run.

    What it sees: seconds a step from the bar's own clock, without the intervals in which the
        trainer sampled, saved, cached or validated. The median of the newest three stretches
        against those of 5 to 20 % of the run: more than 1.5 times, and beyond their scatter.
    Why it matters: memory spilling into system RAM, a hot or shared GPU, a full disk or a leaking
        process: the rest of the run costs more than planned.
    When it is wrong: larger resolutions that come late in the run, a suspended machine, another
        job that was started on purpose.
    Example: 1.2 s a step until step 900, 2.6 s from there on.
    """

    id = "step-slowdown"

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self._width = STEPS
        self._revision = 0
        self._step: int | None = None
        self._elapsed = 0.0
        self._first: int | None = None
        self._open_first = 0
        self._open_steps = 0
        self._open_seconds = 0.0
        self._pauses: list[int] = []
        self._key: object = None
        self._verdict = Verdict("cannot-tell", reason="no-clock")

    def update(self, view: View) -> Verdict:
        if view.pauses:
            self._pauses = sorted({*self._pauses, *view.pauses})
        columns = view.metrics.get("elapsed")
        if columns is not None and columns.values:
            steps, values = columns.steps, columns.values
            if not finite(values):
                kept = [i for i, v in enumerate(values) if v - v == 0.0]
                steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            self._take(steps, values)
        if self._step is None:
            seen = view.step or 0
            if seen > STEPS:
                return Verdict("cannot-tell", reason="no-clock")
            return Verdict("too-early", reason="needs-steps", numbers={"have": seen, "need": STEPS})
        total = view.total or view.facts.total_steps
        key = (self._revision, total)
        if key != self._key or self._verdict.state == "too-early":
            self._key, self._verdict = key, self._judge(total)
        return self._verdict

    def _take(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Cut new points where the clock or the steps go back and where training paused."""
        if not values:
            return
        if self._first is None:
            self._first = steps[0]
        cuts = [0, len(values)]
        if not (all(map(le, values, values[1:])) and all(map(le, steps, steps[1:]))):
            backs = (
                i
                for i in range(1, len(values))
                if values[i] < values[i - 1] or steps[i] < steps[i - 1]
            )
            cuts[1:1] = backs
        for begin, end in pairwise(cuts):
            if self._step is not None and (
                values[begin] < self._elapsed or steps[begin] < self._step
            ):
                self._step = None  # the bar began anew; this interval has no length
            self._between_pauses(steps[begin:end], values[begin:end])

    def _between_pauses(self, steps: Sequence[int], values: Sequence[float]) -> None:
        begin, used = 0, 0
        for pause in self._pauses:
            if pause >= steps[-1]:
                break
            used += 1
            if self._step is not None and pause < self._step:
                continue
            end = at_step(steps, pause + 1)
            if end > begin:
                self._walk(steps[begin:end], values[begin:end])
                begin = end
            self._step = None
        del self._pauses[:used]
        if begin < len(steps):
            self._walk(steps[begin:], values[begin:])

    def _walk(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Points in unbroken order: cut them into stretches."""
        at = 0
        if self._step is None:
            self._step, self._elapsed = steps[0], values[0]
            at = 1
        size = len(steps)
        while at < size:
            if not self._open_steps:
                self._open_first = self._step
            # The first point at which enough steps and enough seconds have passed.
            by_step = at_step(steps, self._step + self._width - self._open_steps)
            until = self._elapsed + SECONDS - self._open_seconds
            by_time = _at_time(values, until)
            end = max(at, by_step, by_time)
            if end >= size:
                self._open_steps += steps[-1] - self._step
                self._open_seconds += values[-1] - self._elapsed
                self._step, self._elapsed = steps[-1], values[-1]
                return
            self._open_steps += steps[end] - self._step
            self._open_seconds += values[end] - self._elapsed
            self._step, self._elapsed = steps[end], values[end]
            self._close(steps[end])
            at = end + 1

    def _close(self, last: int) -> None:
        if self._open_steps > 0:
            self._stretches.append(
                Stretch(self._open_first, last, self._open_steps, self._open_seconds)
            )
            self._revision += 1
        self._open_steps, self._open_seconds = 0, 0.0
        if len(self._stretches) >= MOST:
            old = self._stretches
            self._stretches = [old[i] + old[i + 1] for i in range(0, len(old) - 1, 2)]
            self._width *= 2

    def _baseline(self, total: int | None) -> list[Stretch]:
        """Stretches of early training; none while they are not complete."""
        first = self._first or 0
        if total is None or total <= first:
            steps, seconds, early = 0, 0.0, []
            for stretch in self._stretches[1:]:
                early.append(stretch)
                steps, seconds = steps + stretch.steps, seconds + stretch.seconds
                if steps >= FIRST_STEPS and seconds >= FIRST_SECONDS and len(early) >= NOW:
                    return early
            return []
        begin, end = (first + share * (total - first) for share in BASELINE)
        if not self._stretches or self._stretches[-1].last < end:
            return []
        return [s for s in self._stretches if s.first >= begin and s.last <= end]

    def _judge(self, total: int | None) -> Verdict:
        baseline = self._baseline(total)
        if len(baseline) < NOW:
            have = (self._step or 0) - (self._first or 0)
            need = math.ceil(BASELINE[1] * total) if total else FIRST_STEPS
            if have >= need:  # steps enough, but they took too few seconds for a clock of seconds
                return Verdict("too-early", reason="needs-time")
            return Verdict("too-early", reason="needs-steps", numbers={"have": have, "need": need})
        newest = [s for s in self._stretches[-NOW:] if s.first >= baseline[-1].last]
        if len(newest) < NOW:
            return Verdict("clear")
        before = median([s.pace for s in baseline])
        now = median([s.pace for s in newest])
        if before <= 0.0 or now <= SLOWER * before:
            return Verdict("clear", numbers={"before": rounded(before), "now": rounded(now)})
        paces = [math.log(max(1e-9, s.pace)) for s in self._stretches]
        moves = [abs(b - a) for a, b in pairwise(paces)]
        error = MAD_TO_SD * median(moves) / math.sqrt(2)
        error *= math.sqrt(1 / len(baseline) + 1 / len(newest))
        steady = min(s.pace for s in newest) > math.sqrt(SLOWER) * before
        if math.log(now / before) <= ERRORS * error or not steady:
            return Verdict("clear", numbers={"before": rounded(before), "now": rounded(now)})
        return self._found(before, now)

    def _found(self, before: float, now: float) -> Verdict:
        stretches = self._stretches
        onset = len(stretches) - 1
        while onset and stretches[onset - 1].pace > math.sqrt(SLOWER) * before:
            onset -= 1
        since = stretches[onset].first
        numbers = {
            "ratio": rounded(now / before),
            "before": rounded(before),
            "now": rounded(now),
            "steps": max(0, stretches[-1].last - since),
        }
        every = math.ceil(len(stretches) / SHOWN)
        shown = stretches[::-1][::every][::-1]
        data = {
            "name": "seconds a step",
            "steps": [s.last for s in shown],
            "values": [rounded(s.pace) for s in shown],
        }
        return Verdict(
            "firing",
            since=since,
            confidence=0.9,
            numbers=numbers,
            evidence=(Evidence("series", "seconds a step from the bar's clock", data),),
        )


def _at_time(values: Sequence[float], until: float) -> int:
    """Index of the first of ascending values that is not before `until`."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < until:
            low = middle + 1
        else:
            high = middle
    return low
