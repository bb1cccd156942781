"""GPU memory rises all the time instead of staying level."""

from __future__ import annotations

from collections import defaultdict

from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.filling import Filling
from loratui.detectors.readings import Watcher, gpus, seen, shown, training

LEAST = 600.0
"""Seconds of training that a trend needs, besides those in which memory settles."""


class GpuMemoryGrowing(Watcher):
    """GPU memory keeps rising, and will be full before the run is done.

    What it sees: the lowest reading of each minute of training, without the first epoch or the
        first tenth of the run, in which every image size is met: they rise steadily (Mann–Kendall,
        in each third of the time) over 10 minutes or more, by 5 % of the memory in all, and at this
        rate reach its end before the last step.
    Why it matters: the run ends with out of memory, perhaps hours from now.
    When it is wrong: another program on the same card that takes more and more; image sizes that
        are met one after the other for longer than an epoch.
    Example: 14.2 GB after the first epoch, 0.4 GB more in each that follows, of 24 GB.
    """

    id = "gpu-memory-growing"

    def __init__(self) -> None:
        super().__init__()
        self._memory: defaultdict[int, Filling] = defaultdict(lambda: Filling(LEAST))

    def look(self, view: View, seconds: float) -> Verdict:
        known = [g for g in gpus(view.around) if g.memory_used is not None and g.memory_total]
        if not known:
            return Verdict("cannot-tell")
        for gpu in known:
            memory = self._memory[gpu.index]
            if training(view.around):
                memory.add(gpu.memory_used or 0, gpu.memory_total or 0, view, seconds)
            if memory.rise is None:
                continue
            numbers = {"gpu": shown(gpu), **memory.rise.numbers()}
            text = f"{shown(gpu)}: {numbers['first']} GB in use, then {numbers['now']} GB"
            return Verdict(
                "firing",
                since=memory.rise.since,
                confidence=0.8,
                numbers=numbers,
                evidence=seen(text, **numbers),
            )
        ready = all(self._memory[gpu.index].ready for gpu in known)
        return Verdict("clear" if ready else "too-early")
