"""What to do with the run at this moment, and which checkpoint to keep."""

from __future__ import annotations

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
    step = run.course.progress.step if run.course.progress is not None else None
    numbers: dict[str, object] = {"next": next_save(run.facts, step)}
    good = last_before(run.course.checkpoints, known.first_step, run.facts) if spoils else None
    if spoils:
        numbers["since"] = known.first_step
    if good is not None:
        numbers.update(checkpoint=_name(good.path), saved=step_of(good, run.facts))
    if name == "wait" and run.course.phase:
        numbers["usual"] = kb.usual(run.course.phase) or None
    oldest = _in_danger(run)
    if _over(run):
        if known.severity < Severity.WARNING:
            return ""
        return fill(kb.actions["over-and-use" if good is not None else "over"], numbers)
    if known.id == "checkpoints-pruned":
        return fill(kb.actions["rescue"], {**numbers, "oldest": oldest}) if oldest else ""
    if name in ("stop", "stop-at-save") and good is not None:
        name = "stop-and-use"  # what is saved from now on is worse
    if name == "stop-at-save" and numbers["next"] is None:
        name = "stop"
    said = fill(kb.actions[name], numbers)
    if good is not None and oldest == _name(good.path):
        said = f"{fill(kb.actions['rescue'], {**numbers, 'oldest': oldest})} {said}"
    return said


def _in_danger(run: Run) -> str:
    """The checkpoint that the trainer deletes at its next save; empty where none is known."""
    rotation = run.lifecycle.tracked.get("checkpoints-pruned")
    if rotation is None or not rotation.firing:
        return ""
    oldest = rotation.verdict.numbers.get("oldest")
    return _name(oldest) if isinstance(oldest, str) else ""


def _over(run: Run) -> bool:
    course, progress = run.course, run.course.progress
    if course.failure is not None or course.ended is not None or run.around.gone:
        return True
    if course.phase == "finished":
        return True
    return progress is not None and progress.total is not None and progress.step >= progress.total


def _chosen(action: ActionName, known: Tracked) -> str:
    """A finding that is worse than usual ends the run, a milder one does not."""
    if known.severity is Severity.CRITICAL:
        return "stop"
    if known.severity is Severity.INFO and action == "stop-at-save":
        return "look"
    if known.severity <= Severity.WARNING and action == "stop":  # it may be nothing
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
    if found.epoch is not None and facts.epoch_steps:
        return found.epoch * facts.epoch_steps
    return None


def next_save(facts: RunFacts, step: int | None) -> int | None:
    """The step at which the trainer saves next, where the settings say it."""
    if step is None:
        return None
    config, per_epoch = facts.config, facts.epoch_steps
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
