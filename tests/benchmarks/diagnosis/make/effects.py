"""The faults: what each one changes in a run. Sizes and places come from `cases.yaml`."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.benchmarks.diagnosis.make.saving import saves
from tests.benchmarks.diagnosis.make.story import Reading, Story, Tape

if TYPE_CHECKING:
    from tests.benchmarks.diagnosis.make.runs import Sketch

TICK = 5.0
"""Seconds between readings of the machine. The program itself looks every second."""

LASTS = 0.1
"""Share of the run for which a change must last."""

STOPS_AT_NAN = ("onetrainer", "simpletuner")
FROM_ZERO = ("kohya", "musubi-tuner")
"""Trainers whose bar counts from 0 again when a run is resumed."""

WATCHED = ("stalled", "data-starved", "step-slow", "checkpoint-missing")
"""Faults that only somebody who watches can see, or whose evidence comes with time."""

_LEVEL = ("loss-plateau", "loss-no-decrease", "loss-too-fast", "loss-drop-then-rise")


@dataclass(slots=True)
class Plant:
    """One fault in one run: what was planted where, and what is shown beside the log."""

    id: str
    numbers: Mapping[str, Any]
    format: str
    number: int
    rng: random.Random
    begin: int | None = None
    there: int | None = None
    note: str = ""
    config: bool = False
    silence: float = 0.0
    card: str = "NVIDIA GeForce RTX 4090"
    earlier: list[Story] = field(default_factory=list)
    _watch: Callable[[float, int, float], Reading] | None = None

    def at(self, key: str, steps: int) -> int:
        """A step by a range of shares."""
        low, high = self.numbers[key]
        return max(1, round(steps * self.rng.uniform(low, high)))

    def size(self, sketch: Sketch) -> float:
        """The change of ln(loss)."""
        return max(self.numbers["size"] * sketch.sd, self.numbers.get("floor", 0.0))

    def since(self, begin: int, there: int | None = None) -> None:
        self.begin, self.there = begin, begin if there is None else there

    def shape(self, sketch: Sketch) -> None:
        """What must be known before the numbers are drawn."""
        if self.id in _LEVEL or (self.id == "lr-zero" and self.number % 3 < 2):
            sketch.trend = lambda share: 0.0
        if self.id == "step-slow":
            cards = self.numbers["cards"]
            self.card = list(cards)[self.number % len(cards)]
            sketch.base = cards[self.card] * self.rng.uniform(*self.numbers["times"])
        if self.id == "stalled":
            sketch.base = self.rng.uniform(1.5, 4.0)
        if self.id == "data-starved":
            low, high = self.numbers["base"]
            sketch.base = low * (high / low) ** self.rng.random()
            seconds = 60 * self.rng.uniform(*self.numbers["minutes"])
            times = sum(map(math.prod, zip(sketch.sizes.weights, sketch.sizes.times, strict=True)))
            a_step = 1.85 * sketch.base * times / sum(sketch.sizes.weights)  # 70 % of them slower
            epochs = self.rng.randint(12, 40)
            sketch.per_epoch = max(4, round(seconds / a_step / epochs))
            sketch.steps = sketch.per_epoch * epochs

    # what several faults have in common

    def resume(self, story: Story, first: float, *, same_log: bool) -> None:
        """The run goes on after step `first`; the log of the time before it may stand above."""
        rng, per_epoch = self.rng, story.per_epoch
        at = int(first)
        if story.trainer in FROM_ZERO:  # whole epochs only
            at = max(1, round(first / per_epoch)) * per_epoch
        at = min(max(1, at), story.steps - 2)
        if same_log:
            over = rng.uniform(*self.numbers.get("back", (0.0, 0.1))) * story.steps
            stop = min(story.steps - 1, max(at + 1, round(at + over)))
            if story.validations or story.grads:
                stop = min(stop, story.steps - 1)
            self.earlier = [replace(story, stop=stop, buffered=False)]
        story.first = at
        name = story.name
        story.resumed = {
            "kohya": f"{name}-{at // per_epoch:06d}",
            "musubi-tuner": f"{name}-{at // per_epoch:06d}",
            "ai-toolkit": f"{name}_{at:09d}",
            "onetrainer": f"2026-11-20_22-10-05-backup-{at}-{at // per_epoch}-{at % per_epoch}",
        }.get(story.trainer, f"checkpoint-{at}")

    def watch(self, story: Story) -> None:
        """Followed while it grows, with readings of the machine."""
        story.running = True
        uniform = self.rng.uniform
        self._watch = lambda time, _step, _rest: Reading(time, uniform(92, 100), uniform(10, 60))

    def readings(self, tape: Tape) -> list[Reading]:
        """One every TICK seconds; those of the silence after the last step as well."""
        if self._watch is None:
            return []
        found, due, uniform = [], 0.0, self.rng.uniform
        for mark in tape.marks:
            while due <= mark.time:
                found.append(self._watch(due, mark.step, mark.time - due))
                due += TICK
        waits = self.number % 4 == 0
        end = tape.time + self.silence
        while due <= end:
            found.append(Reading(due, 100.0 if waits else uniform(0, 2), uniform(2, 12)))
            due += TICK
        return found


def _scale(story: Story, change: Callable[[int], float]) -> None:
    """Add `change(step)` to ln(loss) of each step."""
    acc = story.accumulation
    for at in range(len(story.losses)):
        moved = change(at // acc + 1)
        if moved:
            story.losses[at] *= math.exp(moved)


def _nan(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin = plant.at("begin", story.steps)
    some = plant.number % 3 == 2 and story.trainer not in (*STOPS_AT_NAN, *FROM_ZERO)
    for step in range(begin, story.steps + 1):
        if not some or step == begin or plant.rng.random() < plant.numbers["share"]:
            story.losses[step - 1] = math.nan
    plant.since(begin)
    plant.note = "some steps" if some else "for good"


def _diverging(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin, size = plant.at("begin", story.steps), plant.size(sketch)
    over = plant.numbers["over"] * story.steps
    _scale(story, lambda step: size * max(0.0, step - begin) / over)
    plant.since(begin, math.ceil(begin + over))


def _burst(plant: Plant, values: list[float], centre: Callable[[int], float], count: int) -> None:
    """`count` single values, all within a tenth of the run, at so many times their level."""
    begin = plant.at("begin", len(values))
    others = plant.rng.sample(range(begin + 2, begin + max(6, len(values) // 10)), count - 1)
    for step in (begin, *others):
        if step <= len(values):
            values[step - 1] = plant.numbers["times"] * centre(step)
    plant.since(begin)


def _spike(plant: Plant, story: Story, sketch: Sketch) -> None:
    before = list(story.losses)

    def centre(step: int) -> float:
        near = sorted(before[max(0, step - 60) : step + 60])
        return near[len(near) // 2]

    _burst(plant, story.losses, centre, plant.rng.choice((1, 3)))


def _erratic(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin, size = plant.at("begin", story.steps), plant.numbers["size"]
    logs = sorted(map(math.log, story.losses[begin - 1 :]))
    middle = logs[len(logs) // 2]
    for step in range(begin, story.steps + 1):
        away = math.log(story.losses[step - 1]) - middle
        story.losses[step - 1] = math.exp(middle + size * away)
    plant.since(begin, begin + round(LASTS * story.steps))


def _plateau(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin, size = plant.at("begin", story.steps), plant.size(sketch)
    _scale(story, lambda step: -size * (1 - max(0.0, 1 - step / begin) ** 2))
    plant.since(begin, begin + round(LASTS * story.steps))


def _level(plant: Plant, story: Story, sketch: Sketch) -> None:
    plant.since(0, round(LASTS * story.steps))


def _too_fast(plant: Plant, story: Story, sketch: Sketch) -> None:
    over, size = plant.at("over", story.steps), plant.size(sketch)
    _scale(story, lambda step: -size * min(1.0, step / over))
    plant.config = story.trainer == "diffusion-pipe"  # its log does not say how long the run is
    plant.since(0, over)


def _drop_then_rise(plant: Plant, story: Story, sketch: Sketch) -> None:
    steps, size = story.steps, plant.size(sketch)
    low, begin = plant.numbers["fall"] * steps, plant.at("begin", steps)
    back = plant.numbers["back"] * steps

    def change(step: int) -> float:
        up = min(1.0, max(0.0, step - begin) / (back - begin))
        return -size * min(1.0, step / low) + size * up

    _scale(story, change)
    plant.since(begin, math.ceil(back))


def _validation(plant: Plant, story: Story, sketch: Sketch) -> None:
    steps, numbers, rng = story.steps, plant.numbers, plant.rng
    begin = plant.at("begin", steps)
    every = max(2, steps // rng.randint(*numbers["every"]))
    spread, level = rng.uniform(*numbers["noise"]), rng.uniform(0.03, 0.4)
    story.validations.clear()
    for step in range(every, steps + 1, every):
        fall = numbers["fall"] * (1 - max(0.0, 1 - step / begin) ** 2)
        rise = numbers["rise"] * max(0.0, step - begin) / (steps - begin)
        story.validations[step] = level * math.exp(rise - fall + rng.gauss(0.0, spread))
    plant.since(begin, math.ceil(begin + (steps - begin) * math.log(1.1) / numbers["rise"]))


def _lr_zero(plant: Plant, story: Story, sketch: Sketch) -> None:
    steps, kind = story.steps, plant.number % 3
    told = story.format not in ("kohya", "musubi-tuner", "onetrainer")
    if not told or story.format == "csv":
        kind = plant.number % 2
    plant.note = ("zero", "tiny", "ended early")[kind]
    if kind == 2:
        end = plant.at("end", steps)
        peak = story.rates[min(end - 1, sketch.warmup + 1)] or sketch.peak
        story.rates = [peak * max(0.0, 1 - step / end) for step in range(steps)]
        story.options["schedule"] = "linear"
        plant.config = story.trainer == "diffusion-pipe"
        plant.since(end, end + round(LASTS * steps))
        return
    rate = (0.0, plant.numbers["tiny"])[kind]
    story.rates = [rate] * steps
    story.options["rate"] = rate
    plant.since(0, round(LASTS * steps))
    if not told:
        story.shell = story.trainer != "onetrainer" and plant.number // 2 % 2 == 0
        plant.config = not story.shell


def _lr_jump(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin = plant.at("begin", story.steps)
    times = plant.numbers["times"][plant.number % 2]
    up = times * max(story.rates[: begin - 1]) / story.rates[begin - 1]
    story.rates[begin - 1 :] = [rate * up for rate in story.rates[begin - 1 :]]
    plant.since(begin)
    plant.note = f"{times} times"


def _grads(plant: Plant, story: Story) -> float:
    """Draw the gradient norms; returns their level."""
    level = story.grads[0]
    spread = plant.rng.uniform(*plant.numbers["noise"])
    story.grads = [level * math.exp(plant.rng.gauss(0.0, spread)) for _ in story.grads]
    return level


def _grad_spike(plant: Plant, story: Story, sketch: Sketch) -> None:
    level = _grads(plant, story)
    _burst(plant, story.grads, lambda _step: level, 3)


def _grad_vanishing(plant: Plant, story: Story, sketch: Sketch) -> None:
    _grads(plant, story)
    steps, begin = story.steps, plant.at("begin", story.steps)
    over, low = plant.numbers["over"] * steps, math.log(plant.numbers["to"])
    for step in range(begin, steps + 1):
        story.grads[step - 1] *= math.exp(low * min(1.0, (step - begin) / over))
    plant.since(begin, math.ceil(begin + over))


def _went_back(plant: Plant, story: Story, sketch: Sketch) -> None:
    end = plant.at("end", story.steps)
    back = plant.rng.uniform(*plant.numbers["back"]) * story.steps
    plant.resume(story, end - back, same_log=True)
    begin = 0 if story.trainer in FROM_ZERO else story.first
    plant.since(begin)


def _resumed(plant: Plant, story: Story, sketch: Sketch) -> None:
    plant.resume(story, plant.at("from", story.steps), same_log=False)
    begin = 0 if story.trainer in FROM_ZERO else story.first
    plant.since(begin)


def _slow(plant: Plant, story: Story, sketch: Sketch) -> None:
    story.options |= {"family": "sdxl", "resolution": 1024}
    plant.config = True
    plant.watch(story)
    plant.since(0, round(LASTS * story.steps))
    plant.note = plant.card


def _slowdown(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin, times = plant.at("begin", story.steps), plant.numbers["times"]
    over = plant.numbers["over"] * story.steps if plant.number % 2 else 0.0
    for step in range(begin, story.steps + 1):
        share = min(1.0, (step - begin) / over) if over else 1.0
        story.seconds[step - 1] *= 1 + (times - 1) * share
    plant.since(begin, math.ceil(begin + over))
    plant.note = "gradual" if over else "at once"


def _stalled(plant: Plant, story: Story, sketch: Sketch) -> None:
    stop = plant.at("begin", story.steps)
    for step in (stop - 1, stop):
        story.pauses.pop(step, None)  # in the middle of training
    story.stop, story.buffered = stop, False
    plant.watch(story)
    plant.silence = plant.numbers["silence"]
    plant.since(stop)


def _starved(plant: Plant, story: Story, sketch: Sketch) -> None:
    begin, numbers, uniform = plant.at("begin", story.steps), plant.numbers, plant.rng.uniform
    slower = numbers["slower"]
    for step in range(begin, story.steps + 1):
        story.seconds[step - 1] *= slower
    plant.watch(story)
    well = plant._watch
    assert well is not None
    ends = [0.0]
    for took in story.seconds:
        ends.append(ends[-1] + took)

    def computed(until: float) -> float:
        """Seconds of computing in the steps up to a time on the clock of the steps."""
        step = min(bisect_right(ends, until), story.steps) - 1
        before = done[step]
        work = (ends[step + 1] - ends[step]) / (slower if step + 1 >= begin else 1.0)
        return before + min(work, max(0.0, until - ends[step]))

    done = [0.0]
    for at, took in enumerate(story.seconds):
        done.append(done[-1] + (took / slower if at + 1 >= begin else took))

    def reading(time: float, step: int, rest: float) -> Reading:
        if step < begin:
            return well(time, step, rest)
        now = ends[step] - rest  # pauses do not count
        share = computed(now) - computed(now - 1.0)
        return Reading(time, share * uniform(*numbers["gpu"]), uniform(*numbers["cpu"]))

    plant._watch = reading
    plant.since(begin, begin + round(LASTS * story.steps))


def _missing(plant: Plant, story: Story, sketch: Sketch) -> None:
    every, until = plant.at("every", story.steps), plant.at("begin", story.steps)
    saves(story, every, until=max(every, until))
    story.options["save_every"] = every
    story.buffered = False
    story.stop = story.steps - 1  # the end saves by itself
    plant.config = True
    due = (max(every, until) // every + 1) * every
    plant.since(due)


def _pruned(plant: Plant, story: Story, sketch: Sketch) -> None:
    every, keep = plant.at("every", story.steps), plant.rng.randint(*plant.numbers["keep"])
    saves(story, every, keep=keep)
    story.buffered = False
    plant.config = plant.number % 2 == 0
    plant.since(every, (keep + 1) * every)


PLANTS: dict[str, Callable[[Plant, Story, Sketch], None]] = {
    "loss-nan": _nan,
    "loss-diverging": _diverging,
    "loss-spike": _spike,
    "loss-erratic": _erratic,
    "loss-plateau": _plateau,
    "loss-no-decrease": _level,
    "loss-too-fast": _too_fast,
    "loss-drop-then-rise": _drop_then_rise,
    "validation-rising": _validation,
    "lr-zero": _lr_zero,
    "lr-jump": _lr_jump,
    "grad-norm-spike": _grad_spike,
    "grad-vanishing": _grad_vanishing,
    "step-went-back": _went_back,
    "resumed-silently": _resumed,
    "step-slow": _slow,
    "step-slowdown": _slowdown,
    "stalled": _stalled,
    "data-starved": _starved,
    "checkpoint-missing": _missing,
    "checkpoints-pruned": _pruned,
}
