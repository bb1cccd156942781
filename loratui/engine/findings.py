"""Dresses tracked verdicts in the knowledge base's words and fixes, in the order to act on."""

from __future__ import annotations

from loratui.core.findings import Finding, Undecided
from loratui.engine.causes import Cause, Causes, causes_of
from loratui.engine.lifecycle import Tracked
from loratui.engine.now import action_of
from loratui.engine.run import Run

_VAGUE = ("crashed", "exited-early")
"""Findings that say nothing more once another error text is recognised."""


def findings_of(run: Run, acknowledged: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """Firing findings first, causes before consequences, the worst first, then by their onset."""
    assert run.kb is not None
    causes = causes_of(run.kb, run.lifecycle.tracked, run.facts)
    tracked = list(run.lifecycle.tracked.values())
    ended = run.course.ended
    if ended is not None and ended.how == "stopped":  # what was asked for is no fault
        tracked = [known for known in tracked if known.id != "exited-early"]
    clear = any(t.text and t.firing and t.severity >= 2 and t.id not in _VAGUE for t in tracked)
    shown = [t for t in tracked if not (clear and t.id in _VAGUE)]
    worst = {t.id: t.severity for t in shown}
    for consequence, cause in causes.silenced.items():  # a cause weighs what it brings about
        if cause in worst and consequence in worst:
            worst[cause] = max(worst[cause], worst[consequence])
    shown.sort(
        key=lambda t: (
            not t.firing,
            t.id in causes.silenced,
            -int(worst[t.id]),
            t.id in _VAGUE,
            t.first_step if t.first_step is not None else -1,
        )
    )
    return tuple(_dressed(run, t, causes, t.id in acknowledged) for t in shown)


def _dressed(run: Run, tracked: Tracked, causes: Causes, acknowledged: bool) -> Finding:
    assert run.kb is not None
    from loratui.kb.resolve import describe, fixes

    numbers = tracked.verdict.numbers
    title, summary, symptom = describe(run.kb, tracked.id, numbers)
    cause = causes.of.get(tracked.id, Cause())
    page = run.kb.symptoms.get(cause.symptom or symptom or "")
    found = fixes(run.kb, page, run.facts, numbers) if page is not None else ()
    info = run.kb.findings.get(tracked.id)
    meant = info.fixes if info is not None and page is not None and page.id == symptom else ()
    first = {name: at for at, name in enumerate(dict.fromkeys((*cause.fixes, *meant)))}
    if meant:
        found = tuple(fix for fix in found if fix.id in first)
    return Finding(
        id=tracked.id,
        severity=tracked.severity,
        state="firing" if tracked.firing else "resolved",
        first_step=tracked.first_step,
        fired_step=tracked.fired_step,
        last_step=tracked.last_step,
        confidence=tracked.verdict.confidence,
        title=title,
        summary=summary,
        evidence=(*tracked.evidence, *cause.evidence),
        numbers=numbers,
        symptom=page.id if page is not None else None,
        fixes=tuple(sorted(found, key=lambda fix: first.get(fix.id, len(first)))),
        acknowledged=acknowledged,
        causes=tuple(cause.texts),
        silenced_by=causes.silenced.get(tracked.id, ""),
        now=action_of(run, tracked),
    )


def undecided_of(run: Run) -> tuple[Undecided, ...]:
    """Questions without an answer yet, and those that this log cannot answer at all."""
    if run.kb is None:
        return ()
    from loratui.kb.resolve import fill, undecided

    found: list[Undecided] = []
    broken = run.lifecycle.tracked.get("loss-nan")
    for finding, verdict in run.verdicts.items():
        if broken is not None and broken.firing and verdict.state == "too-early":
            continue  # a curve that has ended will never be long enough
        if verdict.state == "too-early" or verdict.state == "cannot-tell":
            question, why = undecided(run.kb, finding, verdict.reason, verdict.numbers)
            if question:
                found.append(Undecided(finding, verdict.state, question, why))
    for finding, since in run.lifecycle.pending.items():
        info = run.kb.findings[finding]
        numbers = {"since": since, "hold": info.hold}
        why = fill(run.kb.actions["pending"], numbers)
        found.append(Undecided(finding, "too-early", info.question or info.title, why))
    told = {each.id for each in found}
    if "validation-rising" not in told and "loss" in run.series and "val_loss" not in run.series:
        question, why = undecided(run.kb, "validation-rising", "no-validation", {})
        if question:
            found.append(Undecided("validation-rising", "cannot-tell", question, why))
    return tuple(found)


def checked(run: Run) -> int:
    """How many patterns were looked for and are clear: detectors that say so, and error texts."""
    if run.kb is None:
        return 0
    clear = sum(1 for verdict in run.verdicts.values() if verdict.state == "clear")
    texts = {message.finding for message in run.kb.messages}
    return clear + sum(1 for finding in texts if finding not in run.lifecycle.tracked)
