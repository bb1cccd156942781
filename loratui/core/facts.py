"""What is known of a run, its configuration and the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LossKind = Literal["raw", "running-mean", "smoothed", "unknown"]

SavesSaid = Literal["at once", "late", "never"]


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """A setting: our option name, the value, the key and text that the user wrote, and where."""

    option: str
    value: object
    key: str
    raw: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings by option name (`learning_rate`, `network_dim`, `batch_size`, …)."""

    values: Mapping[str, ConfigValue] = field(default_factory=dict)

    def get(self, option: str) -> object | None:
        found = self.values.get(option)
        return None if found is None else found.value

    def number(self, option: str) -> float | None:
        """The value as a number, or None when it is absent or no number."""
        value = self.get(option)
        if isinstance(value, bool) or value is None:
            return None
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Card:
    """The run's own GPU: its name, compute capability and memory in bytes, as far as known."""

    name: str = ""
    capability: tuple[int, int] | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Resumption:
    """The run goes on with an earlier one, saved at `step` (None: not known) as `path`; `reached`
    is the last step of that one where the same log shows it."""

    step: int | None = None
    path: str = ""
    reached: int | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the log (and later the configuration) says of the run.

    `trainer` is an id such as ``kohya``; `family` is ``sd15`` ``sdxl`` ``flux`` ``qwen-image`` or
    None. `loss_kind` says what the printed loss is: the step's own, a running mean over the last
    epoch (sd-scripts), an exponential mean, or unknown. `resumed` tells from what it goes on.
    `saves` says whether the log tells of a checkpoint ``at once``, ``late`` (behind a buffer, so
    that a line that is not there proves nothing yet) or ``never``. `card` is the GPU that the run
    uses, None where none is read; `platform` is ``linux``, ``windows``, ``wsl`` or ``mac`` where
    the run is on this machine, else empty.
    """

    name: str = ""
    trainer: str = "unknown"
    family: str | None = None
    loss_kind: LossKind = "unknown"
    total_steps: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    images: int | None = None
    config: TrainingConfig = field(default_factory=TrainingConfig)
    recipe: str | None = None
    resumed: Resumption | None = None
    saves: SavesSaid = "never"
    card: Card | None = None
    platform: str = ""

    @property
    def epoch_steps(self) -> int | None:
        """Steps of the optimizer in an epoch. Trainers count batches: with accumulated gradients
        several of them make a step, and what fits the number of epochs is right."""
        known, gathered = self.steps_per_epoch, self.config.number("gradient_accumulation") or 1.0
        if not known or not 1.0 < gathered <= known:
            return known
        steps = math.ceil(known / gathered)
        total, epochs = self.total_steps, self.epochs
        return known if total and epochs and total > epochs * steps else steps


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process on a GPU; `name` and `memory` (bytes) are None where the driver hides them."""

    pid: int
    name: str | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at one moment; a reading that is not to be had is None, never 0.

    Units: percent, bytes, degrees Celsius, watts, megahertz. `throttle` holds the names of the
    active reasons (``power cap``, ``thermal``, …); `throttle_share` the share of the last minute
    in which any slowed the clock down. `note` says in one line why readings are missing.
    """

    index: int
    name: str | None = None
    uuid: str | None = None
    utilisation: int | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: int | None = None
    power: float | None = None
    power_limit: float | None = None
    clock: int | None = None
    clock_max: int | None = None
    memory_clock: int | None = None
    fan: int | None = None
    throttle: tuple[str, ...] | None = None
    throttle_share: Mapping[str, float] | None = None
    processes: tuple[GpuProcess, ...] | None = None
    capability: tuple[int, int] | None = None
    lost: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """All GPUs at one moment. `note` is a sentence when there are none to show, and why.

    `own` is true where `gpus` are those of the watched run and no others.
    """

    gpus: tuple[GpuReading, ...] = ()
    driver: str | None = None
    cuda: str | None = None
    note: str = ""
    simulated: bool = False
    time: float = 0.0
    own: bool = False


@dataclass(frozen=True, slots=True)
class HostReading:
    """The box: load in percent of all cores, bytes of memory and of free disk under `disk_path`.

    `disk_wait` is the percentage of the last seconds in which some process waited for a disk.
    """

    cpu: float | None = None
    cores: int | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    disk_free: int | None = None
    disk_path: str = ""
    disk_wait: float | None = None


@dataclass(frozen=True, slots=True)
class StepTime:
    """What a document says a step takes on a card: from `low` to `high` seconds.

    It holds for `families` at `batch_size` images of a square of `side` pixels.
    """

    card: str
    low: float
    high: float
    families: tuple[str, ...] = ()
    batch_size: int = 1
    side: int = 1024


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a run besides its log, at one moment.

    `machine` and `host` are readings of the run's own GPUs and of the box, None where nothing
    reads them; `processes` the numbers of the run's ranks, None where they are not known. `quiet`
    is how many seconds ago the run gave a sign of life, None where nothing proves that it lives;
    `gap` the longest such silence so far while it trained, `allowed` how long the phase that it is
    in may be silent. `gone` is true once its process or its output has ended. `watched_from` is
    the step since when its output folder is watched for checkpoints, None while it is not.
    `step_times` is what is known of the speed of the cards in `machine`.
    """

    machine: Machine | None = None
    host: HostReading | None = None
    processes: frozenset[int] | None = None
    phase: str | None = None
    quiet: float | None = None
    gap: float = 0.0
    allowed: float = 0.0
    gone: bool = False
    watched_from: int | None = None
    step_times: tuple[StepTime, ...] = ()
