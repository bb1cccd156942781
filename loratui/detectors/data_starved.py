"""The GPU waits while the processor or the disk prepares the next images."""

from __future__ import annotations

from collections import deque

from loratui.core.facts import HostReading
from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import Recent, Watcher, gpus, seen, shown, training
from loratui.detectors.usual import offloads

SPAN = 300.0

LOW, DIP, DIPS = 50.0, 10, 0.25
"""Mean utilisation in percent, what counts as a dip, and the share of dips. SageMaker's profiler
calls a GPU under-used from a 5th percentile below 10 %."""

ALL_CORES, PER_WORKER = 85.0, 0.8
"""Load in percent of all cores, and cores kept busy by each loading process, that show that the
processor does not keep up."""

SHORT, STEPS, PACES = 10.0, 4.0, 32
"""A pause is longer than so many seconds, and than so many of the shortest of the last steps: what
the GPU does in it says nothing of the images."""

EARLY, BUSY = 120.0, 80.0
"""The first seconds of training, and the utilisation in them at which the GPU was busy."""

DISK = 30.0
"""Percentage of the time in which something waits for a disk."""


class DataStarved(Watcher):
    """The GPU stands still between steps because images do not come fast enough.

    What it sees: over 5 minutes of training a mean utilisation below 50 %, and beside it a
        processor that is busy on all cores; or, with a quarter of the readings near zero, on one
        core for each loading process, or a disk that is waited for a third of the time. Without
        such readings the GPU must have been busy at 80 % in the first two minutes.
    Why it matters: the GPU could do the same work in half the time.
    When it is wrong: other work on the same machine that loads the processor while the run waits
        for something else. Utilisation alone proves nothing, and with parts of the model kept in
        system memory the question cannot be answered.
    Example: GPU at 35 %, at zero in every second reading, and 8 of 8 cores busy.
    """

    id = "data-starved"

    def __init__(self) -> None:
        super().__init__()
        self._use, self._dips = Recent(SPAN), Recent(SPAN)
        self._cpu, self._disk = Recent(SPAN), Recent(SPAN)
        self._early_use = self._early_seconds = 0.0
        self._begun: int | None = None
        self._paces: deque[float] = deque(maxlen=PACES)
        self._stepped: tuple[int, float] | None = None

    def look(self, view: View, seconds: float) -> Verdict:
        around = view.around
        if around.quiet is None:
            return Verdict("cannot-tell")
        use = [gpu.utilisation for gpu in gpus(around) if gpu.utilisation is not None]
        if not use:
            return Verdict("cannot-tell", reason="no-readings")
        if offloads(view.facts.config):
            return Verdict("cannot-tell", reason="offload")
        host = around.host or HostReading()
        here = self.here(view)
        if training(around) and here and not self._pauses(view):
            self._begun = view.step if self._begun is None else self._begun
            busy = sum(use) / len(use)
            self._use.add(busy, seconds)
            if self._early_seconds < EARLY:
                self._early_use += busy * seconds
                self._early_seconds += seconds
            self._dips.add(busy < DIP, seconds)
            if host.cpu is not None:
                self._cpu.add(host.cpu, seconds)
            if host.disk_wait is not None:
                self._disk.add(host.disk_wait, seconds)
        if self._use.seconds < 0.8 * SPAN:
            return Verdict("too-early")
        ease = 1.2 if self.firing else 1.0
        if self._use.mean >= LOW * ease:
            return Verdict("clear", numbers={"use": round(self._use.mean)})
        cause = self._cause(view, host, dips=self._dips.mean >= DIPS / ease)
        if not cause:
            return Verdict("cannot-tell", reason="not-loading")
        return self._found(view, host, cause)

    def _pauses(self, view: View) -> bool:
        """Whether the trainer does something else than steps, announced or not."""
        step, quiet = view.step or 0, view.around.quiet or 0.0
        if self._stepped is None or step > self._stepped[0]:
            if self._stepped is not None and view.now > self._stepped[1]:
                self._paces.append((view.now - self._stepped[1]) / (step - self._stepped[0]))
            self._stepped = step, view.now
        return quiet > max(SHORT, STEPS * min(self._paces, default=0.0))

    def _cause(self, view: View, host: HostReading, *, dips: bool) -> str:
        """What the GPU waits for: ``cpu``, ``disk`` or nothing that can be shown.

        Steps far shorter than the second over which a driver measures show no `dips`; then the
        GPU must have been busy before: a small job never is.
        """
        if not dips and self._early_use < BUSY * self._early_seconds:
            return ""
        if self._cpu.seconds >= 0.5 * SPAN:
            cores, workers = host.cores, view.facts.config.number("workers")
            if self._cpu.mean >= ALL_CORES:
                return "cpu"
            if dips and cores is not None and workers is not None and 0 <= workers < cores:
                # the main process keeps a core busy as well, be it by waiting for the GPU
                busy = self._cpu.mean / 100 * cores
                if busy >= (PER_WORKER * workers + 0.8 if workers else PER_WORKER):
                    return "cpu"
        if dips and self._disk.seconds >= 0.5 * SPAN and self._disk.mean >= DISK:
            return "disk"
        return ""

    def _found(self, view: View, host: HostReading, cause: str) -> Verdict:
        gpu = gpus(view.around)[0]
        workers = view.facts.config.number("workers")
        numbers = {
            "kind": cause,
            "gpu": shown(gpu),
            "use": round(self._use.mean),
            "idle": round(self._dips.mean, 2),
            "cpu": round(self._cpu.mean) if self._cpu.seconds else None,
            "cores": host.cores,
            "disk": round(self._disk.mean) if self._disk.seconds else None,
            "workers": None if workers is None else int(workers),
            "minutes": round(SPAN / 60),
        }
        text = f"{shown(gpu)}: {numbers['use']} % busy, idle in {numbers['idle']:.0%} of readings"
        return Verdict(
            "firing",
            since=self._begun,
            confidence=0.75,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
