"""A run that goes on with an earlier one: where it went on, and how its own counting continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loratui.core.events import (
    Checkpoint,
    Counting,
    Event,
    Metrics,
    Phase,
    Progress,
    Resumed,
)
from loratui.core.facts import RunFacts
from loratui.core.series import Series

Restored = dict[str, Series]


@dataclass(slots=True)
class Former:
    """The run that stands before the present one in the same log."""

    key: str
    trainer: str
    step: int
    series: Mapping[str, Series]
    checkpoints: tuple[Checkpoint, ...] = ()
    epoch_marks: tuple[int, ...] = ()


@dataclass(slots=True)
class Continuation:
    """Where a run goes on.

    `at` is the step at which the earlier run was saved, None while it is not known; `base` is added
    to every step that the console prints (sd-scripts and musubi-tuner count a resumed run from 0,
    the others go on counting).
    """

    said: Resumed | None = None
    base: int = 0
    counting: bool = False
    reached: int | None = None  # how far the earlier run came, where the same log shows it
    former: Former | None = field(default=None, repr=False)
    _anew: dict[str, bool] = field(default_factory=dict)  # files that count from 0 again

    @property
    def at(self) -> int | None:
        return self.said.step if self.said is not None else None

    def hear(self, event: Resumed) -> None:
        """Take a line that says it; a later one may add what an earlier one left out."""
        known = self.said
        if known is None or (self.counting and event.path):
            self.said = event
            return
        self.said = known._replace(
            step=event.step if event.step is not None else known.step,
            epoch=event.epoch if event.epoch is not None else known.epoch,
            path=known.path or event.path,
        )

    def count(self, event: Counting, facts: RunFacts) -> None:
        """The first step that the run counts itself: from it the base follows.

        A bar that begins beyond 0 at no time at all proves a continuation of which nothing else
        told.
        """
        self.counting = True
        first = event.first
        if self.said is None and event.proven and first > 1:
            self.said = Resumed(event.source, event.offset, first)
        said = self.said
        if said is None:
            return
        step, per_epoch = said.step, facts.epoch_steps
        if step is None and said.epoch is not None and per_epoch:
            step = said.epoch * per_epoch
        if step is None:
            step = first if first > 1 else None  # it goes on counting
        self.said = said._replace(step=step)
        if step is not None and first < step:
            self.base = step

    def moved(self, event: Event, total: int | None) -> Event:
        """The event with its steps counted over the whole run; `total` is what was asked for."""
        base = self.base
        if isinstance(event, Metrics):
            return event._replace(steps=[step + base for step in event.steps])
        if isinstance(event, Progress):
            return event._replace(step=event.step + base, total=self._total(event.total, total))
        if isinstance(event, Phase | Checkpoint) and event.step is not None:
            return event._replace(step=event.step + base)
        return event

    def followed(self, event: Metrics) -> Metrics:
        """The same for a file of numbers; one that goes on counting stays as it is."""
        anew = self._anew.setdefault(event.source, event.steps[0] <= self.base)
        if not anew:
            return event
        return event._replace(steps=[step + self.base for step in event.steps])

    def _total(self, shown: int | None, asked: int | None) -> int | None:
        """The length of the whole run. A bar shows that, or only what is left of it."""
        if shown is None:
            return asked
        if asked is not None and shown == asked and self.base < asked:
            return asked
        if asked == shown + self.base or self.base >= shown:
            return shown + self.base
        return shown if asked is None else max(shown, asked)

    def restored(self, trainer: str, first: int) -> Restored | None:
        """The series of the run before in the same log, up to `first`, if it is the one resumed."""
        former = self.former
        if former is None or self.said is None or former.trainer != trainer:
            return None
        if former.step < first - 1:
            return None
        self.former, self.reached = None, former.step
        return {name: series.until(first) for name, series in former.series.items()}
