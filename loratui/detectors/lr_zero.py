"""The learning rate is zero, or so small that nothing can be learned."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.core.facts import RunFacts
from loratui.core.findings import Evidence, Verdict
from loratui.core.statistics import finite
from loratui.detectors.base import Detector, View

TINY = 1e-7
"""Peak below which no image LoRA learns anything: usual rates are 1e-5 to 1e-3, and one step of
Adam moves a weight by about the rate."""

SETTLED = 20
"""Points without a new peak before a tiny rate is no longer a warm-up that has only begun."""

PATIENCE = 0.25
"""Share of the run after which a rate that still rises, but is tiny, is no warm-up any more."""

EARLY_END = 0.8
"""A schedule that reaches zero before this share of the run has ended too early."""

IDLE = 0.1
"""Share of the run for which the rate must then have been zero."""

OWN_RATE = ("prodigy", "dadapt", "d-adapt", "adafactor", "automagic")
"""Optimizers that scale the rate themselves: what is printed is not what is used."""

UNUSED_RATE = ("adafactor",)
"""Those of them for which even zero is right, as they then choose the rate alone."""


class LrZero(Detector):
    """The learning rate is zero or tiny, so that the run learns nothing.

    What it sees: the printed rate, else that of the configuration: zero or a peak below 1e-7 over
        the whole run; or a schedule that came down to exactly zero long before the end.
    Why it matters: hours of training for a LoRA that does nothing.
    When it is wrong: several groups with rates of their own (a frozen text encoder beside a trained
        U-Net) when the log shows only one. Silent while the rate rises (warm-up), at the end of a
        schedule, and for optimizers that choose the rate themselves.
    Example: lr=1e-9 constant in a 300-step run.
    """

    id = "lr-zero"

    def __init__(self) -> None:
        self._seen = 0
        self._peak = -1.0
        self._peak_at = 0  # points seen when the peak was reached
        self._first = 0
        self._last_step = 0
        self._value = 0.0
        self._zero_since: int | None = None
        self._zero_points = 0

    def update(self, view: View) -> Verdict:
        columns = view.metrics.get("lr")
        if columns is not None and columns.values:
            steps, values = columns.steps, columns.values
            if not finite(values):
                kept = [i for i, v in enumerate(values) if v - v == 0.0]
                steps, values = [steps[i] for i in kept], [values[i] for i in kept]
            if values:
                self._take(steps, values)
        total = view.total or view.facts.total_steps
        return self._of_log(view, total) if self._seen else self._of_config(view)

    def _take(self, steps: Sequence[int], values: Sequence[float]) -> None:
        if not self._seen:
            self._first = steps[0]
        high = max(values)
        if high > self._peak:
            self._peak = high
            self._peak_at = self._seen + values.index(high) + 1
        if high <= 0.0:
            if self._zero_since is None:
                self._zero_since = steps[0]
            self._zero_points += len(values)
        elif values[-1] > 0.0:
            self._zero_since, self._zero_points = None, 0
        else:
            begin = len(values)
            while values[begin - 1] <= 0.0:
                begin -= 1
            self._zero_since, self._zero_points = steps[begin], len(values) - begin
        self._seen += len(values)
        self._value, self._last_step = values[-1], steps[-1]

    def _of_log(self, view: View, total: int | None) -> Verdict:
        quiet = self._seen - self._peak_at
        if self._peak < TINY:
            late = total is not None and self._last_step - self._first > PATIENCE * total
            if quiet < SETTLED and not (late and self._seen > SETTLED):
                rising = self._peak > 0.0
                reason = "warm-up" if rising and self._seen >= SETTLED else "needs-steps"
                numbers = {"have": min(quiet, self._seen), "need": SETTLED}
                return Verdict("too-early", reason=reason, numbers=numbers)
            kind = "zero" if self._peak <= 0.0 else "tiny"
            if adaptive(view.facts, kind):
                return Verdict("cannot-tell", reason="adaptive-optimizer")
            return self._found(kind, self._first)
        if self._zero_since is not None and total:
            idle = self._last_step - self._zero_since
            if (
                self._zero_since < EARLY_END * total
                and idle >= IDLE * total
                and self._zero_points >= SETTLED
                and not adaptive(view.facts, "zero")
            ):
                return self._found("ended-early", self._zero_since)
        return Verdict("clear", numbers={"value": self._value, "peak": self._peak})

    def _found(self, kind: str, since: int) -> Verdict:
        numbers = {
            "value": self._value,
            "peak": self._peak,
            "kind": kind,
            "steps": max(0, self._last_step - since),
            "origin": "log",
        }
        data = {
            "name": "lr",
            "steps": [since, self._last_step],
            "values": [0.0 if kind == "ended-early" else self._peak, self._value],
        }
        evidence = Evidence("series", "learning rate in the log", data)
        return Verdict(
            "firing", since=since, confidence=0.97, numbers=numbers, evidence=(evidence,)
        )

    def _of_config(self, view: View) -> Verdict:
        config = view.facts.config
        rate = config.number("learning_rate")
        if rate is None:
            return Verdict("cannot-tell", reason="no-rate")
        if rate != rate or rate >= TINY:
            return Verdict("clear", numbers={"value": rate, "peak": rate})
        kind = "zero" if rate <= 0.0 else "tiny"
        if adaptive(view.facts, kind):
            return Verdict("cannot-tell", reason="adaptive-optimizer")
        found = config.values["learning_rate"]
        numbers = {
            "value": rate,
            "peak": rate,
            "kind": kind,
            "steps": view.step or 0,
            "origin": "config",
            "key": found.key,
        }
        data = {"key": found.key, "file": found.file, "line": found.line, "raw": found.raw}
        evidence = Evidence("config", f"{found.key} = {found.raw or rate}", data)
        return Verdict("firing", since=0, confidence=0.9, numbers=numbers, evidence=(evidence,))


def adaptive(facts: RunFacts, kind: str = "tiny") -> bool:
    """Whether the optimizer makes a rate of its own of this one, which is ``zero`` or not."""
    name = str(facts.config.get("optimizer") or "").lower()
    return any(known in name for known in (UNUSED_RATE if kind == "zero" else OWN_RATE))
