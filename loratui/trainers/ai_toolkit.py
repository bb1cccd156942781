"""ai-toolkit. The bar carries the job's name and `lr: 1.0e-04 loss: 3.456e-01`, this step's.

A loss that is NaN or infinite is replaced by zero, so the bar shows `loss: 0.000e+00`; the postfix
is drawn before the step is counted. Source: ostris/ai-toolkit jobs/process/BaseSDTrainProcess.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from loratui.core.events import Checkpoint, Ended, Event, Phase
from loratui.trainers.base import Role, Trainer, ended, exit_code, phase, sample, setting


def _result(found: re.Match[str], offset: int) -> Iterable[Event]:
    jobs = int(found.group("jobs"))
    return (Ended("", offset, "finished"),) if jobs else ()


def _process(found: re.Match[str], offset: int) -> Iterable[Event]:
    if found.group("code") is not None:
        return exit_code(found, offset)
    signal = found.group("signal") or ""
    return (Ended("", offset, "killed" if signal == "SIGKILL" else "stopped", detail=signal),)


def _saved(found: re.Match[str], offset: int) -> Iterable[Event]:
    return Phase("", offset, "saving"), Checkpoint("", offset, found.group("path").strip())


class AiToolkit(Trainer):
    """`run.py CONFIG`, also as started by its web interface."""

    id = "ai-toolkit"
    title = "ai-toolkit"
    metrics = {
        "loss": rb"(?:^| )loss: ",
        "lr": rb"(?:^| )lr: ",
    }
    signs = (
        (r"^Running \d+ jobs?$", 8),
        (r"^# Running job: ", 8),
        (r"ai-toolkit", 8),
        (r"BaseSDTrainProcess|SDTrainer\.py|toolkit/\w+\.py", 8),
        (r"Generating baseline samples before training", 6),
        (r"OOM during training step, skipping batch", 8),
    )
    late_starts = (r"^Running \d+ jobs?$", r"^Using SQLite database at ")
    stopped = r"^(?:KeyboardInterrupt|Exception: Job (?:stopped|returning to queue))$"
    rules = (
        (r"base dim \(rank\): (?P<value>\d+)", setting("network_dim")),
        (r"base dim \(rank\): \d+, alpha: (?P<value>[\d.]+)", setting("network_alpha", float)),
        (r"^\s+-\s+Found (?P<value>\d+) images", setting("images")),
        (r"^Loading |^Quantizing |^ *-  Preprocessing image dimensions", phase("loading")),
        (r"^Caching (?:latents|text embeddings)|^ - (?:Saving (?:latents|text)|Keeping latents)",
         phase("caching")),
        (r"^Generating baseline samples|^Sampling at step", sample),
        (r"^Saving at step (?P<value>\d+)", phase("saving")),
        (r"^Saved checkpoint to (?P<path>.+)", _saved),
        (r"^ - (?P<jobs>\d+) completed jobs?", _result),
        (r"^Error running job: (?P<why>Job (?:stopped|returning to queue))$", ended("stopped")),
        (r"^Error running job: (?P<why>(?!Job (?:stopped|returning to queue)$).*)",
         ended("failed")),
        (r"^Job stopped$", ended("stopped")),
        # written by the web interface
        (r"^(?P<why>Job process exited unexpectedly\..*|Error launching job process: .*)",
         ended("failed")),
        (r"^Job process terminated with (?:exit code (?P<code>-?\d+)|signal (?P<signal>\w+))",
         _process),
    )  # fmt: skip

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        # before its first loss the bar carries only the job's name
        return "training" if b"loss: " in postfix or (job and desc == job) else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        return 10 if b"lr: " in postfix and b"loss: " in postfix else 0
