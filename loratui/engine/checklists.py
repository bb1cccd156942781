"""The checklist of the present phase, ticked by what the run shows and by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from loratui.core.series import Series
from loratui.core.snapshot import Checklist, ChecklistItem
from loratui.core.units import number, whole
from loratui.engine.run import Run

FELL = 0.05
"""A fall of the loss by this share of its beginning counts, once it is beyond the noise."""


Judged = Mapping[str, tuple[str, str]]


def judgements(run: Run) -> Judged:
    """What the run says about everything that an item can be ticked by.

    Each is ``done``, ``failed`` or ``open`` (no answer yet), with what was seen.
    """
    if run.kb is None:
        return {}
    found = {}
    for auto in run.kb.autos:
        info = run.kb.findings.get(auto)
        if info is not None and not info.built:
            continue  # nobody looks for it yet: such an item is ticked by hand
        done, evidence = _judged(run, auto)
        state = "open" if done is None else "done" if done else "failed"
        found[auto] = (state, evidence)
    return found


def checklist_of(run: Run, judged: Judged) -> Checklist:
    """The list for where the run stands: first steps, after the first epoch, later."""
    if run.kb is None:
        return Checklist()
    known = run.kb.checklists.get(_phase(run))
    if known is None:
        return Checklist()
    items = []
    for item in known.items:
        state, evidence = judged.get(item.auto or "", ("manual", ""))
        items.append(ChecklistItem(item.id, item.text, state, evidence))  # type: ignore[arg-type]
    return Checklist(known.id, known.title, tuple(items))


def _phase(run: Run) -> str:
    progress, facts = run.course.progress, run.facts
    step = progress.step if progress else 0
    per_epoch = facts.steps_per_epoch
    if facts.total_steps and step >= facts.total_steps / 2 and step > 100:
        return "mid-training"
    if per_epoch and facts.epochs and facts.epochs > 1 and step >= max(per_epoch, 1) and step > 20:
        return "after-epoch-1"
    if not per_epoch and step > 100:
        return "after-epoch-1"
    return "first-100-steps"


def _judged(run: Run, auto: str) -> tuple[bool | None, str]:
    """Whether the program can say yes or no, and what it saw."""
    kind, _, name = auto.partition(":")
    if kind == "event":
        return _event(run, name)
    if kind == "metric":
        return _metric(run, name)
    if auto == "crashed":
        return _began(run)
    tracked = run.lifecycle.tracked.get(auto)
    if tracked is not None and tracked.firing:
        since = f"since {whole(tracked.first_step)}" if tracked.first_step is not None else "seen"
        return False, since
    verdict = run.verdicts.get(auto)
    if verdict is not None:
        return (True, "not seen") if verdict.state == "clear" else (None, "")
    # an error text that has not been seen while steps go on is evidence of its absence
    progress = run.course.progress
    told = run.kb.told if run.kb is not None else ()
    if progress is not None and progress.step > 0 and auto in told:
        return True, "none so far"
    return None, ""


def _began(run: Run) -> tuple[bool | None, str]:
    """Whether training runs without having stopped with an error of any kind."""
    course = run.course
    if course.failure is not None:
        return False, course.failure.type.rpartition(".")[2]
    if course.ended is not None and course.ended.how != "finished":
        return False, course.ended.how
    running = course.progress is not None and course.progress.step > 0
    return (True, "steps are counted") if running else (None, "")


def _event(run: Run, name: str) -> tuple[bool | None, str]:
    course = run.course
    if name == "checkpoint":
        if not course.checkpoints:
            return None, ""
        return True, course.checkpoints[-1].path.replace("\\", "/").rsplit("/", 1)[-1]
    if name in ("first-loss", "started"):
        series = run.series.get("loss")
        if series is None or not series.count:
            return None, ""
        return True, f"at step {whole(series.first_step or 0)}"
    if name == "samples":
        return (True, f"{course.samples} times") if course.samples else (None, "")
    return None, ""


def _metric(run: Run, name: str) -> tuple[bool | None, str]:
    if name != "loss-fell":
        return None, ""
    series = run.series.get("loss")
    if series is None:
        return None, ""
    # looked at again only when the series has grown by a few percent
    mark = series.count // max(10, series.count // 32)
    if run.fall[0] != mark:
        run.fall = (mark, _fell(series))
    return run.fall[1]


def _fell(series: Series) -> tuple[bool | None, str]:
    """Whether the newest fifth lies under the first one, beyond what noise explains."""
    view = series.view()
    means = [m for m in view.mean if not math.isnan(m) and m > 0]
    if len(means) < 30:
        return None, ""
    part = max(10, len(means) // 5)
    first = [math.log(m) for m in means[:part]]
    now = [math.log(m) for m in means[-part:]]
    change = sum(now) / part - sum(first) / part
    error = math.sqrt((_variance(first) + _variance(now)) / part)
    shown = f"{number(math.exp(sum(first) / part))} → {number(math.exp(sum(now) / part))}"
    if change < -max(FELL, 3 * error):
        return True, shown
    return None, shown


def _variance(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)
