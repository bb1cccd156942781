"""The GPU's clock is held down, and training pays for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from loratui.core.facts import GpuReading
from loratui.core.findings import Verdict
from loratui.detectors.base import View
from loratui.detectors.pace import Pace, Paced
from loratui.detectors.readings import Recent, Watcher, gpus, seen, shown, training

HARD = frozenset(("thermal (hardware)", "hardware slowdown", "hw power brake"))
"""Reasons that halve the clock or worse. Source: NVIDIA's NVML reference, clock event reasons."""

HEAT = frozenset(("thermal (software)",))
POWER = frozenset(("power cap", "board limit"))
"""Normal on a loaded card, most of all on a laptop: by themselves they mean nothing."""

SPAN, MINUTE = 300.0, 60.0
HARD_SHARE, SOFT_SHARE = 0.25, 0.5
"""Share of the last minutes of training for which such a reason must have been active: the hardware
may report a slowdown for moments when it changes its clock."""

FELL = 0.85
"""Share of the run's own best clock that counts as held down; a card that has warmed up loses a few
percent."""

LOW = 0.6
"""Share of the card's highest clock that counts as low, where nothing faster was seen in this run.
Cards under load run at 80 to 95 %, laptops that are short of power at 45 to 70 %."""

POWER_FELL, SLOWER = 0.75, 1.2
"""For a power cap: how far the clock must have fallen, and how much longer steps must take."""

LOADED = 50
"""Utilisation in percent below which a low clock is no wonder."""


@dataclass(slots=True)
class _Card:
    """What was seen of one GPU while it trained."""

    hard: Recent = field(default_factory=lambda: Recent(SPAN))
    heat: Recent = field(default_factory=lambda: Recent(SPAN))
    power: Recent = field(default_factory=lambda: Recent(SPAN))
    clock: Recent = field(default_factory=lambda: Recent(SPAN))
    minute: Recent = field(default_factory=lambda: Recent(MINUTE))
    best: float = 0.0
    why: dict[str, float] = field(default_factory=dict)  # reason -> seconds of late

    def take(self, gpu: GpuReading, reasons: frozenset[str], seconds: float) -> None:
        self.hard.add(bool(reasons & HARD), seconds)
        self.heat.add(bool(reasons & HEAT), seconds)
        self.power.add(bool(reasons & POWER), seconds)
        fade = max(0.0, 1.0 - seconds / SPAN)
        for reason in HARD | HEAT | POWER:
            late = self.why.get(reason, 0.0) * fade + (seconds if reason in reasons else 0.0)
            self.why[reason] = late
        if gpu.clock is None:
            return
        self.clock.add(gpu.clock, seconds)
        self.minute.add(gpu.clock, seconds)
        if self.minute.seconds >= 0.9 * MINUTE:
            self.best = max(self.best, self.minute.mean)


class GpuThrottled(Paced, Watcher):
    """Heat, power or the hardware's own protection slow the run's GPU down.

    What it sees: over 5 minutes of training at load: the hardware's slowdown or power brake for a
        quarter of the time, or thermal slowdown for half of it, with a clock that fell by 15 %
        within the run or is below 60 % of the card's highest. A power cap counts only when the
        clock fell by a quarter within the run and steps take 1.2 times as long. Never the
        temperature alone.
    Why it matters: the run takes longer than it need, and the cause (dust, a fan, a loose cable, a
        limit that somebody set) gets no better by itself.
    When it is wrong: a laptop on battery, or a limit set on purpose in the middle of the run.
    Example: thermal slowdown 80 % of the time, 1,950 MHz at first and 1,400 MHz now.
    """

    id = "gpu-throttled"

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self._cards: defaultdict[int, _Card] = defaultdict(_Card)

    def hear(self, view: View) -> None:
        self.pace.update(view)

    def look(self, view: View, seconds: float) -> Verdict:
        known = [gpu for gpu in gpus(view.around) if gpu.throttle is not None]
        if not known:
            return Verdict("cannot-tell")
        early = True
        for gpu in known:
            card = self._cards[gpu.index]
            if training(view.around) and (gpu.utilisation or 0) >= LOADED:
                card.take(gpu, frozenset(gpu.throttle or ()), seconds)
            if card.hard.seconds < 0.8 * SPAN:
                continue
            early = False
            kind = self._kind(gpu, card, view)
            if kind:
                return self._found(gpu, card, kind, view)
        return Verdict("too-early" if early else "clear")

    def _kind(self, gpu: GpuReading, card: _Card, view: View) -> str:
        """Why the GPU is held down; empty if it is not, or if it costs nothing."""
        ease = 0.5 if self.firing else 1.0
        clock = card.clock.mean if card.clock.seconds >= 0.8 * SPAN else None
        fell = clock is not None and bool(card.best) and clock <= FELL * card.best
        low = clock is not None and bool(gpu.clock_max) and clock <= LOW * (gpu.clock_max or 0)
        capped = card.power.mean >= SOFT_SHARE
        if card.hard.mean >= HARD_SHARE * ease and (clock is None or fell or low):
            return "hardware"
        if card.heat.mean >= SOFT_SHARE * ease and (fell or (low and not capped)):
            return "heat"
        if card.power.mean < SOFT_SHARE * ease or clock is None or not low:
            return ""
        change = self.pace.change(view.total or view.facts.total_steps)
        slower = change is not None and change.now >= SLOWER * change.before > 0.0
        return "power" if clock <= POWER_FELL * card.best and slower else ""

    def _found(self, gpu: GpuReading, card: _Card, kind: str, view: View) -> Verdict:
        group = {"hardware": HARD, "heat": HEAT, "power": POWER}[kind]
        share = {"hardware": card.hard, "heat": card.heat, "power": card.power}[kind].mean
        clock = card.clock.mean
        numbers = {
            "gpu": shown(gpu),
            "kind": kind,
            "reasons": max(sorted(group), key=lambda reason: card.why.get(reason, 0.0)),
            "share": round(share, 2),
            "minutes": round(SPAN / 60),
            "clock": round(clock, -1) if card.clock.seconds else None,
            "best": round(card.best, -1) if card.best > 1.05 * clock else None,
            "highest": gpu.clock_max,
            "temperature": gpu.temperature,
        }
        text = f"{shown(gpu)}: {numbers['reasons']} {share:.0%} of the last {SPAN / 60:.0f} minutes"
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.9 if kind != "power" else 0.8,
            numbers=numbers,
            evidence=seen(text, **numbers),
        )
