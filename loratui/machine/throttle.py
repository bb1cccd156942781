"""What NVML's clock event bits mean, in words, and for how much of the last minute."""

from __future__ import annotations

import math
from collections import deque

IDLE = "idle"  # the clock is low because there is nothing to do: not slowing
POWER_CAP = "power cap"
THERMAL_SOFTWARE = "thermal (software)"
THERMAL_HARDWARE = "thermal (hardware)"
HARDWARE = "hardware slowdown"
POWER_BRAKE = "hw power brake"

_HARDWARE_BIT = 0x8
_HARDWARE_CAUSES = 0x40 | 0x80
_WORDS = {
    0x1: IDLE,
    0x2: "application clocks",
    0x4: POWER_CAP,
    0x8: HARDWARE,
    0x10: "sync boost",
    0x20: THERMAL_SOFTWARE,
    0x40: THERMAL_HARDWARE,
    0x80: POWER_BRAKE,
    0x100: "display clock",
    0x200: "board limit",
    0x400: "reliability",
}


def words(bits: int) -> tuple[str, ...]:
    """The reasons in `bits`, lowest bit first; one without a name as ``reason 0x800``."""
    if bits & _HARDWARE_CAUSES:
        bits &= ~_HARDWARE_BIT  # set beside its causes, says nothing more than they do
    found = []
    bit = 1
    while bit <= bits:
        if bits & bit:
            found.append(_WORDS.get(bit, f"reason 0x{bit:x}"))
        bit <<= 1
    return tuple(found)


class ThrottleShares:
    """The share of the last `window` seconds in which each reason was active."""

    def __init__(self, window: float = 60.0) -> None:
        self._window = window
        self._samples: deque[tuple[float, float, tuple[str, ...]]] = deque(maxlen=4096)

    def add(self, now: float, reasons: tuple[str, ...], interval: float) -> dict[str, float]:
        """Take a sample of `now` and give the shares; `interval` is what it stands for at most.

        A sample stands for the time since the one before, so that irregular sampling does not
        count a reason twice, but never for long: nothing is known of a gap.
        """
        weight = interval
        if self._samples:
            weight = min(max(now - self._samples[-1][0], 0.0), 2 * interval)
        self._samples.append((now, weight, reasons))
        while self._samples[0][0] <= now - self._window or self._samples[0][0] > now:
            self._samples.popleft()
        # seconds after the start, "all of what was seen" would be no news of the last minute
        whole = max(sum(weight for _, weight, _ in self._samples), self._window / 2)
        active: dict[str, float] = {}
        for _, weight, found in self._samples:
            for reason in found:
                if reason != IDLE:
                    active[reason] = active.get(reason, 0.0) + weight
        return {name: _rounded(time / whole) for name, time in sorted(active.items()) if time}


def _rounded(share: float) -> float:
    """Down to a step of 5 %, below 10 % of 1 %: a share that creeps is not news every second."""
    steps = 100 if share < 0.1 else 20
    return max(math.floor(share * steps + 1e-9) / steps, 0.01)
