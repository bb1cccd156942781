"""The next save deletes the oldest checkpoint."""

from __future__ import annotations

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import Detector, View
from loratui.detectors.readings import seen
from loratui.detectors.saves import Due, Schedule, name_of

MOST = 200
"""Checkpoints remembered."""

APART = ("onetrainer",)
"""Trainers whose limit is for backups and not for what they save to use."""


class CheckpointsPruned(Detector):
    """The trainer keeps only the newest checkpoints, and the oldest goes at the next save.

    What it sees: as many checkpoints as the limit allows (or, for sd-scripts, one that falls out of
        the steps or epochs that are kept), or that one was deleted already, with another save to
        come. The setting alone is no finding while no file is in danger.
    Why it matters: the best LoRA is often an early one, and the last is often overfit.
    When it is wrong: it is information: who has no room on the disk wants it so.
    Example: ai-toolkit keeps 5; at step 1500 the file of step 250 is deleted.
    """

    id = "checkpoints-pruned"

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, int | None]] = {}
        self._deleted = 0

    def update(self, view: View) -> Verdict:
        for file in view.checkpoints:
            self._kept.setdefault(name_of(file.path), (file.path, file.step))
            if len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        for gone in view.removed:
            self._deleted += 1
            self._kept.pop(name_of(gone.path), None)
        if view.step is None or not self._kept:
            return Verdict("too-early")
        if view.facts.trainer in APART:
            return Verdict("cannot-tell")
        schedule = Schedule(view.facts, view.total)
        following = schedule.following(view.step)
        total = view.total or view.facts.total_steps
        over = view.ended is not None or (total is not None and view.step >= total)
        if over or (schedule.known and following is None):
            return Verdict("clear")
        danger = self._endangered(view, following)
        return Verdict("clear") if danger is None else self._found(view, *danger, following)

    def _endangered(self, view: View, following: Due | None) -> tuple[str, str, str | None] | None:
        """The checkpoint that goes next, by which limit, and the range that is kept; None while
        none is in danger."""
        config = view.facts.config
        keep = config.number("keep_last")
        oldest = next(iter(self._kept))
        if keep is not None and keep >= 1:
            return (oldest, "count", None) if len(self._kept) >= keep else None
        if following is not None:
            unit = following.unit
            last = config.number(f"keep_last_{unit}s")
            if last is not None and last >= 0:
                name = self._falling_out(following, int(last))
                return None if name is None else (name, "range", f"{int(last)} {unit}s")
        return (oldest, "seen", None) if self._deleted else None

    def _falling_out(self, due: Due, last: int) -> str | None:
        """As sd-scripts reckons: library/train_util.py, get_remove_step_no, get_remove_epoch_no."""
        if due.unit == "step":
            number = due.number - last - 1
            number -= number % due.every
            mark = f"-step{number:08d}."
        else:
            number = due.number - due.every * last
            mark = f"-{number:06d}."
        return next((name for name in self._kept if number > 0 and mark in name), None)

    def _found(
        self, view: View, name: str, limit: str, kept: str | None, following: Due | None
    ) -> Verdict:
        path, step = self._kept[name]
        keep = view.facts.config.number("keep_last")
        numbers = {
            "limit": limit,
            "keep": int(keep) if keep is not None and limit == "count" else None,
            "range": kept,
            "kept": len(self._kept),
            "oldest": path,
            "name": name,
            "oldest_step": step,
            "next": following.step if following is not None else None,
            "deleted": self._deleted,
        }
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.9,
            severity=Severity.INFO,
            numbers=numbers,
            evidence=seen(f"{len(self._kept)} checkpoints kept, the oldest is {name}", **numbers),
        )
