"""What a step should take on the run's card, as a table says it, scaled to the run's settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loratui.core.facts import StepTime, TrainingConfig
from loratui.detectors.base import View

OFFLOADS = ("blocks_to_swap", "offload_fraction", "layer_offloading", "low_vram", "lowram")
"""Options that keep parts of the model in system memory: slower on purpose, nobody knows by how
much."""

PAIRS = ("kohya", "musubi-tuner")
"""Trainers for which two sizes are width and height; for the others they are sizes in turn."""

BATCHES = ("onetrainer",)
"""Trainers whose steps are batches, whatever is accumulated."""

SAME = 0.1
"""Share by which the work of a step may differ from that of the table."""


@dataclass(frozen=True, slots=True)
class Usual:
    """From `low` to `high` seconds a step on `card`, the table's own times `work`.

    `exact` is true where the run has the table's own setting, so that nothing was scaled.
    """

    card: str
    low: float
    high: float
    work: float
    exact: bool
    batch_size: int
    side: int


def usual_time(view: View) -> Usual | None:
    """What is usual for the slowest of the run's cards; None without a table or its settings."""
    family, config = view.facts.family, view.facts.config
    known = [time for time in view.around.step_times if family in time.families]
    batch = config.number("batch_size")
    if not known or batch is None or batch < 1 or offloads(config):
        return None
    time = max(known, key=lambda known: known.high)
    pixels = area(config.get("resolution"), pairs=view.facts.trainer in PAIRS)
    if pixels is None:
        return None
    work = work_of(time, batch * accumulated(view), pixels)
    exact = abs(work - 1.0) <= SAME
    scale = 1.0 if exact else work
    return Usual(
        time.card,
        scale * time.low,
        scale * time.high,
        scale,
        exact,
        int(batch),
        round(pixels**0.5),
    )


def work_of(time: StepTime, images: float, pixels: float) -> float:
    """How much work a step is, with that of the table as 1: pixels count once each.

    An image of 1024 pixels a side is 4 times the work of one of 512: failure-modes#slow.
    """
    return images / time.batch_size * pixels / time.side**2


def accumulated(view: View) -> float:
    """Batches of one counted step."""
    setting = view.facts.config.values.get("gradient_accumulation")
    count = view.facts.config.number("gradient_accumulation")
    if setting is None or count is None or count < 1 or view.facts.trainer in BATCHES:
        return 1.0
    # ai-toolkit's older key counts every batch as a step
    old = view.facts.trainer == "ai-toolkit" and setting.key.endswith("accumulation_steps")
    return 1.0 if old else count


def offloads(config: TrainingConfig) -> bool:
    """Whether a part of the model waits in system memory by the user's own wish."""
    return any(is_on(config.get(option)) for option in OFFLOADS)


def is_on(value: object) -> bool:
    """Whether a switch is on, or a number above zero."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "0.0", "false", "none", "no")
    return bool(value)


def area(value: object, *, pairs: bool) -> float | None:
    """Pixels of an image at this resolution: a side, ``1024,1024``, or several sizes in turn."""
    if isinstance(value, str):
        sizes: Sequence[object] = re.split(r"[\s,x×]+", value.strip(" ()[]"))
    elif isinstance(value, list | tuple):
        sizes = value
    else:
        sizes = (value,)
    sides: list[float] = []
    for size in sizes:
        try:
            sides.append(float(size))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
    if not sides or not all(0.0 < side < 1e6 for side in sides):
        return None
    if pairs and len(sides) == 2:
        return sides[0] * sides[1]
    return sum(side * side for side in sides) / len(sides)
