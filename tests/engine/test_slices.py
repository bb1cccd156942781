"""A batch cut into stretches of steps: nothing is lost, and a finding's time is right."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from loratui.detectors import Columns
from loratui.engine.diagnosis import diagnose
from loratui.engine.slices import slices, width
from loratui.kb import load
from tests.engine.test_continuation import HEAD, START


@pytest.mark.parametrize("size", [1, 7, 10, 100, 10_000])
def test_nothing_is_lost(size: int) -> None:
    loss = Columns(list(range(3, 903)), [float(step) for step in range(3, 903)])
    rate = Columns(list(range(10, 900, 10)), [0.1] * 89)
    parts = list(slices({"loss": loss, "lr": rate}, size))
    for name, whole in (("loss", loss), ("lr", rate)):
        steps = [step for _, part in parts if name in part for step in part[name].steps]
        values = [value for _, part in parts if name in part for value in part[name].values]
        assert (steps, values) == (list(whole.steps), list(whole.values))
    for last, part in parts:
        assert all(column.steps[-1] <= last for column in part.values())
    assert [last for last, _ in parts] == sorted({last for last, _ in parts})
    assert parts[-1][0] == 902


def test_steps_that_go_back_stay_together() -> None:
    loss = Columns([1, 2, 3, 2, 3, 400], [0.1] * 6)
    assert [part["loss"] for _, part in slices({"loss": loss}, 10)] == [loss]


def test_nothing_at_all() -> None:
    assert list(slices({}, 10)) == [(0, {})]


@pytest.mark.parametrize(
    ("step", "total", "expected"),
    [(None, None, 10), (5, 100, 10), (1000, 20_000, 100), (20_000, None, 200)],
)
def test_width(step: int | None, total: int | None, expected: int) -> None:
    assert width(step, total) == expected


def _bar(step: int, loss: float) -> str:
    return (
        f"\rsteps:  1%|▌ | {step}/3000 [{step // 60:02d}:{step % 60:02d}<36:53,  1.00it/s, "
        f"avr_loss={loss:.3g}]"
    )


def test_a_finding_fires_when_it_could_be_known(tmp_path: Path) -> None:
    """A log read in one piece tells the same time as one that was watched."""
    draw = random.Random(3)
    text = START + HEAD
    for step in range(1, 3001):
        loss = math.nan if step >= 1500 else 0.1 * 2 ** draw.gauss(0, 0.1)
        text += 2 * _bar(step, loss)
        if step == 700:
            text += "\nNaN found in latents, replacing with zeros\n"
    log = tmp_path / "train.log"
    log.write_text(text, "utf-8")
    found = {finding.id: finding for finding in diagnose(log, load()).findings}
    assert found["loss-nan"].first_step == 1500
    assert 1500 <= found["loss-nan"].fired_step <= 1500 + 2 * width(None, 3000)
    assert found["nan-latents"].first_step == 700
