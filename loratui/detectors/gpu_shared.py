"""Another process takes part of the run's GPU."""

from __future__ import annotations

from loratui.core.facts import GpuProcess, GpuReading
from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import GIB, Watcher, gigabytes, gpus, seen, shown

LEAST, SHARE = GIB, 0.05
"""Memory of another process that is no desktop, browser or idle context any more: 1 GB and 5 %."""

MUCH, FULL = 0.2, 0.9
"""Shares of the GPU's memory: held by the other process, or in use in all, from which it costs."""

SURE = 60.0


class GpuShared(Watcher):
    """A process that is not the run's holds memory on the run's GPU.

    What it sees: for a minute, besides the run's own processes, which the driver lists there, one
        with 1 GB and 5 % of the memory or more. A warning when it holds a fifth of the memory or
        when the memory is 90 % full, else information.
    Why it matters: memory that is missing, and steps that take longer while the other one computes.
    When it is wrong: a helper that the run itself started with a number of its own. Silent where
        the run's own processes are not listed: then the numbers may be another container's.
    Example: a ComfyUI left open holds 8 of 24 GB.
    """

    id = "gpu-shared"

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[tuple[int, int], float] = {}

    def look(self, view: View, seconds: float) -> Verdict:
        ranks = view.around.processes
        if not ranks:
            return Verdict("cannot-tell")
        certain = [gpu for gpu in gpus(view.around) if _lists(gpu, ranks)]
        if not certain:
            return Verdict("cannot-tell")
        found = [
            (gpu, process)
            for gpu in certain
            for process in gpu.processes or ()
            if process.pid not in ranks and _large(gpu, process)
        ]
        self._held = {
            (gpu.index, process.pid): self._held.get((gpu.index, process.pid), 0.0) + seconds
            for gpu, process in found
        }
        if not found:
            return Verdict("clear")
        sure = [pair for pair in found if self._held[pair[0].index, pair[1].pid] >= SURE]
        if not sure:
            return Verdict("too-early")
        return self._found(view, *max(sure, key=lambda pair: pair[1].memory or 0))

    def _found(self, view: View, gpu: GpuReading, other: GpuProcess) -> Verdict:
        memory, total = other.memory or 0, gpu.memory_total or 0
        costs = memory >= MUCH * total or (gpu.memory_used or 0) >= FULL * total
        numbers = {
            "gpu": shown(gpu),
            "pid": other.pid,
            "name": other.name,
            "memory": gigabytes(memory),
            "total": gigabytes(total),
            "kind": "costs" if costs else "small",
        }
        text = f"process {other.pid} ({other.name or 'name not known'}): {gigabytes(memory)} GB"
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.9,
            severity=Severity.WARNING if costs else Severity.INFO,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )


def _lists(gpu: GpuReading, ranks: frozenset[int]) -> bool:
    """Whether the driver lists a process of the run on this GPU, under a number that is its own."""
    return any(process.pid in ranks and process.name is not None for process in gpu.processes or ())


def _large(gpu: GpuReading, process: GpuProcess) -> bool:
    total = gpu.memory_total or 0
    return process.memory is not None and total > 0 and process.memory >= max(LEAST, SHARE * total)
