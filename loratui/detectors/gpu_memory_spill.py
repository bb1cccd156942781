"""The driver has moved GPU memory into main memory, and steps have become slow."""

from __future__ import annotations

from collections import defaultdict

from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.pace import Pace, Paced
from loratui.detectors.readings import (
    Recent,
    Watcher,
    gigabytes,
    gpus,
    seen,
    shown,
    training,
)
from loratui.detectors.usual import usual_time

SHARING = ("windows", "wsl")
"""Systems whose driver uses main memory when a card is full. Source: NVIDIA's CUDA Sysmem Fallback
Policy for Windows; on Linux the program is told that memory has run out."""

FULL = 0.97
SPAN = 120.0

FAR = 3.0
"""How many times above the usual time of its card a step must be where the run was never faster."""


class GpuMemorySpill(Paced, Watcher):
    """A full card whose steps have become far slower, on Windows or WSL.

    What it sees: 97 % or more of the memory in use over 2 minutes of training, and steps that take
        more than 1.5 times as long as earlier in the run, or more than 3 times what is usual for
        the card. On Linux never: there a full card ends in an error.
    Why it matters: what has been moved is read through the bus, many times slower; the run may
        take days instead of hours.
    When it is wrong: a card that happens to be nearly full while something else slows the run down.
    Example: 23.7 of 24 GB, 1.4 s a step at first and 9 s since the samples at step 250.
    """

    id = "gpu-memory-spill"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self._full: defaultdict[int, Recent] = defaultdict(lambda: Recent(SPAN))

    def hear(self, view: View) -> None:
        self.pace.update(view)

    def look(self, view: View, seconds: float) -> Verdict:
        platform = view.facts.platform
        if platform not in SHARING:
            return Verdict("clear" if platform else "cannot-tell")
        known = [g for g in gpus(view.around) if g.memory_used is not None and g.memory_total]
        if not known:
            return Verdict("cannot-tell")
        early = False
        for gpu in known:
            full = self._full[gpu.index]
            if training(view.around):
                full.add((gpu.memory_used or 0) / (gpu.memory_total or 1), seconds)
            early = early or full.seconds < 0.9 * SPAN
            if full.seconds < 0.9 * SPAN or full.mean < FULL:
                continue
            slow = self._slow(view)
            if not slow:
                continue
            numbers = {
                "gpu": shown(gpu),
                "share": round(full.mean, 2),
                "used": gigabytes(full.mean * (gpu.memory_total or 0)),
                "total": gigabytes(gpu.memory_total or 0),
                **slow,
            }
            return Verdict(
                "firing",
                since=view.step,
                confidence=0.8,
                numbers=numbers,
                evidence=seen(f"{shown(gpu)}: {full.mean:.0%} of its memory in use", **numbers),
            )
        return Verdict("too-early" if early else "clear")

    def _slow(self, view: View) -> dict[str, object]:
        """How much slower steps are than they were or should be; empty if they are not."""
        change = self.pace.change(view.total or view.facts.total_steps)
        if change is not None and change.slower:
            before, now = change.before, change.now
            kind = "slowed"
        else:
            usual, now_or_none = usual_time(view), self.pace.now
            if usual is None or now_or_none is None or now_or_none < FAR * usual.high:
                return {}
            before, now, kind = usual.high, now_or_none, "slow"
        return {
            "kind": kind,
            "before": float(f"{before:.3g}"),
            "now": float(f"{now:.3g}"),
            "ratio": float(f"{now / before:.2g}"),
        }
