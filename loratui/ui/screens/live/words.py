"""What Live says, apart from where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loratui.core.advice import Fix
from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot, Status
from loratui.ui.screens.live.curves import CAPTIONS, Choice, curve_of, kind_of
from loratui.ui.widgets.checklist_pane import count
from loratui.ui.widgets.findings_pane import fix_words, since, stopping_lines, undecided_lines
from loratui.ui.widgets.lines import Line, Span, line, wrap

FINDINGS = frozenset({"findings", "stopping", "undecided", "checked", "status", "unread", "path"})
"""The fields of a snapshot that the findings pane depends on."""

HELP = {
    "findings": (
        "Findings",
        "What is going wrong, the worst first: how bad, since which step, what was seen, and the "
        "first thing to do. Under them stands what it is too early to tell, and what this log "
        "cannot tell.",
    ),
    "chart": (
        "Chart",
        "Dots are single steps, the line is smoothed; a second series is dashed. Where values are "
        "NaN the line breaks and the row below is marked. Triangles show where a finding begins, "
        "ticks where an epoch begins. A loss that scatters from step to step is normal. A part of "
        "the run that reaches the newest step goes along with it; any other stands still.",
    ),
    "checklist": (
        "Checklist",
        "What to look at in this phase of training. An item ticks itself when there is evidence "
        "for it; some only you can judge.",
    ),
    "gpu": (
        "GPU",
        "How busy the GPU is, how full its memory, and what holds its clock down. Readings of a "
        "replayed run are marked as simulated. 5 shows all of it.",
    ),
    "log": (
        "Log",
        "What the trainer prints, without its progress bar. New lines are followed while the end "
        "is in view.",
    ),
}


def pane_names(now: SessionSnapshot, errors_only: bool) -> dict[str, str]:
    """The name of each pane with what it holds."""
    firing = sum(finding.state == "firing" for finding in now.findings)
    listed = count(now.checklist)
    title = now.checklist.title or "Checklist"
    return {
        "findings": f"Findings {firing}" if firing else "Findings",
        "chart": "Chart",
        "checklist": f"{title}  {listed}" if listed else "Checklist",
        "gpu": "GPU",
        "log": "Log, errors only" if errors_only else "Log",
    }


def chart_fields(now: SessionSnapshot, drawn: Choice) -> dict[str, Any]:
    """What the chart draws of this snapshot."""
    kind, unit = now.facts.loss_kind, kind_of(drawn.first).unit
    second = None
    if drawn.second is not None:
        second = curve_of(drawn.second, now.series.get(drawn.second), kind)
    steps = unit == "step"  # findings and epochs begin at steps
    return {
        "first": curve_of(drawn.first, now.series.get(drawn.first), kind),
        "second": second,
        "caption": CAPTIONS.get(kind, "") if drawn.first == "loss" else "",
        "unit": unit,
        "total": now.status.total if steps else now.status.epochs,
        "epochs": now.epoch_marks if steps else (),
        "findings": tuple(
            (finding.first_step, finding.severity.word)
            for finding in now.findings
            if steps and finding.first_step is not None and finding.state == "firing"
        ),
    }


def sheet_lines(finding: Finding | None, now: SessionSnapshot, width: int) -> list[Line]:
    """What to do, which checkpoint to take, and every question that has no answer yet."""
    rows = now_lines(finding, now.status, width)
    if now.stopping is not None:
        rows += [line(), *stopping_lines(now.stopping, width)]
    if now.undecided:
        rows += [line(), *undecided_lines(now.undecided, width, most=len(now.undecided) + 1)]
    return rows


def now_lines(finding: Finding | None, status: Status, width: int) -> list[Line]:
    """Every fix of a finding in order; without one, what the state asks for."""
    if finding is None or not finding.fixes:
        return _without(finding, status, width)
    rows = [Line((Span(finding.title or finding.id, "title"),), (Span(since(finding), "muted"),))]
    rows += [line(row) for row in wrap(finding.summary, width)]
    rows += [line(row) for cause in finding.causes for row in wrap(cause, width)]
    rows += [line(row, "warning") for row in wrap(finding.now, width) if row]
    for number, fix in enumerate(finding.fixes, 1):
        rows += [line(), *_fix(number, fix, width)]
    return rows


def _without(finding: Finding | None, status: Status, width: int) -> list[Line]:
    if finding is not None:
        text = f"{finding.title or finding.id}: {finding.summary}"
        rows = [line(row) for row in wrap(text, width)]
        return [*rows, line(), line("No fix is known for this yet.", "muted")]
    if status.advice == "wait":
        text = f"Wait: the run is {status.state}."
        if status.usual:
            text += f" That usually takes {status.usual}."
    elif status.advice == "stop":
        text = f"Stop: the run is {status.state}. {status.usual}"
    else:
        text = "Nothing: no pattern that is known to go wrong was seen."
    return [line(row) for row in wrap(text, width)]


def _fix(number: int, fix: Fix, width: int) -> list[Line]:
    rows: list[Line] = []
    for at, row in enumerate(wrap(fix_words(fix), width - 14)):
        head = f"{number:>2}  " if at == 0 else "    "
        right = (Span(fix.effort, "muted"),) if at == 0 else ()
        rows.append(Line((Span(head, "accent"), Span(row)), right))
    for name, text in (
        ("costs", fix.cost),
        ("cured if", fix.verify),
        ("careful", fix.caveat or ""),
        ("source", fix.source),
    ):
        for at, row in enumerate(wrap(text, width - 14) if text else []):
            style = "warning" if name == "careful" else "muted"
            rows.append(Line((Span(f"    {name if at == 0 else '':<9} ", style), Span(row, style))))
    return rows


def finding_text(finding: Finding) -> str:
    """A finding as plain text to paste somewhere."""
    rows = [f"{finding.severity.word}: {finding.title or finding.id} {since(finding)}".rstrip()]
    rows += [text for text in (finding.summary, *finding.causes, finding.now) if text]
    rows += [f"- {evidence.text}" for evidence in finding.evidence]
    rows += [f"{number}. {fix_words(fix)}" for number, fix in enumerate(finding.fixes, 1)]
    return "\n".join(rows)


def plain(rows: Iterable[Line]) -> str:
    """Lines without their styles."""
    return "\n".join(
        "".join(span.text for span in (*row.spans, *row.right)).rstrip() for row in rows
    )
