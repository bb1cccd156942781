"""What judging costs: the detectors by the step, and a whole diagnosis of a long log."""

from __future__ import annotations

import gc
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

from loratui.core.facts import RunFacts
from loratui.detectors import Columns, View, detectors
from loratui.engine.diagnosis import diagnose
from tests.benchmarks.diagnosis.judge import knowledge
from tests.benchmarks.logs import write_log

STEPS = 200_000
BATCH = 500
"""Points of one batch: what a chunk of 64 KiB of a log holds, a little less."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Microseconds a step of all detectors, and seconds of a diagnosis, the best of several."""

    detectors_us: float
    diagnose_s: float
    twice_s: float


def detector_cost(rounds: int = 5) -> float:
    """All detectors together over a healthy run with every series that a trainer gives."""
    draw = random.Random("speed").gauss
    steps = list(range(1, STEPS + 1))
    series = {
        "loss": [0.12 * math.exp(draw(0.0, 0.5)) for _ in steps],
        "lr": [1e-4] * STEPS,
        "elapsed": [float(int(0.8 * step)) for step in steps],
        "grad_norm": [0.3 * math.exp(draw(0.0, 0.25)) for _ in steps],
    }
    views = []
    for begin in range(0, STEPS, BATCH):
        end = begin + BATCH
        metrics = {
            name: Columns(steps[begin:end], values[begin:end]) for name, values in series.items()
        }
        metrics["val_loss"] = Columns(steps[end - 1 : end], [0.1])
        views.append(View(metrics, facts=RunFacts(trainer="csv"), step=steps[end - 1], total=STEPS))
    best = math.inf
    for _ in range(rounds):
        found = detectors()
        begin_time = time.process_time()
        for view in views:
            for detector in found:
                detector.update(view)
        best = min(best, time.process_time() - begin_time)
    return best / STEPS * 1e6


def measure(folder: Path, rounds: int = 3) -> Speed:
    """Everything that is held against a limit of time; nothing else should run meanwhile."""
    kb = knowledge()
    took = []
    for twice in (False, True):
        log = write_log(folder / f"long-{twice}.log", STEPS, twice=twice)
        best = math.inf
        for _ in range(rounds):
            gc.unfreeze()
            gc.collect()
            begin = time.perf_counter()
            found = diagnose(log, kb)
            best = min(best, time.perf_counter() - begin)
            assert found.status.step == STEPS
        took.append(best)
        log.unlink()
    return Speed(detector_cost(), took[0], took[1])
