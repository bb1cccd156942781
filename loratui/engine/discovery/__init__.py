"""Finds the training runs on this box: which there are, and where their output can be read."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.facts import GpuReading
from loratui.core.running import Discovered, FoundRun, LogPlace
from loratui.engine.discovery.finder import Discovery

__all__ = ["Discovered", "Discovery", "FoundRun", "LogPlace", "discover"]


def discover(gpus: Sequence[GpuReading] = (), deadline: float = 0.3) -> list[FoundRun]:
    """The runs on this box, the one to watch first. `gpus` are NVML's readings, if there are any.

    To look again and again, and to see what did not answer in time, keep a `Discovery`.
    """
    return list(Discovery().look(gpus, deadline).runs)
