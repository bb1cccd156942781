"""Steps are made, but not on the GPU."""

from __future__ import annotations

from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import (
    GIB,
    Recent,
    Watcher,
    gigabytes,
    gpus,
    seen,
    shown,
    training,
)

IDLE = 3.0
"""Mean utilisation in percent that a desktop or nothing at all makes."""

MEMORY = 2 * GIB
"""Memory below which no image model can be in training on a GPU: even SD 1.5 needs 6 GB. Source:
training-guide#hardware."""

SPAN = 300.0
STEPS = 3


class GpuUnused(Watcher):
    """The run trains on the processor while its GPU stands idle.

    What it sees: over 5 minutes in which steps are made by a process on this machine, all of its
        GPUs together at no more than 3 % and with less than 2 GB in use.
    Why it matters: the processor takes 20 to 100 times as long.
    When it is wrong: a run that is meant to train on the processor. Never concluded from a process
        that the driver does not list: in containers it lists none, or other people's numbers.
    Example: PyTorch without CUDA: 40 s a step, GPU at 0 %.
    """

    id = "gpu-unused"

    def __init__(self) -> None:
        super().__init__()
        self._use = Recent(SPAN)
        self._memory = 0
        self._begun: int | None = None

    def look(self, view: View, seconds: float) -> Verdict:
        around, own = view.around, gpus(view.around)
        if around.processes is None or not own:
            return Verdict("cannot-tell")
        use = [gpu.utilisation for gpu in own if gpu.utilisation is not None]
        memory = [gpu.memory_used for gpu in own if gpu.memory_used is not None]
        if len(use) < len(own) or len(memory) < len(own):
            return Verdict("cannot-tell")
        if max(memory) >= MEMORY:
            self._use.clear()
            self._begun = None
            return Verdict("clear")
        if not training(around):
            return self._shown
        if self._begun is None:
            self._begun = view.step or 0
        self._use.add(max(use), seconds)
        self._memory = max(memory)
        if self._use.mean > IDLE:
            return Verdict("clear")
        if self._use.seconds < 0.9 * SPAN or (view.step or 0) - self._begun < STEPS:
            return Verdict("too-early")
        numbers = {
            "gpu": shown(own[0]),
            "use": round(self._use.mean),
            "memory": gigabytes(self._memory),
            "minutes": round(SPAN / 60),
            "cpu": view.around.host.cpu if view.around.host is not None else None,
        }
        return Verdict(
            "firing",
            since=self._begun,
            confidence=0.85,
            numbers=numbers,
            evidence=seen(
                f"{shown(own[0])}: {self._use.mean:.0f} % busy while training", **numbers
            ),
        )
