"""Watching without a screen: findings as lines of text, or one `loratui.event/1` object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot, Status
from loratui.core.units import number, whole
from loratui.engine.report import finding_json, plain, render_finding
from loratui.engine.session import Session

SCHEMA = "loratui.event/1"


def stream(session: Session, *, as_json: bool) -> Iterator[str]:
    """Lines to print until the source is over (a file never is: until interrupted)."""
    session.start()
    session.read_history()
    told: dict[str, tuple[str, object]] = {}
    state, last = "", session.latest()
    try:
        while True:
            snapshot = _next(session, last)
            last = snapshot
            if snapshot.status.state != state:
                state = snapshot.status.state
                yield _status(snapshot, as_json)
            for finding in snapshot.findings:
                mark = (finding.state, finding.severity)
                if told.get(finding.id) != mark:
                    told[finding.id] = mark
                    yield _finding(finding, as_json)
            if session.ended.is_set() and snapshot is session.latest():
                yield _end(snapshot, as_json)
                return
    finally:
        session.stop()


def _next(session: Session, last: SessionSnapshot) -> SessionSnapshot:
    with session.changed:
        while session.latest() is last and not session.ended.is_set():
            session.changed.wait(0.5)
    return session.latest()


def _status(snapshot: SessionSnapshot, as_json: bool) -> str:
    status = snapshot.status
    if as_json:
        return _line("status", {"state": status.state, "step": status.step, "total": status.total})
    return f"{_where(status)}{status.state}"


def _finding(finding: Finding, as_json: bool) -> str:
    if as_json:
        return _line("finding", finding_json(finding))
    return "\n".join(render_finding(finding))


def _end(snapshot: SessionSnapshot, as_json: bool) -> str:
    status, count = snapshot.status, len(snapshot.findings)
    if as_json:
        return _line(
            "end",
            {
                "state": status.state,
                "step": status.step,
                "findings": [f.id for f in snapshot.findings],
            },
        )
    loss = f", loss {number(status.loss)}" if status.loss is not None else ""
    found = f"{count} finding{'s' if count != 1 else ''}" if count else "nothing wrong found"
    return f"{_where(status)}end of input{loss}; {found}"


def _where(status: Status) -> str:
    if status.step is None:
        return ""
    total = f"/{whole(status.total)}" if status.total else ""
    return f"step {whole(status.step)}{total}: "


def _line(kind: str, value: dict[str, object]) -> str:
    return json.dumps({"schema": SCHEMA, "kind": kind, **plain(value)}, ensure_ascii=False)
