"""The status line: which state a run is in, how far, how fast, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from loratui.core.findings import Severity
from loratui.core.snapshot import State, Status
from loratui.engine.run import Run

QUIET = 180.0
"""Seconds without growth before a run that was seen growing can count as stalled."""

SLOW_PHASES = {"loading": 1800.0, "caching": 3600.0, "sampling": 1200.0, "saving": 600.0}
"""Seconds that these phases may take in silence: downloads, large datasets, slow samplers."""

_PHASES: dict[str, State] = {
    "loading": "loading",
    "caching": "caching",
    "training": "training",
    "sampling": "sampling",
    "validating": "sampling",
    "saving": "saving",
    "finished": "finished",
}
_MEMORY = ("cuda-oom", "host-oom")


@dataclass(slots=True)
class Growth:
    """What is known of the log's growth: proof that the run is alive, or none.

    Times are wall-clock seconds; `first` is when watching began.
    """

    first: float = 0.0
    seen: float | None = None
    gap: float = 0.0  # the longest time between two growths while training
    over: bool = False  # the source says that nothing can come any more
    gone: bool = False  # the process, or the pipe that it wrote to, has ended


def status_of(run: Run, growth: Growth, now: float, history: float | None) -> Status:
    """The status of `run` at `now`; `history` is the share of the log read so far."""
    course, progress = run.course, run.course.progress
    state = state_of(run, growth, now)
    step = progress.step if progress else None
    total = progress.total if progress and progress.total else run.facts.total_steps
    rate = run.pace.rate()
    eta = None
    if rate and total and step is not None and step < total and state not in _OVER:
        eta = max(0.0, (total - step) / rate)
    epoch = progress.epoch if progress and progress.epoch is not None else course.epoch
    epochs = course.epochs or run.facts.epochs
    per_epoch = run.facts.epoch_steps
    if epochs and per_epoch and step is not None and (progress is None or progress.epoch is None):
        # the trainer's own line may come late (its output is buffered): the steps are right
        epoch = min(epochs, max(0, step - 1) // per_epoch + 1)
    lr = progress.lr if progress else None
    if lr is None and "lr" in run.series:
        lr = run.series["lr"].last
    return Status(
        state=state,
        step=step,
        total=total,
        epoch=epoch,
        epochs=epochs,
        rate=rate,
        eta=eta,
        loss=run.loss(),
        trend=run.trend.of(run.series.get("loss")),
        lr=lr,
        history=history,
        advice=_ADVICE.get(state, ""),
        usual=_usual(run, state),
        note="" if state != "unknown" or course.phase is None else f"last seen {course.phase}",
    )


_OVER: frozenset[State] = frozenset(
    {"finished", "out of memory", "dead worker", "crashed", "killed"}
)
_ADVICE: dict[State, str] = {
    "loading": "wait",
    "caching": "wait",
    "sampling": "wait",
    "saving": "wait",
    "stalled": "look",
}


def state_of(run: Run, growth: Growth, now: float) -> State:
    """The state: an end that the log proves, else the phase while growth proves life."""
    course, progress = run.course, run.course.progress
    tracked = run.lifecycle.tracked
    if course.failure is not None or (course.ended and course.ended.how == "failed"):
        if any(name in tracked and tracked[name].firing for name in _MEMORY):
            return "out of memory"
        if "dataloader-died" in tracked and tracked["dataloader-died"].firing:
            return "dead worker"
        return "crashed"
    if course.ended is not None:
        if course.ended.how == "killed":
            return "killed"
        return "finished"
    if progress is None and any(
        known.text and known.firing and known.severity >= Severity.ERROR
        for known in tracked.values()
    ):
        return "crashed"  # some trainers report an error, train nothing and exit with 0
    live = growth.seen is not None and not growth.over and not growth.gone
    if _complete(run, live):
        return "finished"
    if growth.gone and growth.seen is not None and (progress is not None or run.line_count):
        return "crashed"
    if course.phase is None and progress is None and not run.line_count:
        return "waiting"
    if growth.seen is None or not live:
        return "unknown"
    if now - growth.seen > allowed(run, growth):
        return "stalled"
    if course.phase == "training" and _warming(run):
        return "warm-up"
    return _PHASES.get(course.phase or "loading", "unknown")


def allowed(run: Run, growth: Growth) -> float:
    """Seconds of silence that the present phase may take."""
    return max(QUIET, 5 * growth.gap, SLOW_PHASES.get(run.course.phase or "", 0.0))


def _complete(run: Run, live: bool) -> bool:
    """All steps are done. Before 2026-08 ai-toolkit's bar ended one step short."""
    progress = run.course.progress
    if progress is None or not progress.total or progress.total < 2:
        return False
    short = 1 if run.facts.trainer == "ai-toolkit" and run.course.phase != "training" else 0
    # the last samples are still being made where somebody is still writing
    return progress.step >= progress.total - short and not (live and run.course.phase == "sampling")


def _warming(run: Run) -> bool:
    progress = run.course.progress
    if progress is None:
        return False
    warmup = run.facts.config.number("warmup_steps")
    if warmup and warmup >= 1:
        return progress.step < warmup
    series = run.series.get("lr")
    if series is None or series.count < 3:
        return False
    values = series.tail(5)[1]
    rising = all(a < b for a, b in pairwise(values))
    return rising and progress.step < 0.2 * (progress.total or 0)


def _usual(run: Run, state: State) -> str:
    """How long the state usually takes, in words of the knowledge base."""
    return run.kb.usual(state) if run.kb is not None else ""
