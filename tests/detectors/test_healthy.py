"""A healthy run stays silent, however noisy it is."""

import random

import pytest

from loratui.core.facts import RunFacts
from loratui.core.findings import Severity
from tests.detectors.series import noisy, printed_mean, show

RUNS = 60
"""Runs a case; lengths 300 to 20 000, most of them short as real ones are."""

TRENDS = {
    "flat": lambda share: 0.0,
    "falling": lambda share: -0.5 * share,
    "settling": lambda share: -0.4 * min(1.0, 4 * share),
}


def loud(verdicts):
    return {
        key: verdict.numbers
        for key, verdict in verdicts.items()
        if verdict.state == "firing"
        and (verdict.severity is None or verdict.severity >= Severity.WARNING)
    }


@pytest.mark.parametrize("kind", ["raw", "running-mean"])
@pytest.mark.parametrize("log_sd", [0.25, 0.45, 0.7, 1.0, 1.3])
def test_silent(log_sd, kind):
    for seed in range(RUNS):
        pick = random.Random(f"{seed} {log_sd} {kind}")
        count = int(300 * (20_000 / 300) ** (pick.random() ** 2))
        losses = noisy(count, log_sd, seed, TRENDS[pick.choice(list(TRENDS))])
        facts = RunFacts()
        if kind == "running-mean":
            epoch = count // pick.choice([6, 10, 20, 40])
            losses = printed_mean(losses, epoch)
            facts = RunFacts(loss_kind="running-mean", steps_per_epoch=epoch)
        rate = [1e-4 * min(1.0, (i + 1) / 100) for i in range(count)]
        clock = [int(0.8 * i + pick.random()) for i in range(count)]
        series = {"loss": losses, "lr": rate, "elapsed": clock}

        def quiet(verdicts, seed=seed, count=count):
            assert not loud(verdicts), (seed, count)

        batch = 1 if count < 500 and seed % 5 == 0 else 500
        show(series, batch=batch, facts=facts, total=count, each=quiet)


def test_two_sizes_of_images():
    """Mixed resolutions: a third of the steps has three times the loss and twice the time."""
    pick = random.Random(3)
    large = [pick.random() < 0.33 for _ in range(3000)]
    losses = [x * (3 if big else 1) for x, big in zip(noisy(3000, 0.3), large, strict=True)]
    clock, now = [], 0.0
    for big in large:
        now += 2.0 if big else 1.0
        clock.append(int(now))
    assert not loud(show({"loss": losses, "elapsed": clock}, batch=100, total=3000))


def test_resume_repeats_steps():
    losses = noisy(1500, 0.45)
    steps = [*range(1, 801), *range(601, 1301)]
    clock = [*range(800), *range(700)]
    verdicts = {}
    for begin, end in ((0, 800), (800, 1500)):
        part = {"loss": losses[begin:end], "elapsed": clock[begin:end]}
        verdicts = show(part, steps=steps[begin:end], total=1300)
    assert not loud(verdicts)
