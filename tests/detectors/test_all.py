"""What holds for every detector."""

import math
import random
import sys
from pathlib import Path

import pytest

import loratui.detectors
from loratui.core.facts import RunFacts
from loratui.detectors import Columns, View, detectors
from tests.detectors.series import noisy, printed_mean, show

HEADINGS = ("What it sees:", "Why it matters:", "When it is wrong:", "Example:")
STATES = {"firing", "clear", "too-early", "cannot-tell"}
CURVE = (
    "grad-norm-spike",
    "grad-vanishing",
    "loss-diverging",
    "loss-drop-then-rise",
    "loss-erratic",
    "loss-nan",
    "loss-no-decrease",
    "loss-plateau",
    "loss-spike",
    "loss-too-fast",
    "lr-jump",
    "lr-zero",
    "step-went-back",
    "validation-rising",
    "step-slowdown",
)


def ours():
    return [detector for detector in detectors() if detector.id in CURVE]


def test_all_are_found():
    assert {detector.id for detector in ours()} == set(CURVE)
    assert len({detector.id for detector in detectors()}) == len(detectors())


@pytest.mark.parametrize("detector", ours(), ids=lambda detector: detector.id)
def test_name_and_words(detector):
    module = sys.modules[type(detector).__module__]
    assert Path(module.__file__).stem == detector.id.replace("-", "_")
    assert Path(module.__file__).parent == Path(loratui.detectors.__file__).parent
    for heading in HEADINGS:
        assert heading in type(detector).__doc__
    type(detector)()  # each works alone, too


HOSTILE = {
    "nothing": ([], []),
    "one point": ([7], [0.1]),
    "one NaN": ([1], [math.nan]),
    "NaN only": (range(1, 301), [math.nan] * 300),
    "infinite": (range(1, 301), [math.inf, -math.inf, 0.1] * 100),
    "zeros": (range(1, 301), [0.0] * 300),
    "negative": (range(1, 301), [-0.1, 0.2, -0.3] * 100),
    "enormous": (range(1, 301), [1e308, 1e-308, 5e-324] * 100),
    "constant": (range(1, 301), [0.1] * 300),
    "a step back": ([*range(1, 200), *range(50, 200)], noisy(349)),
    "one step for ever": ([5] * 300, noisy(300)),
}


@pytest.mark.parametrize("kind", ["raw", "running-mean", "smoothed", "unknown"])
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("batch", [1, 50, 1000])
def test_survives(case, kind, batch):
    steps, values = HOSTILE[case]
    facts = RunFacts(loss_kind=kind, steps_per_epoch=20)
    series = {name: list(values) for name in ("loss", "lr", "elapsed", "grad_norm")}
    for total in (None, 0, 100, 300):
        verdicts = show(series, steps=steps, batch=batch, facts=facts, total=total)
        assert {verdict.state for verdict in verdicts.values()} <= STATES


def test_empty_view():
    for detector in ours():
        for _ in range(3):
            assert detector.update(View()).state in {"too-early", "cannot-tell", "clear"}


def test_long_run_in_bounded_memory():
    count = 100_000
    found = ours()
    series = {"loss": noisy(count), "lr": [1e-4] * count, "elapsed": list(range(count))}
    show(series, over=found, total=count)
    for detector in found:
        assert held(detector) < 20_000


def held(value, seen=None):
    """Elements of all containers that an object keeps."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, str | int | float | type(None)):
        return 0
    seen.add(id(value))
    if isinstance(value, Columns | View):
        return 0
    if isinstance(value, dict):
        return len(value) + sum(held(v, seen) for v in value.values())
    if isinstance(value, list | tuple | set):
        return len(value) + sum(held(v, seen) for v in value)
    return held(vars(value), seen) if hasattr(value, "__dict__") else 0


def story(kind):
    """A run with a little of everything in it."""
    losses = noisy(1500, 0.4, 9, lambda s: -min(1.0, 3 * s) + (1.8 * max(0, s - 0.6)))
    losses[400] = losses[900] = 4.0
    if kind == "running-mean":
        losses = printed_mean(losses, 100)
    losses[1300] = math.nan
    losses[1310] = 0.0
    clock, now, pick = [], 0.0, random.Random(4)
    for step in range(1500):
        now += (0.9 if step < 900 else 1.9) + (30 if step % 200 == 1 else 0) + 0.2 * pick.random()
        clock.append(int(now) - (300 if step > 700 else 0))
    rate = [1e-4 * max(0.0, 1 - i / 1000) for i in range(1500)]
    return {"loss": losses, "lr": rate, "elapsed": clock}


@pytest.mark.parametrize("kind", ["raw", "running-mean"])
def test_batches_do_not_matter(kind):
    facts = RunFacts(trainer="ai-toolkit", loss_kind=kind, steps_per_epoch=100)
    series = story(kind)
    pauses = range(201, 1500, 200)
    results = [
        show(series, batch=batch, facts=facts, total=1500, pauses=pauses)
        for batch in (1, 7, 50, 333, 800, 1500)
    ]
    assert "firing" in {verdict.state for verdict in results[0].values()}
    for other in results[1:]:
        assert other == results[0]
