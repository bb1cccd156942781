"""Main memory rises all the time instead of staying level."""

from __future__ import annotations

from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.filling import Filling
from loratui.detectors.readings import Watcher, seen, training

LEAST = 900.0
"""Seconds of training that a trend needs, besides those in which memory settles."""


class HostMemoryGrowing(Watcher):
    """The memory of the computer, or of its container, keeps rising towards its end.

    What it sees: the lowest reading of each minute of training, without the first epoch or the
        first tenth of the run: they rise steadily (Mann–Kendall, in each third of the time) over 15
        minutes or more, by 5 % of the memory in all, and reach its end before the last step.
    Why it matters: the system ends the run without a message once memory is full.
    When it is wrong: another program on the same machine that takes more and more.
    Example: 21 GB of 32 after the first epoch, 1.5 GB more every hour, 10 hours to go.
    """

    id = "host-memory-growing"

    def __init__(self) -> None:
        super().__init__()
        self._memory = Filling(LEAST)

    def look(self, view: View, seconds: float) -> Verdict:
        host = view.around.host
        here = self.here(view)
        if host is None or host.memory_used is None or not host.memory_total:
            return Verdict("cannot-tell")
        if training(view.around) and here:
            self._memory.add(host.memory_used, host.memory_total, view, seconds)
        rise = self._memory.rise
        if rise is None:
            return Verdict("clear" if self._memory.ready else "too-early")
        numbers = rise.numbers()
        text = f"{numbers['first']} GB of main memory in use, then {numbers['now']} GB"
        return Verdict(
            "firing",
            since=rise.since,
            confidence=0.8,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
