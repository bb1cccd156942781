"""The detectors of one run, asked after each batch; one that raises is switched off."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loratui.core.findings import Severity, Verdict
from loratui.engine.lifecycle import Lifecycle

if TYPE_CHECKING:
    from loratui.detectors.base import Detector, View
    from loratui.detectors.texts import TextScanner
    from loratui.kb.base import KnowledgeBase


@dataclass(slots=True)
class Broken:
    """A detector that raised and is switched off; `trace` is for `loratui doctor`."""

    id: str
    trace: str


class Panel:
    """Asks every detector and keeps what they say. Without a knowledge base nobody is asked."""

    def __init__(self, kb: KnowledgeBase | None) -> None:
        self._kb = kb
        self.broken: list[Broken] = []
        self._texts: TextScanner | None = None
        if kb is not None:
            from loratui.detectors.texts import TextScanner

            self._texts = TextScanner(kb.messages)
        self.begin()

    def begin(self) -> None:
        """Another run begins: nothing of the last one counts."""
        self.lifecycle = Lifecycle()
        self.verdicts: dict[str, Verdict] = {}
        self._detectors: list[Detector] = []
        if self._kb is not None:
            from loratui.detectors import detectors

            self._detectors = detectors()

    def judge_anew(self) -> None:
        """The loss is another series from now on: forget what was concluded from the last one, but
        not from validations and step numbers."""
        if self._kb is None:
            return
        from loratui.detectors import detectors

        curve = {name for name in self._kb.findings if name.startswith("loss-")}
        for name in curve:
            self.verdicts.pop(name, None)
            self.lifecycle.tracked.pop(name, None)
        kept = [detector for detector in self._detectors if detector.id not in curve]
        self._detectors = kept + [detector for detector in detectors() if detector.id in curve]

    def ask(self, view: View, *, timed: bool = False, anew: bool = False) -> bool:
        """Show the detectors what is new; whether any of them changed its mind.

        `timed`: a second has passed, which some of them want to know. `anew`: all of them are
        asked, because something about the run has become known.
        """
        before = self.lifecycle.revision
        changed = False
        if self._texts is not None and (view.lines or view.failures or view.ended):
            for finding, verdict in self._scan(view):
                step = _step_of(verdict, view)
                placed = replace(verdict, since=step) if verdict.state == "firing" else verdict
                changed |= self._see(finding, placed, step, text=True)
        files = view.checkpoints or view.removed
        news = anew or bool(view.metrics or view.pauses or files or view.failures or view.ended)
        over = view.ended is not None or (
            view.step is not None and view.total is not None and view.step >= view.total
        )
        if news or timed:
            for detector in list(self._detectors):
                if not (news or detector.timed):
                    continue
                known = len(self.broken)
                seen = self._update(detector, view)
                changed |= len(self.broken) != known
                if seen is not None:
                    hold = 0 if over else self._hold(detector.id)
                    changed |= self._see(detector.id, seen, view.step, text=False, hold=hold)
            if view.step is not None and news:
                self.lifecycle.go_on(view.step)
        return changed or self.lifecycle.revision != before

    def conclude(self, step: int | None) -> bool:
        """No more steps come: what only had to last a little longer is said now."""
        waiting = list(self.lifecycle.pending)
        for finding in waiting:
            self._see(finding, self.verdicts[finding], step, text=False)
        return bool(waiting)

    def _scan(self, view: View) -> Iterable[tuple[str, Verdict]]:
        assert self._texts is not None
        try:
            return list(self._texts.update(view).items())
        except Exception:
            self.broken.append(Broken("texts", traceback.format_exc()))
            self._texts = None
            return ()

    def _update(self, detector: Detector, view: View) -> Verdict | None:
        try:
            return detector.update(view)
        except Exception:  # a detector's fault must not end the watching
            self._detectors.remove(detector)
            self.broken.append(Broken(detector.id, traceback.format_exc()))
            return None

    def _hold(self, finding: str) -> int:
        """Steps for which a verdict must last before it is said; none once the run is over."""
        assert self._kb is not None
        known = self._kb.findings.get(finding)
        return known.hold if known is not None else 0

    def _see(
        self, finding: str, verdict: Verdict, step: int | None, *, text: bool, hold: int = 0
    ) -> bool:
        before = self.verdicts.get(finding)
        self.verdicts[finding] = verdict
        severity = self._severity(finding)
        self.lifecycle.see(finding, verdict, severity, step, text=text, hold=hold)
        return before is None or (before.state, before.reason) != (verdict.state, verdict.reason)

    def _severity(self, finding: str) -> Severity:
        assert self._kb is not None
        known = self._kb.findings.get(finding)
        return Severity.of(known.severity) if known is not None else Severity.WARNING


def _step_of(verdict: Verdict, view: View) -> int | None:
    """The step before the line in which a text finding was read."""
    for evidence in verdict.evidence:
        offset = evidence.data.get("offset")
        if evidence.kind == "log" and isinstance(offset, int) and view.marks:
            return view.step_at(offset)
    return view.step
