"""Series with known properties, and a way to show them to detectors batch by batch."""

import math
import random

from loratui.core.facts import RunFacts
from loratui.core.findings import Verdict
from loratui.detectors import Columns, Detector, View, detectors


def noisy(count, log_sd=0.45, seed=1, shape=lambda share: 0.0, level=0.12):
    """`count` losses around `level`; `shape` gives ln(trend) for the share of the run, 0 to 1."""
    draw = random.Random(seed).gauss
    return [level * math.exp(shape(i / count) + draw(0, log_sd)) for i in range(count)]


def printed_mean(losses, epoch):
    """What sd-scripts prints of them: the mean over the last epoch's slots, three digits."""
    shown, slots, total = [], [], 0.0
    for i, loss in enumerate(losses):
        if i < epoch:
            slots.append(loss)
            total += loss
        else:
            total += loss - slots[i % epoch]
            slots[i % epoch] = loss
        shown.append(float(f"{total / len(slots):.3g}"))
    return shown


def show(
    series,
    *,
    batch=800,
    facts=None,
    total=None,
    steps=None,
    pauses=(),
    ended=None,
    over=None,
    each=None,
) -> dict[str, Verdict]:
    """Feed `series` (name -> values) in batches; the last verdict of every detector by id."""
    found: list[Detector] = detectors() if over is None else over
    count = max((len(values) for values in series.values()), default=0)
    steps = list(steps) if steps is not None else list(range(1, count + 1))
    facts = facts or RunFacts()
    last: dict[str, Verdict] = {}
    for begin in range(0, max(count, 1), batch):
        end = min(count, begin + batch)
        view = View(
            metrics={
                name: Columns(steps[begin:end], values[begin:end])
                for name, values in series.items()
                if values[begin:end]
            },
            facts=facts,
            step=steps[end - 1] if end else None,
            total=total,
            pauses=[p for p in pauses if end and steps[begin] <= p <= steps[end - 1]],
            ended=ended if end == count else None,
        )
        for detector in found:
            last[detector.id] = detector.update(view)
        if each is not None:
            each(last)
    return last
