"""Processes of the box and the training runs found among them.

Every text here comes from the system and may be hostile: names may hold anything that a file name
or a command line may hold, undecodable bytes as surrogates. Draw them with `plain.printable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LogKind = Literal["file", "tee", "tmux", "none"]
"""A file that the run writes itself, one that a program behind its pipe writes, a tmux pane."""

NoLog = Literal[
    "",
    "closed",
    "container",
    "discarded",
    "journal",
    "no-answer",
    "no-permission",
    "not-here",
    "other",
    "pipe",
    "program",
    "screen",
    "socket",
    "terminal",
]
"""Why there is no log to read, to look advice up by."""


VARIABLES = frozenset(
    (
        "AITK_JOB_ID",
        "CONFIG_PATH",
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
        "ENV",
        "LOCAL_RANK",
        "SIMPLETUNER_ENV",
        "SIMPLETUNER_ENVIRONMENT",
    )
)
"""What is kept of a process's environment: which GPUs, which rank, whose job, which settings."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; what is not ours to see is empty, and None where empty would be an answer.

    `files` maps descriptors to what they are open on; `environment` has those of `VARIABLES` that
    it was started with. `foreign` is True when its file names belong
    to another mount namespace, as those of a container do; `over` when it ended and only waits to
    be collected.
    """

    pid: int
    command: tuple[str, ...] = ()
    parent: int = 0
    started: float = 0.0
    user: str = ""
    folder: str = ""
    files: Mapping[int, str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class LogPlace:
    """How a run's output can be read.

    `where` is a path that can be opened from here, or a tmux pane such as ``%3`` of the server at
    `socket`. With kind ``none``, `cause` says why and `hint` is a command that would help;
    `where` is then the file that cannot be read, if there is one. `reason` is a sentence.
    """

    kind: LogKind = "none"
    where: str = ""
    reason: str = ""
    cause: NoLog = ""
    hint: str = ""
    socket: str = ""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A training run on this box. Paths can be opened from here; empty means not known.

    `pid` is the trainer itself, of several ranks the first; `ranks` are all of them. `trainer` is
    an id such as ``kohya``, empty for a Python program on a GPU that none recognises. `name` is
    what the run calls itself: that of a job, or of the file that it makes. `gpus` are
    UUIDs and `gpu_indices` NVML's numbers of the run's own GPUs, None when nothing tells which;
    `gpu_reason` says how they are known. `log` is what to read; `other_log` the second place when
    output and errors go to different ones. `left_out` says what there was no time to look at.
    """

    pid: int
    started: float
    trainer: str = ""
    name: str = ""
    command: tuple[str, ...] = ()
    folder: str = ""
    user: str = ""
    ranks: tuple[int, ...] = ()
    live: bool = True
    foreign: bool = False
    on_gpu: bool = False
    gpus: tuple[str, ...] | None = None
    gpu_indices: tuple[int, ...] | None = None
    gpu_reason: str = ""
    log: LogPlace = LogPlace()
    other_log: LogPlace | None = None
    configs: tuple[str, ...] = ()
    output_dir: str = ""
    logging_dir: str = ""
    dataset_dirs: tuple[str, ...] = ()
    events: str = ""
    samples: str = ""
    checkpoints: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovered:
    """All runs, the one to watch first, and what did not answer in time, a sentence each."""

    runs: tuple[FoundRun, ...] = ()
    left_out: tuple[str, ...] = ()
