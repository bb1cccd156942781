"""Lines that state a step: for trainers without a bar, and for any script that prints its loss.

A pattern of a trainer names its groups: `step`, and of `total` `epoch` `epochs` `loss` `lr`
`grad_norm` what it finds. For the clock either `seconds` (a step's duration, the mean since the
line before) or `time` (of day, as `logging` writes it).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from loratui.core.events import Counting, Event, Metrics, Progress
from loratui.trainers.generic import EPOCH, RATE, STEP_LINE

VALUES = ("loss", "lr", "grad_norm")


class StepLines:
    """Without patterns of a trainer's own, any line that names a step and a loss is read."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self.own = bool(patterns)
        self.last: int | None = None
        self._seconds = 0.0
        self._clocked: int | None = None
        self._first_time: float | None = None
        self._lr: float | None = None

    def match(self, text: str) -> re.Match[str] | None:
        """The step that this line states, if it states one."""
        if not self.own:
            return STEP_LINE.search(text) if "oss" in text or "OSS" in text else None
        return next((found for p in self._patterns if (found := p.search(text))), None)

    def read(self, found: re.Match[str], offset: int) -> list[Event] | None:
        """The step's values and where the run stands; None when they are no numbers."""
        said = found.groupdict()
        if not self.own:
            rate, epoch = RATE.search(found.string), EPOCH.search(found.string)
            said |= rate.groupdict() if rate else {}
            said |= epoch.groupdict() if epoch else {}
        try:
            step = int(said["step"])
            values = {name: float(said[name]) for name in VALUES if said.get(name)}
            elapsed = self._clock(step, said)
        except ValueError:
            return None
        begins, self.last = self.last is None, step
        self._lr = values.get("lr", self._lr)
        if elapsed is not None:
            values["elapsed"] = elapsed
        where = (offset,)
        # where the run's own counting begins: it may go on with that of an earlier one
        events: list[Event] = [Counting("", offset, step)] if self.own and begins else []
        events += [
            Metrics("", offset, name, (step,), (value,), where) for name, value in values.items()
        ]
        if "loss" in values:
            total, number, of = (_whole(said.get(n)) for n in ("total", "epoch", "epochs"))
            lr = self._lr if self.own else values.get("lr")
            loss = values["loss"]
            events.append(Progress("", offset, step, total, elapsed, number, of, loss, lr))
        return events

    def _clock(self, step: int, said: dict[str, str | None]) -> float | None:
        """Seconds of training up to this line."""
        if (seconds := said.get("seconds")) is not None:
            steps = 1 if self._clocked is None else max(0, step - self._clocked)
            self._clocked = step
            self._seconds += steps * float(seconds)
            return self._seconds
        if (time := said.get("time")) is not None:
            from datetime import datetime  # only for the trainer that needs it

            now = datetime.fromisoformat(time.replace(",", ".")).timestamp()
            if self._first_time is None:
                self._first_time = now
            return now - self._first_time
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text else None
