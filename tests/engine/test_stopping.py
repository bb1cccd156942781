"""Which checkpoint to take: a range with reasons, cut where the trouble begins."""

from __future__ import annotations

import pytest

from loratui.core.events import Checkpoint, Metrics, Progress, RunBegan
from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig
from loratui.core.findings import Severity, Verdict
from loratui.engine.run import Run
from loratui.engine.stopping import Opinion, combined, stopping_of
from loratui.kb import load

KB = load()


@pytest.mark.parametrize(
    ("opinions", "expected"),
    [
        ([], (None, None)),
        ([Opinion(100, 300, "")], (100, 300)),
        ([Opinion(100, 300, ""), Opinion(900, 1000, "")], (100, 300)),  # the first is the stronger
        ([Opinion(None, 250, "", hard=True), Opinion(100, 300, "")], (100, 250)),
        ([Opinion(None, 50, "", hard=True), Opinion(100, 300, "")], (None, 50)),
        ([Opinion(None, 250, "", hard=True)], (None, 250)),
        ([Opinion(None, None, "still falls"), Opinion(100, 300, "")], (100, 300)),
    ],
)
def test_combined(opinions: list[Opinion], expected: tuple[int | None, int | None]) -> None:
    assert combined(opinions) == expected


def a_run(validation: list[float] | None = None, every: int = 100, **facts: object) -> Run:
    run = Run(KB, "log")
    run.apply([RunBegan("log", 0), Progress("log", 1, 900, 1000)], 0.0)
    run.facts = RunFacts(trainer="kohya", **facts)  # type: ignore[arg-type]
    if validation:
        steps = [every * at for at in range(1, len(validation) + 1)]
        series = Metrics("log", 2, "val_loss", steps, validation)
        run._metrics(series, {})
    run.course.checkpoints += [
        Checkpoint("log", 3, f"out/robot-step{step:08d}.safetensors") for step in (200, 400, 800)
    ]
    return run


def settings(**values: object) -> TrainingConfig:
    return TrainingConfig({n: ConfigValue(n, v, n, str(v)) for n, v in values.items()})


def test_by_validation() -> None:
    """From the lowest one to three times its steps; the files that lie there are named."""
    found = stopping_of(a_run([0.5, 0.4, 0.3, 0.35, 0.4, 0.45, 0.5]))
    assert found is not None
    assert (found.low, found.high) == (300, 900)
    assert [path[-17:-12] for path in found.checkpoints] == ["00400", "00800"]
    assert "step 300" in found.reasons[0]


@pytest.mark.parametrize(
    "validation",
    [
        [0.5, 0.4, 0.3],  # too few
        [0.5, 0.4, 0.3, 0.2, 0.21, 0.22],  # only two behind the lowest
        [float("nan")] * 8,
        None,
    ],
)
def test_validation_that_says_nothing(validation: list[float] | None) -> None:
    assert stopping_of(a_run(validation)) is None


def test_validation_that_still_falls() -> None:
    found = stopping_of(a_run([0.5, 0.4, 0.3, 0.25, 0.2]))
    assert found is not None
    assert (found.low, found.high) == (None, None)
    assert "still falls" in found.reasons[0]


def test_by_views_of_each_image() -> None:
    """The guide's 100 to 125 views for 20 images at batch 2 with accumulation 2."""
    config = settings(batch_size=2, gradient_accumulation=2)
    found = stopping_of(a_run(images=20, config=config))
    assert found is not None
    assert (found.low, found.high) == (500, 625)
    assert found.checkpoints == ()


def test_images_or_batch_that_are_not_known_say_nothing() -> None:
    assert stopping_of(a_run(images=20)) is None
    assert stopping_of(a_run(config=settings(batch_size=1))) is None


def test_nothing_saved_after_the_trouble_began() -> None:
    run = a_run([0.5, 0.4, 0.3, 0.35, 0.4, 0.45, 0.5])
    verdict = Verdict("firing", since=500)
    run.lifecycle.see("loss-diverging", verdict, Severity.ERROR, 520, text=False)
    found = stopping_of(run)
    assert found is not None
    assert (found.low, found.high) == (300, 499)
    assert [path[-17:-12] for path in found.checkpoints] == ["00400"]


def test_a_spike_that_is_only_a_note_bounds_nothing() -> None:
    run = a_run([0.5, 0.4, 0.3, 0.35, 0.4, 0.45, 0.5])
    verdict = Verdict("firing", since=500, severity=Severity.INFO)
    run.lifecycle.see("loss-drop-then-rise", verdict, Severity.INFO, 520, text=False)
    found = stopping_of(run)
    assert found is not None
    assert found.high == 900
