"""What every detector is given and gives back."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from loratui.core.events import Checkpoint, Ended, Failure, LogLine, Removed
from loratui.core.facts import RunFacts, Surroundings
from loratui.core.findings import Verdict


@dataclass(frozen=True, slots=True)
class Columns:
    """New points of one series, steps ascending; values may be NaN or infinite."""

    steps: Sequence[int]
    values: Sequence[float]


@dataclass(slots=True)
class View:
    """What is new since the last update, and what is known of the run.

    `metrics` maps a series name (``loss`` ``smooth_loss`` ``lr`` ``elapsed`` ``grad_norm``
    ``val_loss``) to its new points. `pauses` are steps after which sampling, saving, caching or
    validation interrupted training before the next step (for speed). `checkpoints` were saved and
    `removed` deleted, as the log says or the output folder shows. `step` is the newest step,
    `told` the newest one up to which everything that the trainer prints must have been read, late
    lines too; `complete` says that the log is over and read. `marks` are byte offsets with the
    step that the bar showed there. `now` is the wall clock in seconds.
    """

    metrics: Mapping[str, Columns] = field(default_factory=dict)
    lines: Sequence[LogLine] = ()
    failures: Sequence[Failure] = ()
    pauses: Sequence[int] = ()
    checkpoints: Sequence[Checkpoint] = ()
    removed: Sequence[Removed] = ()
    facts: RunFacts = field(default_factory=RunFacts)
    step: int | None = None
    total: int | None = None
    told: int | None = None
    now: float = 0.0
    ended: Ended | None = None
    around: Surroundings = field(default_factory=Surroundings)
    marks: Sequence[tuple[int, int]] = ()
    complete: bool = False

    def step_at(self, offset: int) -> int | None:
        """The step that the bar showed before the line at this byte offset."""
        at = bisect_right(self.marks, (offset, sys.maxsize))
        return self.marks[at - 1][1] if at else None


class Detector(ABC):
    """One pattern. Keeps bounded state of its own; `update` is called once a batch.

    One that is `timed` is asked about once a second as well, with a view in which only `around`
    and `now` are new: it looks at the machine, or at silence.
    """

    id: ClassVar[str]
    timed: ClassVar[bool] = False

    @abstractmethod
    def update(self, view: View) -> Verdict:
        """Look at what is new and say what is known now."""
