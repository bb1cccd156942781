"""A run as it happens, before any trainer prints it, and the log that comes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

BESIDE = "beside"


@dataclass(slots=True)
class Pause:
    """An interruption after a step. `value` is a validation's loss, `name` a checkpoint's file."""

    kind: Literal["save", "remove", "sample", "validate"]
    seconds: float = 0.0
    value: float = 0.0
    name: str = ""


@dataclass(slots=True)
class Story:
    """Everything that a run does, one entry a step; steps count from 1.

    `losses` holds `accumulation` micro-steps for each step; `seconds` is what a step takes. The
    log begins after step `first` and breaks off after step `stop` (0: it ends by itself).
    `buffered` is a standard output that goes through an 8 KiB buffer into a file.
    """

    format: str
    rng: random.Random
    name: str
    steps: int
    per_epoch: int
    losses: list[float]
    rates: list[float]
    seconds: list[float]
    accumulation: int = 1
    batch: int = 1
    images: int = 20
    pauses: dict[int, list[Pause]] = field(default_factory=dict)
    grads: list[float] = field(default_factory=list)
    validations: dict[int, float] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    first: int = 0
    stop: int = 0
    buffered: bool = False
    cells: int = 10
    ascii: bool = False
    resumed: str = ""
    shell: bool = False  # the shell echoes the command into the log
    running: bool = False  # followed while it grows

    @property
    def epochs(self) -> int:
        return self.steps // self.per_epoch

    @property
    def trainer(self) -> str:
        return self.format.partition("+")[0]

    def pause(self, step: int, pause: Pause) -> None:
        self.pauses.setdefault(step, []).append(pause)


@dataclass(frozen=True, slots=True)
class Mark:
    """After this much of the log the run stood at `step`, `time` seconds after its begin."""

    step: int
    time: float
    parts: int


class Tape:
    """Standard output and error of a process in one file."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.marks: list[Mark] = []
        self.time = 0.0
        self._waiting: list[str] = []
        self._size = 0
        self.buffered = False

    def err(self, text: str) -> None:
        self.parts.append(text)

    def out(self, text: str) -> None:
        """Standard output: at once, or when its buffer is full or flushed."""
        if not self.buffered:
            self.parts.append(text)
            return
        self._waiting.append(text)
        self._size += len(text)
        if self._size > 8192:
            self.flush()

    def flush(self) -> None:
        self.parts += self._waiting
        self._waiting, self._size = [], 0

    def mark(self, step: int) -> None:
        self.marks.append(Mark(step, self.time, len(self.parts)))


@dataclass(slots=True)
class Reading:
    """GPU and host at one time: percent, and the card's name."""

    time: float
    gpu: float
    cpu: float


@dataclass(slots=True)
class Made:
    """A case ready to be shown. `begin` and `there` as in `cases.yaml`; None where not timed.

    `files` lie in the run folder from the start, by relative path; `growing` are files that grow
    with the steps, as (step, bytes) pieces; `saved` are files that appear after a step.
    """

    key: str
    id: str
    format: str
    number: int
    steps: int
    parts: list[str]
    marks: list[Mark]
    door: Literal["file", "pieces", "live", "cli"]
    begin: int | None = None
    there: int | None = None
    slack: int = 0  # an epoch, where the printed loss is a running mean over it
    note: str = ""
    level: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    growing: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    saved: list[tuple[int, str]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    card: str = "NVIDIA GeForce RTX 4090"
    silence: float = 0.0
    console: bool = True

    @property
    def text(self) -> str:
        return "".join(self.parts)
