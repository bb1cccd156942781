"""What the session shows to screens: one frozen value, with a revision for each section."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from loratui.core.advice import Stopping
from loratui.core.events import Checkpoint, LogLine
from loratui.core.facts import HostReading, Machine, RunFacts
from loratui.core.findings import Finding, Undecided
from loratui.core.series import SeriesView

State = Literal[
    "waiting",
    "loading",
    "caching",
    "warm-up",
    "training",
    "sampling",
    "saving",
    "finished",
    "out of memory",
    "dead worker",
    "crashed",
    "stalled",
    "killed",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Status:
    """The status line. `rate` is in steps per second, `eta` in seconds, `trend` -1, 0 or 1.

    `history` is the share of the log read so far, or None once all is read. `advice` is ``wait``,
    ``stop`` or empty, `usual` how long this state usually takes.
    """

    state: State = "waiting"
    step: int | None = None
    total: int | None = None
    epoch: int | None = None
    epochs: int | None = None
    rate: float | None = None
    eta: float | None = None
    loss: float | None = None
    trend: int = 0
    lr: float | None = None
    history: float | None = None
    advice: str = ""
    usual: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One item: `state` is ``done``, ``open`` (not yet), ``failed`` or ``manual``."""

    id: str
    text: str
    state: Literal["done", "open", "failed", "manual"]
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """The checklist of the present phase of training."""

    id: str = ""
    title: str = ""
    items: tuple[ChecklistItem, ...] = ()

    def with_ticks(self, ticked: Set[str]) -> Checklist:
        """The list with items (``LIST/ITEM``) that were ticked by hand; what failed stays so."""
        items = tuple(
            replace(item, state="done", evidence="ticked by hand")
            if item.state in ("manual", "open") and f"{self.id}/{item.id}" in ticked
            else item
            for item in self.items
        )
        return replace(self, items=items)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that stands before the present one in the same log."""

    name: str
    step: int | None
    total: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """Everything a screen needs. Sections with an equal revision are unchanged.

    `log` holds the newest lines; `log_count` counts all lines ever, so that a pane appends only
    what is new. `checked` counts the patterns that say "clear". `run` is a key of this very run,
    empty until its first losses are known. `judged` holds, for everything that an item of any
    checklist is ticked by, whether it is ``done``, ``open`` or ``failed``, and what was seen.
    `checkpoints` are those known of, in the order in which they were saved, and not deleted since;
    `samples` counts the sample images that were announced or have appeared. `stopping` says when
    to stop and which checkpoint to take, where anything is known of it. `kept`
    names the files in which the evidence of findings was kept.
    """

    revisions: Mapping[str, int] = field(default_factory=dict)
    path: str = ""
    run: str = ""
    facts: RunFacts = field(default_factory=RunFacts)
    status: Status = field(default_factory=Status)
    series: Mapping[str, SeriesView] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    checked: int = 0
    checklist: Checklist = field(default_factory=Checklist)
    judged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()
    log_count: int = 0
    machine: Machine = field(default_factory=Machine)
    host: HostReading | None = None
    earlier: tuple[EarlierRun, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    epoch_marks: tuple[int, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    samples: int = 0
    stopping: Stopping | None = None
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_key(self) -> str:
        """What notes of the run are kept under: its own key, until it has one its path."""
        return self.run or (f"path:{self.path}" if self.path else "")
