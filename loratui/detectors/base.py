"""What every detector is given and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from loratui.core.events import Ended, Failure, LogLine
from loratui.core.facts import RunFacts
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
    validation interrupted training before the next step (for speed). `step` is the newest step.
    """

    metrics: Mapping[str, Columns] = field(default_factory=dict)
    lines: Sequence[LogLine] = ()
    failures: Sequence[Failure] = ()
    pauses: Sequence[int] = ()
    facts: RunFacts = field(default_factory=RunFacts)
    step: int | None = None
    total: int | None = None
    now: float = 0.0
    ended: Ended | None = None


class Detector(ABC):
    """One pattern. Keeps bounded state of its own; `update` is called once a batch."""

    id: ClassVar[str]

    @abstractmethod
    def update(self, view: View) -> Verdict:
        """Look at what is new and say what is known now."""
