"""When checkpoints are due, as the run's settings say."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from loratui.core.facts import RunFacts

RESTARTING = ("kohya", "musubi-tuner")
"""Trainers that count the steps of a resumed run from 0 again, in the names of files as well."""

STEPS, EPOCHS = ("STEP", "STEPS"), ("EPOCH", "EPOCHS")
"""OneTrainer's units that can be turned into steps; the others are of time, or never."""


class Due(NamedTuple):
    """A save that the settings ask for: at `step`, counted over the whole run; `number` is that in
    its own unit, ``step`` or ``epoch``, and `every` the interval."""

    step: int
    number: int
    unit: str
    every: int


class Schedule:
    """The saves of one run. An epoch is taken as at most as long as it may be, so that a save is
    never called late before it is."""

    def __init__(self, facts: RunFacts, total: int | None) -> None:
        config = facts.config
        self._total = total or facts.total_steps
        self._epochs = facts.epochs
        resumed = facts.resumed.step if facts.resumed is not None else None
        self._origin = resumed or 0 if facts.trainer in RESTARTING else 0
        accumulated = _whole(config.number("gradient_accumulation")) or 1
        per_epoch = facts.steps_per_epoch
        self._batches = per_epoch
        # sd-scripts states batches: with accumulation an epoch has fewer steps
        self._per_epoch = None if not per_epoch else max(1, per_epoch // accumulated)
        self.accumulated = accumulated
        unit = str(config.get("save_every_unit") or "").upper()
        every = _whole(config.number("save_every"))
        if facts.trainer == "onetrainer" and unit not in STEPS:
            self._every, self._every_epochs = None, every if unit in EPOCHS else None
        else:
            self._every = every
            self._every_epochs = _whole(config.number("save_every_epochs"))

    @property
    def known(self) -> bool:
        """Whether the settings name an interval in steps or epochs."""
        return self._every is not None or (
            self._every_epochs is not None and self._per_epoch is not None
        )

    def passed(self, step: int, told: int) -> list[Due]:
        """The newest save of each kind that was due by `step`; what was printed is known up to
        `told`. The last save, which has a name of its own, is none of them."""
        found: list[Due] = []
        if self._every is not None:
            at = min(step, told // self.accumulated if self.accumulated > 1 else told)
            number = (at - self._origin) // self._every * self._every
            found.append(Due(self._origin + number, number, "step", self._every))
        every, per_epoch, batches = self._every_epochs, self._per_epoch, self._batches
        if every is not None and per_epoch is not None and batches is not None:
            number = min(told, step * self.accumulated) // batches // every * every
            if not self._epochs or number < self._epochs:
                found.append(Due(number * per_epoch, number, "epoch", every))
        last = self._total if self._total else math.inf
        return [due for due in found if due.number > 0 and due.step < last]

    def following(self, step: int) -> Due | None:
        """The next save; None where no interval is known, or none is left before the end."""
        found: list[Due] = []
        if self._every is not None:
            number = ((step - self._origin) // self._every + 1) * self._every
            found.append(Due(self._origin + number, number, "step", self._every))
        if self._every_epochs is not None and self._per_epoch is not None:
            every, per_epoch = self._every_epochs, self._per_epoch
            number = (step // per_epoch // every + 1) * every
            if not self._epochs or number < self._epochs:
                found.append(Due(number * per_epoch, number, "epoch", every))
        last = self._total if self._total else math.inf
        return min((due for due in found if due.step < last), default=None)

    def left(self, step: int) -> int | None:
        """How many saves are still to come, the last one included; None where that is not known."""
        if not self._total or not self.known:
            return None
        count = 0
        if self._every is not None:
            count += max(0, (self._total - 1 - self._origin) // self._every
                         - (step - self._origin) // self._every)  # fmt: skip
        if self._every_epochs is not None and self._per_epoch is not None:
            each = self._every_epochs * self._per_epoch
            count += max(0, (self._total - 1) // each - step // each)
        return count + (step < self._total)


_SAME_NAME = re.compile(
    r"^(?:pytorch_lora_weights\w*|adapter_model|lora|model|diffusion_pytorch_model\S*)\.\w+$"
)


def name_of(path: str) -> str:
    """What a checkpoint is known by: its file's name, or its folder's where all files are called
    the same."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    if len(parts) > 1 and _SAME_NAME.match(parts[-1]):
        return parts[-2]
    return parts[-1] if parts else path


def _whole(value: float | None) -> int | None:
    """A number of steps or files that is one."""
    if value is None or not math.isfinite(value) or value < 1:
        return None
    return int(value)
