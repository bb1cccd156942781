"""The disk that checkpoints go to is nearly full."""

from __future__ import annotations

from pathlib import PurePath

from loratui.core.findings import Severity, Verdict
from loratui.detectors.base import View
from loratui.detectors.readings import GIB, Watcher, gigabytes, seen
from loratui.detectors.saves import Schedule

NONE, FEW, ROOM = 1 * GIB, 5 * GIB, 50 * GIB
"""Free space in which hardly one file, or only a few, can be saved; and what a document asks for
where the size of a checkpoint is not known: decision-tree#checkpoint-not-saving."""

MARGIN = 1.2
"""Room that a file needs while it is written, above its size."""

SURE = 30.0
"""Seconds for which it must be so: temporary files come and go."""

KEPT = ("keep_last", "keep_last_steps", "keep_last_epochs")


class DiskLow(Watcher):
    """There is less room than the checkpoints to come need.

    What it sees: free space where the run writes to. Once the size of a checkpoint is known,
        against the next save (an error when it does not fit) and all that are left (a warning);
        before, an error below 1 GB, a warning below 5 GB, information below 50 GB.
    Why it matters: a save that fails ends many trainers, or leaves a file that cannot be read.
    When it is wrong: another disk than the one that the run writes to, where the output folder is
        not known. Training states are not counted: they need more.
    Example: 0.9 GB free, a checkpoint has 218 MB, 7 are to come.
    """

    id = "disk-low"

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self._files: dict[int, int] = {}  # bytes by step; only the newest two steps are kept
        self._seconds = 0.0
        self._grade = 0

    def hear(self, view: View) -> None:
        for file in view.checkpoints:
            if file.size is None:
                continue
            step = file.step if file.step is not None else view.step or 0
            self._files[step] = self._files.get(step, 0) + file.size
            while len(self._files) > 2:
                del self._files[next(iter(self._files))]
            self._size = max(self._files.values())

    def look(self, view: View, seconds: float) -> Verdict:
        around = view.around
        free = around.host.disk_free if around.host is not None else None
        if free is None or around.quiet is None or not _is_where_it_writes(view):
            return Verdict("cannot-tell")
        total = view.total or view.facts.total_steps
        over = total is not None and view.step is not None and view.step >= total
        if over or view.ended is not None or around.phase == "finished":
            return Verdict("clear")
        saves = Schedule(view.facts, view.total).left(view.step or 0)
        if saves is not None and any(view.facts.config.number(option) for option in KEPT):
            saves = min(saves, 1)  # an old one goes for each new one
        need = self._size * (saves if saves is not None else 1)
        grade, kind = self._graded(free, need)
        if self.firing and not grade:
            grade, kind = self._graded(round(free / MARGIN), need)  # leaving it needs some more
        self._seconds = self._seconds + seconds if grade >= self._grade and grade else 0.0
        self._grade = grade
        if not grade:
            return Verdict("clear")
        if self._seconds < SURE and not self.firing:
            return Verdict("too-early")
        numbers = {
            "kind": kind,
            "free": _short(free),
            "path": around.host.disk_path if around.host is not None else "",
            "size": _short(self._size) if self._size else None,
            "need": _short(need) if self._size else None,
            "saves": saves if self._size else None,
        }
        return Verdict(
            "firing",
            since=view.step,
            confidence=0.9,
            severity=(Severity.INFO, Severity.WARNING, Severity.ERROR)[grade - 1],
            numbers=numbers,
            evidence=seen(f"{numbers['free']} GB free at {numbers['path']}", **numbers),
        )

    def _graded(self, free: int, need: int) -> tuple[int, str]:
        """How bad it is, from 0 to 3, and by what."""
        if free < NONE and (not self._size or free < MARGIN * need):
            return 3, "full"
        if self._size:
            if free < MARGIN * self._size:
                return 3, "next"
            return (2, "rest") if free < MARGIN * need else (0, "")
        if free < FEW:
            return 2, "little"
        return (1, "rule") if free < ROOM else (0, "")


def _short(size: float) -> float:
    """Gigabytes as a sentence needs them: whole ones from 10 on."""
    known = gigabytes(size)
    return round(known) if known >= 10 else known if known >= 0.1 else round(size / GIB, 3)


def _is_where_it_writes(view: View) -> bool:
    """Whether the free space was read where the output goes, as far as that is known."""
    host, output = view.around.host, view.facts.config.get("output_path")
    if host is None or not isinstance(output, str) or not output:
        return True
    one, other = PurePath(output), PurePath(host.disk_path)
    if not one.is_absolute() or not other.is_absolute():
        return True
    return one == other or one in other.parents or other in one.parents
