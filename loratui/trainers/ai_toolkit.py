"""ai-toolkit. The bar carries the job's name and `lr: 1.0e-04 loss: 3.456e-01`, this step's.

A loss that is NaN or infinite is replaced by zero, so the bar shows `loss: 0.000e+00`; the postfix
is drawn before the step is counted. Source: ostris/ai-toolkit jobs/process/BaseSDTrainProcess.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from loratui.core.events import Checkpoint, Ended, Event, Phase
from loratui.trainers.base import (
    Role,
    Script,
    Trainer,
    ended,
    exit_code,
    phase,
    removed,
    resumed,
    sample,
    setting,
)
from loratui.trainers.reading.listing import Listing

_CONFIG = r"(?i).+\.(?:ya?ml|json|toml)"

_SET = re.compile(r"^Dataset: (?P<folder>.+)$")
_FOUND = re.compile(r"^\s+-\s+Found (?:\d+ videos and )?(?P<images>\d+) images$")
_BUCKET = re.compile(r"^(?P<w>\d+)x(?P<h>\d+)(?:x\d+f)?: (?P<n>\d+) files$")
_DUMPED = re.compile(r'^\s+"(?P<key>folder_path|dataset_path|num_repeats)": (?P<value>.+?),?$')


class DataSets(Listing):
    """Each folder is listed once for each resolution, with its repeats counted as images.

    How many repeats those are stands in the configuration that is printed before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = ""
        self._entry: dict[str, object] = {}
        self._repeats: dict[str, int] = {}

    def read(self, text: str, offset: int) -> Iterable[Event]:
        if (found := _SET.match(text)) is not None:
            self._folder = found.group("folder")
        elif (found := _FOUND.match(text)) is not None:
            repeats = self._repeats.get(self._folder, 1)
            return self._count(self._folder, int(found.group("images")) // repeats, offset)
        elif (found := _BUCKET.match(text)) is not None:
            self._bucket(found.group("w"), found.group("h"), int(found.group("n")))
        elif text.endswith(" buckets made"):
            return self._bucketed(offset)
        elif text.startswith(" "):
            self._configured(text)
        return ()

    def _configured(self, text: str) -> None:
        """A line of the printed configuration: the entry of a data set is kept until it ends."""
        if text.strip() in ("{", "}", "},"):
            folder = self._entry.get("dataset_path", self._entry.get("folder_path"))
            repeats = self._entry.get("num_repeats")
            if isinstance(folder, str) and isinstance(repeats, int):
                self._repeats[folder] = max(1, repeats)
            self._entry = {}
        elif (found := _DUMPED.match(text)) is not None:
            import json  # only for the few lines that need it

            try:
                self._entry[found.group("key")] = json.loads(found.group("value"))
            except ValueError:
                return


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
    scripts = (
        Script(r"run\.py", word=_CONFIG, path=r"/ai[-_]toolkit[^/]*/[^/]*$"),
        Script(r"run\.py", word=_CONFIG, beside=("toolkit", "jobs")),
    )
    metrics = {
        "loss": rb"(?:^| )loss: ",
        "lr": rb"(?:^| )lr: ",
    }
    signs = (
        (r"^Running \d+ jobs?$", 8),
        (r"^# Running job: ", 8),
        (r'^ +"type": "(?:sd|ui|diffusion)_trainer",$', 8),
        (r"ai-toolkit", 8),
        (r"BaseSDTrainProcess|SDTrainer\.py|toolkit/\w+\.py", 8),
        (r"Generating baseline samples before training", 6),
        (r"OOM during training step, skipping batch", 8),
    )
    listing = DataSets
    late_starts = (r"^Running \d+ jobs?$", r"^Using SQLite database at ")
    survived = (r"^Error processing (?:image|video): ",)
    stopped = r"^(?:KeyboardInterrupt|Exception: Job (?:stopped|returning to queue))$"
    rules = (
        (r"base dim \(rank\): (?P<value>\d+)", setting("network_dim")),
        (r"base dim \(rank\): \d+, alpha: (?P<value>[\d.]+)", setting("network_alpha", float)),
        (r"^Loading |^Quantizing |^ *-  Preprocessing image dimensions", phase("loading")),
        (r"^Caching (?:latents|text embeddings)|^ - (?:Saving (?:latents|text)|Keeping latents)",
         phase("caching")),
        (r"^#### IMPORTANT RESUMING FROM (?P<path>.+?) ####", resumed),
        (r"^Found step (?P<step>\d+) in metadata, starting from there", resumed),
        (r"^Generating baseline samples|^Sampling at step", sample),
        (r"^Saving at step (?P<value>\d+)", phase("saving")),
        (r"^Saved checkpoint to (?P<path>.+)", _saved),
        (r"^Removing old save: (?P<path>.+)", removed),
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
