"""The run's GPU no longer answers its driver."""

from __future__ import annotations

from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import Watcher, seen, shown

SURE = 10.0
"""Seconds for which it must have been lost: a driver that restarts is away for a moment."""

STEPS = 2
"""Steps that may still come: they were queued on the GPU before."""


class GpuLost(Watcher):
    """The driver says that a GPU of the run is lost.

    What it sees: NVML's answers "GPU is lost" or "reset required", or a GPU that has left its list,
        for 10 s, while no more than two steps come.
    Why it matters: nothing that is on the card can be saved, and it stays away until the driver or
        the machine is restarted.
    When it is wrong: the driver was stopped on purpose. Silent where it is not known which of
        several GPUs is the run's.
    Example: NVML error 15 for GPU 1 from 02:14:07 on, and the bar stands still.
    """

    id = "gpu-lost"

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._step: int | None = None

    def look(self, view: View, seconds: float) -> Verdict:
        machine, around = view.around.machine, view.around
        alive = around.quiet is not None or around.gone
        if machine is None or not alive or not (machine.own or len(machine.gpus) == 1):
            return Verdict("cannot-tell")
        lost = [gpu for gpu in machine.gpus if gpu.lost]
        if not lost:
            self._seconds, self._step = 0.0, None
            return Verdict("clear")
        if self._step is None:
            self._step = view.step or 0
        self._seconds += seconds
        if self._seconds < SURE or (view.step or 0) > self._step + STEPS:
            return Verdict("clear") if self._seconds >= SURE else Verdict("too-early")
        numbers = {"gpu": shown(lost[0]), "index": lost[0].index, "count": len(lost)}
        text = lost[0].note or f"{shown(lost[0])} has stopped answering the driver"
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.95,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
