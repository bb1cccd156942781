"""What was found, as the `loratui.report/1` object and as text for people."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from loratui import __version__
from loratui.core.advice import Fix, Stopping
from loratui.core.findings import Finding, Severity
from loratui.core.plain import printable
from loratui.core.snapshot import SessionSnapshot
from loratui.core.units import number, rate, whole

SCHEMA = "loratui.report/1"

_STATUS = {
    "finished": "finished",
    "out of memory": "crashed",
    "dead worker": "crashed",
    "crashed": "crashed",
    "killed": "crashed",
    "stalled": "stalled",
    "waiting": "unknown",
    "unknown": "unknown",
}


def report_of(snapshots: Iterable[SessionSnapshot], *, time: float) -> dict[str, Any]:
    """One object for all runs that were read; findings of the first run come first."""
    runs = list(snapshots)
    findings = [(run, finding) for run in runs for finding in run.findings]
    return {
        "schema": SCHEMA,
        "tool": f"loratui {__version__}",
        "generated_at": datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds"),
        "verdict": verdict_of(runs),
        "subjects": [_subject(run) for run in runs],
        "findings": [finding_json(finding) for _, finding in findings],
        "cannot_tell": [
            {"question": each.question, "why": each.why} for run in runs for each in run.undecided
        ],
        "unread": [{"path": path, "why": why} for run in runs for path, why in run.unread],
        "facts": _facts(runs[0]) if len(runs) == 1 else {run.path: _facts(run) for run in runs},
    }


def verdict_of(runs: Iterable[SessionSnapshot]) -> str:
    """`stop` on a critical finding, `fix-first` on an error, `cannot-tell` without any step."""
    runs = list(runs)
    worst = max((f.severity for run in runs for f in firing(run)), default=None)
    if worst is Severity.CRITICAL:
        return "stop"
    if worst is Severity.ERROR:
        return "fix-first"
    if all(run.status.step is None for run in runs) and worst is None:
        return "cannot-tell"
    return "ok"


def firing(run: SessionSnapshot) -> list[Finding]:
    """Findings that hold now."""
    return [finding for finding in run.findings if finding.state == "firing"]


def exit_code(runs: Iterable[SessionSnapshot], fail_on: Severity) -> int:
    """1 when something at or above `fail_on` holds, else 0."""
    return int(any(f.severity >= fail_on for run in runs for f in firing(run)))


def _subject(run: SessionSnapshot) -> dict[str, Any]:
    return {
        "kind": "run",
        "path": run.path,
        "trainer": run.facts.trainer,
        "family": run.facts.family,
        "status": _STATUS.get(run.status.state, "running"),
        "step": run.status.step,
        "total_steps": run.status.total,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as the report holds it."""
    return {
        "id": finding.id,
        "severity": finding.severity.word,
        "state": finding.state,
        "first_step": finding.first_step,
        "fired_step": finding.fired_step,
        "last_step": finding.last_step,
        "confidence": round(finding.confidence, 3),
        "title": finding.title,
        "summary": finding.summary,
        "evidence": [
            {"kind": each.kind, "text": each.text, **plain(dict(each.data))}
            for each in finding.evidence
        ],
        "symptom": finding.symptom,
        "causes": list(finding.causes),
        "silenced_by": finding.silenced_by or None,
        "now": finding.now,
        "fixes": [_fix(fix) for fix in finding.fixes],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "id": fix.id,
        "text": fix.text,
        "effort": fix.effort,
        "cost": fix.cost,
        "verify": fix.verify,
        "caveat": fix.caveat,
        "source": fix.source,
        "patch": [
            {
                "option": line.option,
                "key": line.key,
                "file": line.file,
                "line": line.line,
                "from": plain(line.before),
                "to": plain(line.after),
            }
            for line in fix.patch
        ],
    }


def _facts(run: SessionSnapshot) -> dict[str, Any]:
    facts, status = run.facts, run.status
    found: dict[str, Any] = plain(
        {
            "name": facts.name,
            "state": status.state,
            "epoch": status.epoch,
            "epochs": status.epochs,
            "steps_per_epoch": facts.steps_per_epoch,
            "steps_per_second": status.rate,
            "loss": status.loss,
            "loss_is": facts.loss_kind,
            "learning_rate": status.lr,
            "images": facts.images,
            "patterns_clear": run.checked,
            "best_checkpoint": _stopping(run.stopping),
            "resumed_at": facts.resumed.step if facts.resumed is not None else None,
            "checkpoints": [each.path for each in run.checkpoints],
            "earlier_runs": [
                {"name": each.name, "step": each.step, "total_steps": each.total}
                for each in run.earlier
            ],
            "settings": {name: value.value for name, value in facts.config.values.items()},
        }
    )
    return found


def _stopping(stopping: Stopping | None) -> dict[str, Any] | None:
    if stopping is None:
        return None
    return {
        "from_step": stopping.low,
        "to_step": stopping.high,
        "reasons": stopping.reasons,
        "files": stopping.checkpoints,
    }


def plain(value: Any) -> Any:
    """JSON values: non-finite numbers become strings, tuples lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


# text


def render(run: SessionSnapshot) -> str:
    """One run as plain text: what it is, what was found, what to do."""
    facts, status = run.facts, run.status
    lines = [printable(run.path)]
    where = f"step {whole(status.step)}" if status.step is not None else "no step seen"
    if status.total:
        where += f" of {whole(status.total)}"
    parts = [facts.trainer, status.state, where]
    if status.loss is not None:
        parts.append(f"loss {number(status.loss)}")
    if status.lr is not None:
        parts.append(f"lr {rate(status.lr)}")
    lines.append("  " + " · ".join(parts))
    for path, why in run.unread:
        lines.append(printable(f"  note: {path}: {why}"))
    if not run.findings:
        lines.append(f"  nothing wrong found; {run.checked} patterns checked")
    for finding in run.findings:
        lines += render_finding(finding)
    if run.stopping is not None:
        lines += ["", *_wrapped("  best checkpoint: " + stopping_text(run.stopping))]
    early = [each.question for each in run.undecided if each.state == "too-early"]
    if early:
        lines += ["", *_wrapped("  too early to tell: " + "; ".join(early))]
    for each in run.undecided:
        if each.state == "cannot-tell":
            lines += _wrapped(f"  cannot tell: {each.question}: {each.why}")
    return "\n".join(lines)


def render_finding(finding: Finding) -> list[str]:
    """A finding with its evidence and fixes."""
    since = f"  since step {whole(finding.first_step)}" if finding.first_step is not None else ""
    state = "" if finding.state == "firing" else "  (over)"
    lines = ["", f"  {finding.severity.word:<8} {finding.title}{since}{state}   [{finding.id}]"]
    if finding.summary:
        lines.append(f"           {finding.summary}")
    if finding.silenced_by:
        return [*lines, f"           follows from [{finding.silenced_by}] above"]
    lines += [f"           why: {cause}" for cause in finding.causes]
    lines += [f"           seen: {each.text}" for each in finding.evidence[:3] if each.text]
    if finding.now:
        lines.append(f"         now: {finding.now}")
    for at, fix in enumerate(finding.fixes, 1):
        lines.append(f"         {at}. {fix.text}  ({fix.effort})")
        for line in fix.patch:
            change = f"{_value(line.before)} -> " if line.before is not None else ""
            lines.append(f"            {line.key}: {change}{_value(line.after)}")
        if fix.caveat:
            lines.append(f"            but: {fix.caveat}")
    verify = next((fix.verify for fix in finding.fixes if fix.verify), "")
    if verify:
        lines.append(f"         cured if: {verify}")
    return lines


def stopping_text(stopping: Stopping) -> str:
    """Range, files and reasons in one paragraph."""
    where = " · ".join(part for part in (stopping.span, stopping.files) if part)
    why = " ".join(stopping.reasons)
    return f"{where}. {why}" if where else why


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, subsequent_indent="    ", break_long_words=False)


def _value(value: object) -> str:
    if isinstance(value, float):
        return rate(value)
    return "?" if value is None else str(value)
