"""What Live says, apart from where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loratui.core.advice import Fix
from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot, Status
from loratui.ui.widgets.checklist_pane import count
from loratui.ui.widgets.findings_pane import fix_words, since
from loratui.ui.widgets.lines import Line, Span, line, wrap

FINDINGS = frozenset({"findings", "undecided", "checked", "status", "unread", "path"})
"""The fields of a snapshot that the findings pane depends on."""

METRICS = {
    "loss": "loss",
    "mean_loss": "mean loss",
    "smooth_loss": "smooth loss",
    "val_loss": "validation loss",
    "lr": "learning rate",
    "lr_text_encoder": "learning rate of the text encoder",
    "effective_lr": "learning rate that the optimizer found",
    "grad_norm": "gradient norm",
    "key_norm": "norm of the LoRA's weights",
}
"""The series that `t` goes through, and what they are called."""

_KINDS = {
    "raw": "each step",
    "running-mean": "mean over the last epoch",
    "smoothed": "smoothed by the trainer",
}

HELP = {
    "findings": (
        "Findings",
        "What is going wrong, the worst first: how bad, since which step, what was seen, and the "
        "first thing to do. Under them stands what it is too early to tell, and what this log "
        "cannot tell.",
    ),
    "chart": (
        "Chart",
        "Dots are single steps, the line is smoothed. Where values are NaN the line breaks and "
        "the row below is marked. Triangles show where a finding begins, ticks where an epoch "
        "begins. A loss that scatters from step to step is normal.",
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


def chart_fields(now: SessionSnapshot, metric: str) -> dict[str, Any]:
    """What the chart draws of this snapshot."""
    kind = now.facts.loss_kind if metric == "loss" else ""
    return {
        "view": now.series.get(metric),
        "label": METRICS.get(metric, metric),
        "smoothed": kind in ("running-mean", "smoothed") or metric not in ("loss", "grad_norm"),
        "caption": _KINDS.get(kind, ""),
        "total": now.status.total,
        "epochs": now.epoch_marks,
        "findings": tuple(
            (finding.first_step, finding.severity.word)
            for finding in now.findings
            if finding.first_step is not None and finding.state == "firing"
        ),
    }


def now_lines(finding: Finding | None, status: Status, width: int) -> list[Line]:
    """Every fix of a finding in order; without one, what the state asks for."""
    if finding is None or not finding.fixes:
        return _without(finding, status, width)
    rows = [Line((Span(finding.title or finding.id, "title"),), (Span(since(finding), "muted"),))]
    rows += [line(row) for row in wrap(finding.summary, width)]
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
    rows += [finding.summary] if finding.summary else []
    rows += [f"- {evidence.text}" for evidence in finding.evidence]
    rows += [f"{number}. {fix_words(fix)}" for number, fix in enumerate(finding.fixes, 1)]
    return "\n".join(rows)


def plain(rows: Iterable[Line]) -> str:
    """Lines without their styles."""
    return "\n".join(
        "".join(span.text for span in (*row.spans, *row.right)).rstrip() for row in rows
    )
