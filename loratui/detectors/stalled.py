"""The run lives, but nothing goes on any more."""

from __future__ import annotations

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import LULL, Exceptions, Recent, Watcher, gpus, seen

SURE = 30.0
"""Seconds of watching without a break before silence counts: a laptop that slept heard nothing."""

LEAST = 300.0
"""Seconds of silence that a trainer may take for samples or a save without a word, as some do."""

UNKNOWN = 1800.0
"""The same while no two signs of life have been seen in training: some runs write only every
hundred steps. SageMaker's rule for a stalled run takes as long."""

BUSY = 50.0
"""Mean utilisation in percent above which a GPU is at work, whatever the log says."""


class Stalled(Watcher):
    """Nothing has been written for far longer than is usual, and the process is still there.

    What it sees: the time since the last sign of life of a run that was seen living: more than
        5 minutes and more than 5 times the longest silence so far while training; loading, caching,
        sampling and saving may take much longer. Before the first step it needs the process itself,
        for a start that failed is silent as well.
    Why it matters: a run that hangs never ends by itself, and a rented GPU costs money meanwhile.
    When it is wrong: a download or a cache that takes very long, an output that the shell holds
        back. While the run's only GPU is busy it is a warning: something is being computed.
    Example: a step every 2 s until step 340, then nothing for 8 minutes.
    """

    id = "stalled"

    def __init__(self) -> None:
        super().__init__()
        self._watched = 0.0
        self._busy = Recent(LULL)
        self._exceptions = Exceptions()

    def hear(self, view: View) -> None:
        self._exceptions.update(view)

    def look(self, view: View, seconds: float) -> Verdict:
        around = view.around
        if around.quiet is None or (view.step is None and around.processes is None):
            self._watched = 0.0
            return Verdict("cannot-tell")
        if _over(view) or self._exceptions.fatal:
            return Verdict("clear")
        self._watched = self._watched + seconds if seconds else 0.0
        own = gpus(around)
        if len(own) == 1 and own[0].utilisation is not None:
            self._busy.add(own[0].utilisation, seconds)
        else:  # several that wait for one another are busy as well
            self._busy.clear()
        known = around.phase != "training" or around.gap > 0.0
        allowed = max(around.allowed, LEAST if known else UNKNOWN)
        if around.quiet <= allowed or self._watched < SURE:
            return Verdict("clear")
        computes = self._busy.seconds >= SURE and self._busy.mean >= BUSY
        minutes = int(around.quiet // 60)
        numbers = {
            "minutes": minutes,
            "phase": around.phase or "loading",
            "usual": round(allowed / 60),
            "gap": round(around.gap) if around.gap >= 1.0 else None,
            "step": view.step,
            "kind": "busy" if computes else "idle" if self._busy.seconds >= SURE else "",
        }
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.7 if computes else 0.9,
            severity=Severity.WARNING if computes else Severity.ERROR,
            numbers=numbers,
            evidence=seen(f"nothing written for {minutes} minutes", **numbers),
        )


def _over(view: View) -> bool:
    """Whether nothing need come any more. Some bars end a step short of their total."""
    if view.ended is not None or view.around.phase == "finished":
        return True
    total = view.total or view.facts.total_steps
    return total is not None and view.step is not None and view.step >= total - 1
