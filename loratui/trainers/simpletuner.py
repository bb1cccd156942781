"""SimpleTuner. The bar `Epoch 1/2, Steps` shows `lr=…, step_loss=…`: the last micro-batch's loss.

Its console shows errors only, unless SIMPLETUNER_LOG_LEVEL says otherwise; `debug.log` in the
folder it was started from holds everything but the bar, a line for each step included. Saving a
checkpoint prints nothing. With Prodigy `lr` is the optimizer's estimate `d`.
Source: bghira/SimpleTuner simpletuner/helpers/training/trainer.py, helpers/log_format.py.
"""

from __future__ import annotations

import re

from loratui.trainers.base import (
    Role,
    Script,
    Trainer,
    checkpoint,
    ended,
    phase,
    removed,
    resumed,
    sample,
    setting,
)

_TRAINING = re.compile(r"^Epoch \d+/\d[\d.]*,? Steps$")

_PREPARING = re.compile(r"^Scanning image metadata$|^Processing bucket \d|^Write embeds to disk$")


class SimpleTuner(Trainer):
    """`simpletuner train`, `accelerate launch train.py`, and its `debug.log`."""

    id = "simpletuner"
    title = "SimpleTuner"
    scripts = (
        Script(r"train\.py", path="simpletuner", weight=5),
        Script(r"simpletuner\.train", module=True),
        Script(r"simpletuner", word="train", starter=True),
    )
    saves = "never"
    metrics = {
        "loss": rb"(?:^|, )step_loss=",
        "lr": rb"(?:^|, )lr=",
        "effective_lr": rb"(?:^|, )prodigy_effective_lr=",
        "prodigy_d": rb"(?:^|, )prodigy_d=",
    }
    desc_epoch = r"^Epoch (?P<epoch>\d+)/(?P<epochs>\d+)"
    steps = (
        r"(?:^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[\w+\] (?:\(\S+\) )?)?"
        r"Step (?P<step>\d+) of (?P<total>\d+): loss (?P<loss>[^\s,]+), lr (?P<lr>[^\s,]+), "
        r"epoch (?P<epoch>\d+)/(?P<epochs>\d+)",
    )
    bars = (
        (r"^Precomputing |^Processing (?:prompts|bucket)", "caching"),
        (r"^Processing validation prompts", "sampling"),
    )
    signs = (
        (r"simpletuner[/\\](?:train\.py|helpers|cli)", 10),
        (r"\[(?:DEBUG|INFO|WARNING|ERROR)\] \(SimpleTuner\)", 10),
        (r"\bStep \d+ of \d+: loss \S+, lr \S+, epoch \d+/\d", 10),
        (r"^-  (?:Trainable parameters: |Num batches = |Total optimization steps = )\d", 10),
        (r"Non-finite training loss detected \(loss=", 10),
        (r"maximum training steps at \d+ because we have", 10),
        (r"VAECache has \d+ unprocessed files", 10),
    )
    survived = (r"Validation run failed at step \d+: ",)
    evaluated = r"'(?P<tag>loss/val/[^']+)': (?:tensor\()?(?P<loss>[^\s,)}]+)"
    starts = (r"The following values were not passed to `accelerate launch`",)
    late_starts = (r"^\*\*\*\*\* Running training \*\*\*\*\*",)
    rules = (
        (r"^-  Num batches = (?P<value>\d+)", setting("batches_per_epoch")),
        (r"^-  Num Epochs = (?P<value>\d+)", setting("epochs")),
        (r"^  - Current Epoch = (?P<value>\d+)", setting("epoch")),
        (r"^  - Instantaneous batch size per device = (?P<value>\d+)", setting("batch_size")),
        (r"^  - Gradient Accumulation steps = (?P<value>\d+)", setting("gradient_accumulation")),
        (r"^-  Total optimization steps = (?P<value>\d+)", setting("max_steps")),
        (r"epochs and (?P<value>\d+) steps per epoch\.", setting("steps_per_epoch")),
        (r"\] (?:\(\S+\) )?Learning rate: (?P<value>[\d.e+-]+)", setting("learning_rate", float)),
        (r"Resuming from checkpoint (?P<path>\S.*)", resumed),
        (r"Resuming from global_step (?P<step>\d+)", resumed),
        (r"\bLoad VAE: ", phase("loading")),
        (r"Executing VAE cache update|Rebuilding VAE cache", phase("caching")),
        (r"Processing \d+ local validation work items", sample),
        (r"Accelerator models registered for save_state", phase("saving")),
        # of accelerate, for every checkpoint
        (r"\] (?:\(\S+\) )?Saving current state to (?P<path>\S.*?)(?:-tmp)?$", checkpoint),
        (r"[Rr]emoving checkpoints: (?P<paths>checkpoint-.+)", removed),
        (r"Saving final LyCORIS checkpoint to (?P<path>\S.*)", checkpoint),
        (r"Wrote pipeline to disk: (?P<path>\S.*)", checkpoint),
        (r"Exiting training loop\. Beginning model unwind", phase("saving")),
        (r"Training has completed\.|Training run is complete \(", ended("finished")),
        (r"Aborting training run\.", ended("stopped")),
    )

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        return "training" if _TRAINING.search(desc) else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        if _TRAINING.search(desc):
            return 10 if b"step_loss=" in postfix else 7
        return 3 if _PREPARING.search(desc) else 0
