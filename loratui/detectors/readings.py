"""Readings of the machine over time: what detectors of the box and of silence are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from itertools import pairwise

from loratui.core.facts import GpuReading, Surroundings
from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import mann_kendall, median, theil_sen
from loratui.detectors.base import Detector, View

GAP = 10.0
"""Seconds between two looks beyond which nothing is known of the time between them."""

REFRESH = 60.0
"""Seconds for which the numbers of a finding stand: what is seen every second is no news."""

LULL = 60.0
"""Seconds without a sign of life after which a run in training is taken to do something else, such
as sampling that it does not announce. Slow steps take up to half a minute."""

WORKING, LATELY = 20, 120.0
"""Utilisation in percent of a GPU that is at work, and for how many seconds that proves that the
run is on this machine."""

CELLS = 20
GIB = 2**30


class Watcher(Detector):
    """A detector that looks at the surroundings about once a second.

    `look` is given the seconds since the last look, 0 where too long has passed to say anything
    about them; `hear` everything else that comes, between looks as well.
    """

    timed = True

    def __init__(self) -> None:
        self._seen: Surroundings | None = None
        self._looked = 0.0
        self._shown = Verdict("cannot-tell")
        self._shown_at = 0.0
        self._worked = float("-inf")

    def update(self, view: View) -> Verdict:
        self.hear(view)
        if view.around is not self._seen:
            seconds = view.now - self._looked if self._seen is not None else 0.0
            self._seen, self._looked = view.around, view.now
            verdict = self.look(view, seconds if 0.0 < seconds <= GAP else 0.0)
            if self._is_news(verdict, view.now):
                self._shown, self._shown_at = verdict, view.now
        return self._shown

    def hear(self, view: View) -> None:
        """Take what is new in the log or among the files."""

    @abstractmethod
    def look(self, view: View, seconds: float) -> Verdict:
        """Judge what is around the run now."""

    @property
    def firing(self) -> bool:
        """Whether the last verdict was that there is trouble, so that leaving it needs more."""
        return self._shown.state == "firing"

    def here(self, view: View) -> bool:
        """Whether the run is on this machine: its process was found, or a GPU works with it.

        A log may be read over the network: then nothing here has to do with it.
        """
        around = view.around
        if training(around) and any((g.utilisation or 0) >= WORKING for g in gpus(around)):
            self._worked = view.now
        return around.processes is not None or 0.0 <= view.now - self._worked <= LATELY

    def _is_news(self, verdict: Verdict, now: float) -> bool:
        shown = self._shown
        if verdict.state != "firing" or shown.state != "firing":
            return True
        same = verdict.severity == shown.severity and _kind(verdict) == _kind(shown)
        return not (same and 0.0 <= now - self._shown_at < REFRESH)


def _kind(verdict: Verdict) -> object:
    return verdict.numbers.get("kind")


class Recent:
    """The mean of a reading over the last `span` seconds for which it was looked at.

    `seconds` is how many of them there are.
    """

    def __init__(self, span: float) -> None:
        self.seconds = 0.0
        self._width = span / CELLS
        self._cells: deque[tuple[float, float]] = deque()
        self._open = self._open_sum = 0.0
        self._sum = 0.0

    def add(self, value: float, seconds: float) -> None:
        """`value` held for `seconds`."""
        self.seconds += seconds
        self._sum += value * seconds
        self._open += seconds
        self._open_sum += value * seconds
        if self._open < self._width:
            return
        self._cells.append((self._open, self._open_sum))
        self._open = self._open_sum = 0.0
        if len(self._cells) > CELLS:
            seconds, part = self._cells.popleft()
            self.seconds -= seconds
            self._sum -= part

    @property
    def mean(self) -> float:
        """The mean; 0.0 before there is anything."""
        return self._sum / self.seconds if self.seconds > 0.0 else 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._cells.clear()
        self.seconds = self._sum = self._open = self._open_sum = 0.0


class Lows:
    """The lowest reading of each minute, whose trend shows whether something piles up.

    Peaks come and go with sampling and saving; what is never given back raises the lows. At most
    MOST minutes are kept; when there are so many, neighbours are merged and count for longer.
    """

    MOST = 60
    WIDTH = 60.0

    def __init__(self) -> None:
        self.cells: list[tuple[float, float, int]] = []
        self.revision = 0
        self._width = self.WIDTH
        self._time = 0.0
        self._begun = 0.0
        self._low: float | None = None
        self._step = 0

    def add(self, value: float, seconds: float, step: int) -> None:
        """`value` held for `seconds`, at `step`."""
        if self._low is None:
            self._low, self._begun, self._step = value, self._time, step
        self._low = min(self._low, value)
        self._time += seconds
        if self._time - self._begun < self._width:
            return
        self.cells.append(((self._begun + self._time) / 2, self._low, self._step))
        self._low = None
        self.revision += 1
        if len(self.cells) >= self.MOST:
            old = self.cells
            self.cells = [
                ((a[0] + b[0]) / 2, min(a[1], b[1]), a[2])
                for a, b in zip(old[::2], old[1::2], strict=False)
            ]
            self._width *= 2

    @property
    def seconds(self) -> float:
        """Seconds between the first cell and the last."""
        return self.cells[-1][0] - self.cells[0][0] if len(self.cells) > 1 else 0.0

    def rise(self) -> tuple[float, float] | None:
        """How much the lows have risen in all, and by how much a second, if they rise steadily.

        Steadily: Mann–Kendall p below 0.01, and each third of the time has at least half its share
        of the rise, so that a rise that is over (every image size has been seen, every cache is
        filled), or one single jump, is none. None otherwise.
        """
        cells = self.cells
        if len(cells) < 9:
            return None
        times, values = [c[0] for c in cells], [c[1] for c in cells]
        z, p = mann_kendall(values)
        if z <= 0.0 or p >= 0.01:
            return None
        slope = theil_sen(times, values)
        rise = slope * (times[-1] - times[0])
        part = len(cells) // 3
        ends = [median(values[at : at + 3]) for at in (0, part, 2 * part)]
        ends.append(median(values[-3:]))
        least = (ends[-1] - ends[0]) / 6
        steady = all(b - a >= least for a, b in pairwise(ends))
        return (rise, slope) if steady and rise > 0.0 and least > 0.0 else None


class Exceptions:
    """Whether the log shows an exception that training has not survived.

    A few steps may still come from other ranks; more of them show that somebody caught it.
    """

    CAUGHT = 3

    def __init__(self) -> None:
        self.fatal = False
        self._at = 0

    def update(self, view: View) -> None:
        """Take what is new in a view."""
        if view.failures:
            self.fatal, self._at = True, view.step or 0
        elif self.fatal and (view.step or 0) > self._at + self.CAUGHT:
            self.fatal = False


def gpus(around: Surroundings) -> tuple[GpuReading, ...]:
    """The run's own GPUs as they are now; none where it is not known which those are.

    A machine with a single GPU leaves no doubt; a note says that the readings are old.
    """
    machine = around.machine
    if machine is None or machine.note or not (machine.own or len(machine.gpus) == 1):
        return ()
    return machine.gpus


def training(around: Surroundings) -> bool:
    """Whether steps are being made now, as far as that can be seen."""
    return around.phase == "training" and around.quiet is not None and around.quiet <= LULL


def shown(gpu: GpuReading) -> str:
    """What a GPU is called in a sentence."""
    return f"GPU {gpu.index}" + (f" ({gpu.name})" if gpu.name else "")


def gigabytes(size: float) -> float:
    """Bytes as GiB with a digit behind the point: what graphics cards are sold by."""
    return round(size / GIB, 1)


def seen(text: str, **numbers: object) -> tuple[Evidence, ...]:
    """One piece of evidence made of numbers."""
    return (Evidence("number", text, numbers),)
