"""What to do with the run at this moment, and which checkpoint to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from loratui.core.events import Checkpoint
from loratui.core.facts import RunFacts
from loratui.core.findings import Severity
from loratui.engine.lifecycle import Tracked

if TYPE_CHECKING:
    from loratui.engine.run import Run
    from loratui.kb.schema import ActionName

_SPOILS = ("curve", "weights")
"""Families of findings after whose onset a checkpoint is no longer good."""


def action_of(run: Run, known: Tracked) -> str:
    """One or two sentences for a finding: stop, go on, wait, and what to save first."""
    kb = run.kb
    assert kb is not None
    from loratui.kb.resolve import fill

    info = kb.findings.get(known.id)
    if info is None or not known.firing:
        return ""
    name: str = _chosen(info.now, known)
    spoils = info.family in _SPOILS and known.severity >= Severity.WARNING
    over = _over(run)
    numbers: dict[str, object] = {"since": known.first_step}
    good = last_before(run.course.checkpoints, known.first_step, run.facts) if spoils else None
    if good is not None:
        numbers.update(checkpoint=_name(good.path), saved=step_of(good, run.facts))
    step = run.course.progress.step if run.course.progress is not None else None
    numbers["next"] = next_save(run.facts, step)
    if name == "wait" and run.course.phase:
        numbers["usual"] = kb.usual(run.course.phase) or None
    if over:
        if known.severity < Severity.WARNING:
            return ""
        return fill(kb.actions["over-and-use" if good is not None else "over"], numbers)
    if name == "stop" and good is not None:
        name = "stop-and-use"
    if name == "stop-at-save" and numbers["next"] is None:
        name = "stop"
    said = fill(kb.actions[name], numbers)
    rotation = run.lifecycle.tracked.get("checkpoints-pruned")
    if good is not None and rotation is not None and rotation.firing:
        oldest = rotation.verdict.numbers.get("oldest")
        if isinstance(oldest, str) and _name(oldest) == _name(good.path):
            rescue: Mapping[str, object] = {**numbers, "oldest": _name(oldest)}
            said = f"{fill(kb.actions['rescue'], rescue)} {said}"
    return said


def _over(run: Run) -> bool:
    course, progress = run.course, run.course.progress
    if course.failure is not None or course.ended is not None or course.phase == "finished":
        return True
    return progress is not None and progress.total is not None and progress.step >= progress.total


def _chosen(action: ActionName, known: Tracked) -> str:
    """A finding that is worse than usual ends the run, a milder one does not."""
    if known.severity is Severity.CRITICAL:
        return "stop"
    if known.severity is Severity.INFO and action in ("stop", "stop-at-save"):
        return "look"
    return action


def last_before(
    checkpoints: list[Checkpoint], step: int | None, facts: RunFacts
) -> Checkpoint | None:
    """The newest checkpoint saved before a step; None where none is known to be."""
    if step is None:
        return None
    known = [(at, file) for file in checkpoints if (at := step_of(file, facts)) is not None]
    before = [(at, file) for at, file in known if at < step]
    return max(before, key=lambda pair: pair[0])[1] if before else None


def step_of(checkpoint: Checkpoint, facts: RunFacts) -> int | None:
    """The step of a checkpoint, by what the log says or its name shows."""
    if checkpoint.step is not None:
        return checkpoint.step
    from loratui.trainers.artefacts import named

    found = named(checkpoint.path)
    if found is None:
        return None
    if found.step is not None:
        return found.step
    if found.epoch is not None and facts.steps_per_epoch:
        return found.epoch * facts.steps_per_epoch
    return None


def next_save(facts: RunFacts, step: int | None) -> int | None:
    """The step at which the trainer saves next, where the settings say it."""
    if step is None:
        return None
    config, per_epoch = facts.config, facts.steps_per_epoch
    every = config.number("save_every")
    if str(config.get("save_every_unit") or "STEP").upper() == "EPOCH" and every:
        every = every * per_epoch if per_epoch else None
    epochs = config.number("save_every_epochs")
    if not every and epochs and per_epoch:
        every = epochs * per_epoch
    if not every or every < 1:
        return None
    due = (int(step // every) + 1) * int(every)
    return min(due, facts.total_steps) if facts.total_steps else due


def _name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
