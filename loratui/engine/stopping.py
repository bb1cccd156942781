"""When to stop, and which checkpoint to take: a range of steps with its reasons, never a point.

Whoever knows something gives an `Opinion`; the strongest range counts, cut by every hard bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from loratui.core.advice import Stopping
from loratui.core.findings import Severity
from loratui.engine.now import step_of

if TYPE_CHECKING:
    from loratui.engine.run import Run

EVALUATIONS = 5
"""Least evaluations before a lowest one means anything."""

PAST = 3
"""Evaluations without a new lowest one before it counts as passed; after the best of them."""

GOOD = 3.0
"""Good samples lie between the lowest validation loss and about so many times its steps.

Source: spacepxl/demystifying-sd-finetuning, where the best range was one to three times.
"""

_SPOILING = ("loss-nan", "loss-diverging", "loss-drop-then-rise", "weights-nan")


class Opinion(NamedTuple):
    """A range of steps, open where it is None, and why. A `hard` one cuts all others."""

    low: int | None
    high: int | None
    reason: str
    hard: bool = False


def stopping_of(run: Run) -> Stopping | None:
    """What is known of the best checkpoint of a run; None when nothing is."""
    opinions = [*_before_trouble(run), *_by_validation(run), *_by_views(run), *_early(run)]
    if not opinions:
        return None
    low, high = combined(opinions)
    facts = run.facts
    kept = [
        file.path
        for file in run.course.checkpoints
        if (at := step_of(file, facts)) is not None
        and (low is None or at >= low)
        and (high is None or at <= high)
    ]
    return Stopping(low, high, tuple(each.reason for each in opinions), tuple(kept))


def combined(opinions: Iterable[Opinion]) -> tuple[int | None, int | None]:
    """The first range, cut by the hard bounds; where they leave nothing of it, what is below."""
    opinions = list(opinions)
    soft = [each for each in opinions if not each.hard and (each.low, each.high) != (None, None)]
    low, high = (soft[0].low, soft[0].high) if soft else (None, None)
    for each in opinions:
        if each.hard and each.high is not None:
            high = each.high if high is None else min(high, each.high)
    if low is not None and high is not None and low > high:
        low = None
    return low, high


def _before_trouble(run: Run) -> Iterator[Opinion]:
    kb = run.kb
    assert kb is not None
    for name in _SPOILING:
        known = run.lifecycle.tracked.get(name)
        if known is None or not known.firing or known.severity < Severity.WARNING:
            continue
        if known.first_step is not None:
            title = kb.findings[name].title if name in kb.findings else name
            numbers = {"since": known.first_step, "title": title}
            yield Opinion(None, known.first_step - 1, _said(run, "best-before", numbers), hard=True)


def _by_validation(run: Run) -> Iterator[Opinion]:
    series = run.series.get("val_loss")
    if series is None or series.count < EVALUATIONS:
        return
    steps, values = series.tail(series.count)
    points = [(value, step) for step, value in zip(steps, values, strict=True) if value == value]
    if len(points) < EVALUATIONS:
        return
    best = min(points)[1]
    since = sum(1 for _, step in points if step > best)
    if since >= PAST:
        numbers = {"best": best}
        yield Opinion(best, round(GOOD * best), _said(run, "best-by-validation", numbers))
    elif since == 0:
        yield Opinion(None, None, _said(run, "best-still-falling", {"newest": steps[-1]}))


def _by_views(run: Run) -> Iterator[Opinion]:
    """The rule of thumb of views for each image, for a data set of this size."""
    kb, facts = run.kb, run.facts
    assert kb is not None
    images = facts.images
    batch = facts.config.number("batch_size")
    if not images or not batch:
        return
    effective = batch * (facts.config.number("gradient_accumulation") or 1)
    for position in kb.positions("views-per-image"):
        if position.images is None or position.low is None or position.high is None:
            continue
        least, most = position.images
        if images < least or (most is not None and images > most) or position.recipe:
            continue
        low = round(position.low * images / effective)
        high = round(position.high * images / effective)
        numbers = {
            "images": images,
            "low_views": f"{position.low:g}",
            "high_views": f"{position.high:g}",
            "low": low,
            "high": high,
        }
        yield Opinion(low, high, _said(run, "best-by-views", numbers))
        return


def _early(run: Run) -> Iterator[Opinion]:
    known = run.lifecycle.tracked.get("loss-too-fast")
    if known is not None and known.firing:
        yield Opinion(None, None, _said(run, "best-early", {}))


def _said(run: Run, name: str, numbers: Mapping[str, object]) -> str:
    from loratui.kb.resolve import fill

    assert run.kb is not None
    return fill(run.kb.actions[name], numbers)
