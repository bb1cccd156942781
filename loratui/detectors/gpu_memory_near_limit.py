"""Hardly any GPU memory is free while training."""

from __future__ import annotations

from collections import defaultdict

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import Recent, Watcher, gigabytes, gpus, seen, shown, training

FULL, LEFT = 0.97, 0.95
"""Share of the memory from which it counts as nearly full, and below which it no longer does."""

SPAN = 60.0


class GpuMemoryNearLimit(Watcher):
    """The memory of a GPU of the run is nearly full.

    What it sees: 97 % or more of the memory in use on average over the last minute of training.
    Why it matters: the next larger image or the next round of samples may run out of memory. By
        itself it is information: PyTorch keeps what it once had, and gives it back when it must.
    When it is wrong: it is no fault of a run that goes on like this to its end.
    Example: 23.6 of 24.0 GB in use at every step.
    """

    id = "gpu-memory-near-limit"

    def __init__(self) -> None:
        super().__init__()
        self._full: defaultdict[int, Recent] = defaultdict(lambda: Recent(SPAN))

    def look(self, view: View, seconds: float) -> Verdict:
        own = gpus(view.around)
        known = [gpu for gpu in own if gpu.memory_used is not None and gpu.memory_total]
        if not known:
            return Verdict("cannot-tell")
        worst, most = None, 0.0
        for gpu in known:
            recent = self._full[gpu.index]
            share = (gpu.memory_used or 0) / (gpu.memory_total or 1)
            if training(view.around):
                recent.add(share, seconds)
            if recent.seconds >= 0.9 * SPAN and recent.mean >= most:
                worst, most = gpu, recent.mean
        if worst is None:
            return Verdict("too-early")
        if most < (LEFT if self.firing else FULL):
            return Verdict("clear")
        numbers = {
            "gpu": shown(worst),
            "share": round(most, 2),
            "used": gigabytes(most * (worst.memory_total or 0)),
            "total": gigabytes(worst.memory_total or 0),
        }
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.9,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=seen(f"{shown(worst)}: {most:.0%} of its memory in use", **numbers),
        )
