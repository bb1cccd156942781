"""Losses, rates and step times of runs: trends with noise whose size is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Trend = Callable[[float], float]
"""ln of the loss over its begin, by the share of the run from 0 to 1."""


def pick(rng: random.Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def log_uniform(rng: random.Random, low: float, high: float, thin: float = 1.0) -> float:
    """Between `low` and `high`; `thin` above 1 makes large values rarer."""
    return low * (high / low) ** (rng.random() ** thin)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Image sizes of a data set: how often each, what it adds to ln(loss), and times its step."""

    weights: tuple[float, ...]
    adds: tuple[float, ...]
    times: tuple[float, ...]

    @property
    def sd(self) -> float:
        total = sum(self.weights)
        mean = sum(w * a for w, a in zip(self.weights, self.adds, strict=True)) / total
        spread = sum(w * (a - mean) ** 2 for w, a in zip(self.weights, self.adds, strict=True))
        return math.sqrt(spread / total)


ONE = Sizes((1.0,), (0.0,), (1.0,))


def sizes(rng: random.Random) -> Sizes:
    count = rng.randint(2, 4)
    return Sizes(
        tuple(rng.uniform(0.15, 1.0) for _ in range(count)),
        tuple(rng.uniform(-0.55, 0.55) for _ in range(count)),
        tuple(rng.uniform(1.0, 2.2) for _ in range(count)),
    )


def noise(rng: random.Random, count: int, sd: float, shape: str) -> list[float]:
    """`count` independent deviations of ln(loss) with standard deviation `sd`."""
    gauss = rng.gauss
    if shape == "bimodal":
        # humps at +-0.8 sd: the rest of the variance, 0.36, is within them
        low, high, inner, half = -0.8 * sd, 0.8 * sd, 0.6 * sd, rng.random
        return [(low if half() < 0.5 else high) + gauss(0.0, inner) for _ in range(count)]
    if shape == "student":
        scale, gamma = sd / math.sqrt(5 / 3), rng.gammavariate
        return [scale * gauss(0.0, 1.0) / math.sqrt(gamma(2.5, 2.0) / 5) for _ in range(count)]
    if shape == "contaminated":
        # variance of 94 % N(0, 1) and 6 % N(1.5, 2), about its own mean
        scale, rest = sd / math.sqrt(0.94 + 0.06 * (4 + 1.5**2) - (0.06 * 1.5) ** 2), rng.random
        wide, shift = 2 * scale, 1.5 * scale
        return [gauss(shift, wide) if rest() < 0.06 else gauss(0.0, scale) for _ in range(count)]
    return [gauss(0.0, sd) for _ in range(count)]


def bounded(rng: random.Random, found: list[float], sd: float, most: float) -> list[float]:
    """The deviations; those above `most` are drawn anew, without heavy tails."""
    for at, value in enumerate(found):
        while value > most:
            value = rng.gauss(0.0, sd)
        found[at] = value
    return found


def healthy_trend(rng: random.Random, kind: str, factor: float) -> Trend:
    """A trend that a good run has; it ends lower by `factor`, or is level."""
    fall = math.log(factor)
    tau = rng.uniform(0.03, 0.15)
    if kind == "settling":
        return lambda share: -fall * (1 - math.exp(-share / tau))
    if kind == "falling":
        return lambda share: -fall * share
    if kind == "both":
        part = rng.uniform(0.3, 0.7) * fall
        return lambda share: -part * (1 - math.exp(-share / tau)) - (fall - part) * share
    return lambda share: 0.0


def rates(rng: random.Random, kind: str, peak: float, warmup: int, steps: int) -> list[float]:
    """The learning rate of each step as transformers' schedules give it."""
    rest = max(1, steps - warmup)
    cycles = rng.randint(2, 5)
    end, power = rng.choice((0.0, 1e-7, 0.1)), rng.choice((1.0, 2.0))
    found = []
    for step in range(steps):
        if step < warmup:
            found.append(peak * step / max(1, warmup))
            continue
        share = (step - warmup) / rest
        if kind == "linear":
            scale = 1 - share
        elif kind == "cosine":
            scale = 0.5 * (1 + math.cos(math.pi * share))
        elif kind == "cosine_with_restarts":
            scale = 0.5 * (1 + math.cos(math.pi * (cycles * share % 1.0)))
        elif kind == "polynomial":
            scale = end + (1 - end) * (1 - share) ** power
        else:
            scale = 1.0
        found.append(peak * scale)
    return found


def seconds(rng: random.Random, count: int, base: float, sizes_of: Sequence[float]) -> list[float]:
    """What each step takes: `base` by its image size, jitter of 1 to 15 %, a slow start."""
    jitter, gauss = rng.uniform(0.01, 0.15), rng.gauss
    found = [max(0.2, gauss(1.0, jitter)) * base * size for size in sizes_of]
    slow = rng.randint(1, 4) if rng.random() < 0.5 else 1
    for at in range(min(slow, count)):  # compiling, filling caches
        found[at] *= rng.uniform(2.0, 20.0) if not at else rng.uniform(1.0, 2.0)
    return found
