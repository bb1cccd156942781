"""The reader's own case: what pages show beside the general rule."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from loratui.core.advice import Fix
from loratui.core.facts import HostReading, Machine, RunFacts
from loratui.core.findings import Finding


@dataclass(frozen=True, slots=True)
class Trial:
    """A fix that the user tried: in which run, when (seconds since 1970), with which note."""

    symptom: str
    fix: str
    run: str
    at: float
    note: str = ""

    @property
    def day(self) -> str:
        """When it was, as people write it."""
        return f"{datetime.fromtimestamp(self.at):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Case:
    """A run and its machine as far as they are known; of nobody in particular when empty.

    `finding` led to the page, `fixes` are those made concrete for the run. `judged` holds, for
    what a checklist item is ticked by, whether it is ``done``, ``open`` or ``failed`` and what was
    seen. `ticked` are items (``LIST/ITEM``) ticked by hand, `trials` fixes that were tried,
    `rate` steps a second, `run` the run's own key.
    """

    facts: RunFacts = field(default_factory=RunFacts)
    machine: Machine = field(default_factory=Machine)
    host: HostReading | None = None
    rate: float | None = None
    findings: tuple[Finding, ...] = ()
    finding: Finding | None = None
    fixes: tuple[Fix, ...] = ()
    judged: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ticked: Set[str] = frozenset()
    trials: tuple[Trial, ...] = ()
    run: str = ""

    @property
    def firing(self) -> frozenset[str]:
        """The ids of findings that the run shows now."""
        return frozenset(found.id for found in self.findings if found.state == "firing")

    @property
    def known(self) -> bool:
        """Whether there is a run at all."""
        return self.facts != RunFacts()
