"""What could be read of a log whose trainer is unknown, or that shows no step at all."""

from __future__ import annotations

from collections.abc import Iterable

from loratui.core.findings import Severity
from loratui.core.units import whole
from loratui.engine.run import Run
from loratui.trainers.reading.seen import Seen

ENOUGH = 200
"""Lines of a log that is still written after which a bar should have come."""


def recognised(seen: Seen, run: Run, *, over: bool) -> list[tuple[str, str]]:
    """(place, sentence) for the session's notes; `over` when nothing more can come."""
    if run.kb is None or (not seen.lines and seen.bar is None):
        return []
    from loratui.kb.resolve import fill  # not needed for the first screen

    progress, actions = run.course.progress, run.kb.actions
    numbers: dict[str, object] = {
        "fields": _words(name for name in seen.fields if name != "elapsed") or None,
        "total": whole(progress.total) if progress is not None and progress.total else None,
        "bar": repr(seen.bar) if seen.bar else None,
        "bars": _words(map(repr, seen.others)) or None,
        "lines": whole(seen.lines if over else _rounded(seen.lines)),
    }
    if progress is not None:
        if run.facts.trainer != "unknown":
            return []
        name = "read-bar" if seen.bar is not None else "read-lines"
        said = f"{fill(actions[name], numbers)} {fill(actions['read-trainer'], numbers)}"
        return [("unknown trainer", said)]
    if run.series or _explained(run) or not (over or seen.lines >= ENOUGH):
        return []
    trained = bool(run.course.checkpoints) or run.course.phase in ("training", "finished")
    if run.facts.trainer != "unknown" and not trained:
        return []  # still loading, or it stopped before its first step
    return [("no steps", fill(actions["read-nothing"], numbers))]


def _explained(run: Run) -> bool:
    """Whether an error says why there is no step."""
    course = run.course
    if course.failure is not None or (course.ended is not None and course.ended.how != "finished"):
        return True
    return any(
        known.firing and known.severity >= Severity.ERROR
        for known in run.lifecycle.tracked.values()
    )


def _rounded(lines: int) -> int:
    """One digit: a number that changes with every line would be painted with every line."""
    digits = str(lines)
    return int(digits[0] + "0" * (len(digits) - 1))


def _words(names: Iterable[str]) -> str:
    found = list(names)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"
