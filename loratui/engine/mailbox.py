"""One slot for the newest snapshot of a run, compared with the last and given out whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from loratui.core.facts import HostReading, Machine, RunFacts
from loratui.core.series import SeriesView
from loratui.core.snapshot import SessionSnapshot, Status
from loratui.engine.run import Run


class Mailbox:
    """Written by the session's thread, read by anybody; `changed` is notified of each snapshot."""

    def __init__(self, path: str) -> None:
        self.changed = threading.Condition()
        self._path = path
        self.latest = SessionSnapshot(path=path, facts=RunFacts(name=title_of(path)))
        self._sent: dict[str, int] = {}
        self._revisions: dict[str, int] = {}

    def forget(self) -> None:
        """What follows is another run: none of its revisions may count as seen."""
        self._sent = {}

    def put_status(self, status: Status, run: Run) -> None:
        """The status alone, before anything else is known."""
        self._revisions = {"status": 1, "facts": 1}
        self._give(
            replace(
                self.latest, revisions=dict(self._revisions), status=status, facts=self._facts(run)
            )
        )

    def put(
        self,
        run: Run,
        status: Status,
        machine: Machine,
        host: HostReading | None,
        notes: tuple[tuple[str, str], ...],
        acknowledged: frozenset[str],
        kept: Mapping[str, str],
    ) -> None:
        """A new snapshot, unless it would say what the last one says."""
        from loratui.engine.checklists import checklist_of, judgements
        from loratui.engine.findings import checked, findings_of, undecided_of
        from loratui.engine.stopping import stopping_of

        old = self.latest
        changed = {name for name, rev in run.revisions.items() if self._sent.get(name) != rev}
        self._sent = dict(run.revisions)
        outside = (status, host, notes, kept) != (old.status, old.host, old.unread, old.kept)
        if not (changed - {"status"} or outside or machine is not old.machine):
            return
        fields: dict[str, object] = {
            "status": status,
            "host": host,
            "unread": notes,
            "kept": kept,
        }
        if machine is not old.machine:
            fields["machine"] = machine
        if changed & {"findings", "facts"} and run.kb is not None:
            fields["findings"] = findings_of(run, acknowledged)
            fields["undecided"], fields["checked"] = undecided_of(run), checked(run)
        evaluated = "val_loss" in run.series and "series" in changed
        if run.kb is not None and (changed & {"findings", "facts"} or evaluated):
            fields["stopping"] = stopping_of(run)
        if "series" in changed:
            names = [name for name in run.series if name != "elapsed"]
            fields["series"] = {name: self._view(run, name) for name in names}
            fields["epoch_marks"] = tuple(run.course.epoch_marks)
        if changed - {"log"} and run.kb is not None:
            fields["judged"] = judged = judgements(run)
            fields["checklist"] = checklist_of(run, judged)
            fields["run"] = run.key
            fields["checkpoints"] = tuple(run.course.checkpoints)
            fields["samples"] = run.course.samples
        if "log" in changed:
            fields["log"], fields["log_count"] = tuple(run.lines), run.line_count
        if "facts" in changed:
            fields["facts"], fields["earlier"] = self._facts(run), tuple(run.earlier)
        self._count(fields, changed)
        self._give(replace(old, revisions=dict(self._revisions), **fields))  # type: ignore[arg-type]

    def _count(self, fields: dict[str, object], changed: set[str]) -> None:
        """Raise the revision of each section that differs; long ones by the run's own count."""
        for name, value in fields.items():
            long = name in ("series", "log")
            if name in changed if long else value != getattr(self.latest, name):
                self._revisions[name] = self._revisions.get(name, 0) + 1

    def _view(self, run: Run, name: str) -> SeriesView:
        series, old = run.series[name], self.latest.series.get(name)
        if old is not None and (old.revision, old.count) == (series.revision, series.count):
            return old
        return series.view()

    def _give(self, snapshot: SessionSnapshot) -> None:
        with self.changed:
            self.latest = snapshot
            self.changed.notify_all()

    def _facts(self, run: Run) -> RunFacts:
        return run.facts if run.facts.name else replace(run.facts, name=title_of(self._path))


def title_of(name: str) -> str:
    """A name for a run whose log does not say one: its folder's, for a log has a dull name."""
    path = Path(name)
    if path.suffix.lower() in (".log", ".txt", ".out") and path.parent.name:
        dull = path.stem.lower() in ("console", "log", "train", "training", "output", "nohup")
        return path.parent.name if dull else path.stem
    return path.name or name
