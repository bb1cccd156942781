"""Who gives which series of a run: its console, or a file that the trainer writes beside it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from loratui.core.events import Metrics
from loratui.core.facts import LossKind

MEANS: frozenset[LossKind] = frozenset(("running-mean", "smoothed"))
"""Kinds of printed loss to which a step's own loss is preferred."""


@dataclass(slots=True)
class Beside:
    """The rule by which series from several files of one run are joined.

    `raw` is true once a file gives each step's own loss although the console prints a mean;
    `counts` while no bar tells how far the run is, so that the files have to.
    """

    raw: bool = False
    counts: bool = False
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)

    def console(self, name: str) -> str:
        """What a series of the console is called; empty when a file gives the same."""
        if name == "loss" and self.raw:
            return "" if "mean_loss" in self.owners else "mean_loss"
        return "" if name in self.owners else name

    def name_of(self, event: Metrics, known: Container[str], loss_kind: LossKind) -> str:
        """What a series of a file is called; empty when it is not taken.

        The first tag of a file that gives a series keeps it; some tags have a second name then.
        """
        from loratui.trainers.tags import names_of  # its patterns are compiled only when needed

        # diffusion-pipe gives the quantiles of a validation before their mean
        validation = (event.source, f"{event.name}_quantile_0.10") in self.owners.values()
        names = (
            self._taken(event, name, known, loss_kind) for name in names_of(event.name, validation)
        )
        return next((name for name in names if name), "")

    def _taken(self, event: Metrics, name: str, known: Container[str], loss_kind: LossKind) -> str:
        """`name` where this tag of this file may give that series, else nothing."""
        owner = self.owners.get(name)
        if owner is not None:
            return name if owner == (event.source, event.name) else self._later(event, name, owner)
        if name in known and not (name == "loss" and loss_kind in MEANS):
            return ""  # the console has it
        self.owners[name] = (event.source, event.name)
        return name

    def takes_over(self, loss_kind: LossKind) -> bool:
        """Whether a step's own loss now replaces the console's mean."""
        if self.raw or loss_kind not in MEANS:
            return False
        self.raw = True
        return True

    def _later(self, event: Metrics, name: str, owner: tuple[str, str]) -> str:
        """A later file of the same writer goes on with the series of the one before."""
        source, tag = owner
        if tag != event.name or not _same_folder(source, event.source):
            return ""
        self.owners[name] = (event.source, event.name)
        return name


def _same_folder(one: str, other: str) -> bool:
    return one.replace("\\", "/").rpartition("/")[0] == other.replace("\\", "/").rpartition("/")[0]
