"""Makes the runs: healthy ones, and those with a fault planted as `cases.yaml` says."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.diagnosis.make import tables
from tests.benchmarks.diagnosis.make.consoles import CONSOLES, FILES
from tests.benchmarks.diagnosis.make.consoles.kohya import Mean
from tests.benchmarks.diagnosis.make.effects import PLANTS, WATCHED, Plant
from tests.benchmarks.diagnosis.make.noise import (
    ONE,
    Sizes,
    Trend,
    bounded,
    healthy_trend,
    log_uniform,
    noise,
    pick,
    rates,
    seconds,
    sizes,
)
from tests.benchmarks.diagnosis.make.saving import saves
from tests.benchmarks.diagnosis.make.story import Made, Pause, Story, Tape

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases.yaml").read_text(encoding="utf-8")
)
HEALTHY = "healthy"


@dataclass(slots=True)
class Sketch:
    """What is fixed about a run before its numbers are drawn."""

    steps: int
    per_epoch: int
    level: float
    shape: str
    trend: Trend
    sizes: Sizes = ONE
    warmup: int = 0
    schedule: str = "constant"
    peak: float = 1e-4
    base: float = 1.5
    accumulation: int = 1

    @property
    def sd(self) -> float:
        """Standard deviation of ln(loss), image sizes included."""
        return math.hypot(self.level, self.sizes.sd)


def faulty(finding: str, format_: str, number: int, seed: str) -> Made:
    """The `number`-th log of `format_` with the fault that `finding` names."""
    key = f"{finding}:{format_}:{number}"
    rng = random.Random(f"{seed}:{key}")
    case = CASES["cases"][finding]
    plant = Plant(finding, case.get("numbers", {}), format_, number, rng)
    sketch = _sketch(rng, format_, number, case)
    plant.shape(sketch)
    story = _story(rng, format_, sketch)
    _interruptions(story, finding)
    PLANTS[finding](plant, story, sketch)
    made = _printed(key, finding, story, plant)
    made.level, made.begin, made.there = sketch.level, plant.begin, plant.there
    made.note = plant.note
    if CASES["formats"][format_]["loss"] == "running-mean":
        made.slack = sketch.per_epoch
    if not case.get("timed", True):
        made.there = None
    return made


def healthy(number: int, level: float, seed: str) -> Made:
    """A run in which nothing is wrong."""
    key = f"{HEALTHY}:{level}:{number}"
    rng = random.Random(f"{seed}:{key}")
    rules = CASES["healthy_runs"]
    kind = rng.random()
    beside = kind < rules["beside"]
    watched = rules["beside"] <= kind < rules["beside"] + rules["watched"]
    again = 1 - rules["resumed"] < kind
    names = [name for name in CASES["formats"] if ("+" in name or name == "csv") == beside]
    format_ = rng.choice(names)
    low, high = rules["steps"]
    most = rules["shorter"].get(format_, 1500 if beside or watched else high)
    count = log_uniform(rng, low, most, rules["thin"])
    epochs = rng.randint(4, 40)
    per_epoch = max(8, round(count / epochs))
    trend = healthy_trend(rng, pick(rng, rules["trends"]), rng.uniform(*rules["factor"]))
    shape = pick(rng, CASES["noise"]["shapes"])
    sketch = Sketch(max(2, round(count / per_epoch)) * per_epoch, per_epoch, level, shape, trend)
    sketch.sizes = sizes(rng) if shape == "buckets" else ONE
    sketch.schedule = rng.choice(rules["schedules"])
    if sketch.schedule != "constant":
        sketch.warmup = rng.choice((0, 20, 100, sketch.steps // 20, sketch.steps // 10))
        sketch.warmup = min(sketch.warmup, sketch.steps // 10)
    sketch.peak = log_uniform(rng, 1e-5, 1e-3)
    sketch.base = log_uniform(rng, 0.06, 2.0 if watched else 4.0)
    if format_ in ("kohya", "musubi-tuner") and rng.random() < 0.15:
        sketch.accumulation = rng.choice((2, 4))
    story = _story(rng, format_, sketch)
    _interruptions(story, HEALTHY)
    if rng.random() < 0.35:
        every = max(10, round(story.steps * rng.uniform(0.05, 0.3)))
        saves(story, every, keep=rng.choice((0, 0, 3)))
    plant = Plant(HEALTHY, {}, format_, number, rng)
    if again and not beside:
        plant.note = "resumed"
        plant.resume(story, story.steps * rng.uniform(0.2, 0.6), same_log=rng.random() < 0.5)
    if watched:
        plant.watch(story)
    plant.config = rng.random() < 0.3
    if not watched and rng.random() < 0.25 and not story.stop:
        story.stop = rng.randint(story.steps // 2, story.steps)  # still running, or cut
    made = _printed(key, HEALTHY, story, plant)
    made.level, made.note = level, f"{shape} {plant.note}".strip()
    return made


def _sketch(rng: random.Random, format_: str, number: int, case: Mapping[str, Any]) -> Sketch:
    numbers = case.get("numbers", {})
    levels = numbers.get("levels", CASES["noise"]["levels"])
    known = CASES["noise"]["shapes"]
    shape = pick(rng, {name: known[name] for name in numbers.get("shapes", known)})
    mean = CASES["formats"][format_]["loss"] == "running-mean"
    low, high = numbers.get("steps", (800 if mean else 400, 3000))
    count = log_uniform(rng, low, high)
    if "epoch" in numbers and mean:
        per_epoch = rng.randint(*numbers["epoch"])
    else:
        per_epoch = max(8, round(count / rng.randint(*numbers.get("epochs", (12, 40)))))
    return Sketch(
        steps=max(4, round(count / per_epoch)) * per_epoch,
        per_epoch=per_epoch,
        level=levels[number % len(levels)],
        shape=shape,
        trend=healthy_trend(rng, "settling", rng.uniform(1.1, 1.6)),
        sizes=sizes(rng) if shape == "buckets" else ONE,
        warmup=rng.choice((0, 0, 20, 50)),
        schedule=rng.choice(("constant", "cosine", "linear")),
        peak=log_uniform(rng, 3e-5, 5e-4),
        base=log_uniform(rng, 0.4, 3.0),
    )


def _story(rng: random.Random, format_: str, sketch: Sketch) -> Story:
    """Draw every number of the run."""
    steps, acc = sketch.steps, sketch.accumulation
    chosen = rng.choices(range(len(sketch.sizes.weights)), sketch.sizes.weights, k=steps)
    level = math.log(log_uniform(rng, 0.02, 0.9))  # no absolute level means anything
    most = math.log(CASES["noise"]["most"]) - max(sketch.sizes.adds)
    drawn = noise(rng, steps * acc, sketch.level, sketch.shape)
    deviations = bounded(rng, drawn, sketch.level, most)
    adds, trend, exp = sketch.sizes.adds, sketch.trend, math.exp
    count = steps * acc
    losses = [
        exp(level + trend(at / count) + adds[chosen[at // acc]] + deviation)
        for at, deviation in enumerate(deviations)
    ]
    times = [sketch.sizes.times[size] for size in chosen]
    story = Story(
        format=format_,
        rng=rng,
        name=rng.choice(("zqxbot", "robot_v2", "my_first_lora", "style-ink")),
        steps=steps,
        per_epoch=sketch.per_epoch,
        losses=losses,
        rates=rates(rng, sketch.schedule, sketch.peak, sketch.warmup, steps),
        seconds=seconds(rng, steps, sketch.base, times),
        accumulation=acc,
        images=min(400, sketch.per_epoch),
    )
    story.options = {"rate": sketch.peak, "schedule": sketch.schedule, "warmup": sketch.warmup}
    story.options["text_to_image"] = rng.random() < 0.4
    story.options["old"] = rng.random() < 0.3
    if rng.random() < 0.15:
        story.cells = rng.randint(20, 60)  # a terminal
    story.ascii = rng.random() < 0.06
    story.buffered = rng.random() < 0.3
    if "+" in format_ or format_ == "csv":
        spread = rng.uniform(0.15, 0.35)
        grad = math.log(log_uniform(rng, 0.02, 2.0))
        story.grads = [math.exp(grad + rng.gauss(0.0, spread)) for _ in range(steps)]
    return story


def _interruptions(story: Story, finding: str) -> None:
    """Samples and validations; checkpoints are planted where they matter."""
    rng, steps = story.rng, story.steps
    if rng.random() < 0.5:
        every = max(25, round(steps * rng.uniform(0.08, 0.3)))
        took = rng.uniform(4.0, 60.0)
        story.options["sample_every"] = every
        for step in range(every, steps, every):
            story.pause(step, Pause("sample", took * rng.uniform(0.9, 1.1)))
    told = story.format in (
        "kohya", "kohya+events", "onetrainer+events", "diffusion-pipe+events", "ai-toolkit+db",
        "csv",
    )  # fmt: skip
    if told and (finding == HEALTHY and rng.random() < 0.3):
        # it falls and then stays, with noise of fixed or of drawn time steps
        every, spread = max(20, steps // rng.randint(8, 30)), rng.choice((0.01, 0.04, 0.1))
        level, fall = log_uniform(rng, 0.03, 0.5), rng.uniform(0.02, 0.3)
        for step in range(every, steps + 1, every):
            drop = fall * min(1.0, step / (0.5 * steps))
            story.validations[step] = level * math.exp(-drop + rng.gauss(0.0, spread))


def _printed(key: str, finding: str, story: Story, plant: Plant) -> Made:
    """The console as text, the files beside it, and by which door it is shown."""
    for step, value in story.validations.items():
        if story.format.startswith(("kohya", "onetrainer", "diffusion-pipe")):
            story.pause(step, Pause("validate", story.rng.uniform(3.0, 20.0), value=value))
    tape, console = Tape(), story.format != "csv"
    if console:
        for part in (*plant.earlier, story):
            tape.flush()
            tape.buffered = False
            CONSOLES[story.trainer](part, tape)
    else:
        for step in range(1, (story.stop or story.steps) + 1):
            tape.time += story.seconds[step - 1]
            tape.mark(step)
    made = Made(
        key,
        finding,
        story.format,
        plant.number,
        story.steps,
        tape.parts,
        tape.marks,
        "pieces",
        console=console,
    )
    if story.format == "csv" or "+" in story.format:
        made.growing = _growing(story)
    if plant.config and console:
        made.files = {name: text.encode() for name, text in FILES[story.trainer](story).items()}
    if plant.config and console:
        made.saved = [
            (step, f"output/{pause.name}")
            for step, pauses in sorted(story.pauses.items())
            for pause in pauses
            if pause.kind == "save"
        ]
    made.readings, made.silence, made.card = plant.readings(tape), plant.silence, plant.card
    if made.readings or made.silence:
        made.door = "live"
    elif made.files or made.growing:
        made.door = "file" if plant.number % 4 == 3 and finding not in WATCHED else "live"
    elif plant.number % 4 == 3:
        made.door = "file"
    return made


def _growing(story: Story) -> dict[str, tables.Pieces]:
    """The file of numbers that the format has beside its console."""
    rows, time, mean = [], 0.0, Mean()
    validated = "loss/validation/step_average"
    for step in range(1, (story.stop or story.steps) + 1):
        at = step - 1
        time += story.seconds[at]
        loss, rate, grad = story.losses[at], story.rates[at], story.grads[at]
        values: dict[str, float]
        if story.trainer == "kohya":
            average = mean.add(at // story.per_epoch, at % story.per_epoch, loss)
            values = {"loss/current": loss, "loss/average": average, "lr/unet": rate}
            values["norm/avg_grad_norm"] = grad
        elif story.trainer == "onetrainer":
            values = {"loss/train_step": loss, "lr/unet_lora": rate}
            validated = "loss/validation_step/total_average"
        elif story.trainer == "diffusion-pipe":
            values = {"train/loss": loss, "train/grad_norm": grad}
            validated = "eval/loss"
        elif story.trainer == "simpletuner":
            values = {"train_loss": loss, "learning_rate": rate, "grad_norm": grad}
            values["epoch"] = step / story.per_epoch
        elif story.trainer == "ai-toolkit":
            values = {"loss/loss": loss, "learning_rate": rate}
            validated = "val/loss"
        else:
            values = {"train_loss": loss, "lr": rate, "grad_norm": grad}
            validated = "val_loss"
        if step in story.validations:
            values[validated] = story.validations[step]
        rows.append((step, time, values))
    if story.format == "csv":
        return {"metrics.csv": tables.csv(("train_loss", "lr", "grad_norm", "val_loss"), rows)}
    if story.format == "simpletuner+jsonl":
        return {"output/training_metrics.jsonl": tables.json_lines(rows)}
    if story.format == "ai-toolkit+db":
        return {"loss_log.db": tables.database(rows)}
    place = {
        "kohya": "logs/20261121060809/network_train",
        "onetrainer": "tensorboard/2026-11-21_06-50-54",
        "diffusion-pipe": "20261121_06-50-54",
    }[story.trainer]
    return {f"{place}/{tables.EVENTS}": tables.events(rows)}
