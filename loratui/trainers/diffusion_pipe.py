"""diffusion-pipe. DeepSpeed prints a line for each step; no bar, and nowhere how many steps to go.

`iter time` is the mean of the steps since the line before and counts training alone. The learning
rate stands in a line of its own before it; the first epoch is not announced. Validation losses
and the evaluation's result go to TensorBoard only.
Source: tdrussell/diffusion-pipe train.py, utils/saver.py; DeepSpeed runtime/pipe/engine.py.
"""

from __future__ import annotations

from loratui.trainers.base import (
    Role,
    Script,
    Trainer,
    checkpoint,
    ended,
    exit_code,
    finished,
    phase,
    resumed,
    setting,
)


class DiffusionPipe(Trainer):
    """`deepspeed --num_gpus=1 train.py --deepspeed --config …`."""

    id = "diffusion-pipe"
    title = "diffusion-pipe"
    scripts = (Script(r"train\.py", flags=("--deepspeed", "--config")),)
    saves = "at once"  # on standard output, as the lines of the steps
    metrics = {"loss": rb"(?:^|, )loss="}
    steps = (
        r"^steps: (?P<step>\d+) loss: (?P<loss>\S+) (?:\S.* )?iter time \(s\): (?P<seconds>[\d.]+)",
        r"\bstep=(?P<step>[1-9]\d*), skipped=\d+, lr=\[?(?P<lr>[\d.e+-]+)",
    )
    bars = ((r"^Grouping examples", "caching"),)
    signs = (
        (r"^steps: \d+ loss: \S+ .*iter time \(s\): .*samples/sec: ", 10),
        (r"\btrain\.py['\",]* .*--deepspeed['\",]* .*--config", 10),
        (r"diffusion[-_]pipe[/\\]", 8),
        (r"^Saving model to directory (?:epoch|step)\d+$", 8),
        (r"^Intermediate metadata is not cached\. Enumerating", 8),
        (r"^\[CACHE\] (?:Initializing|Existing cache)", 6),
        (r"^Started new epoch: \d+$", 6),
        (r"^stage=\d+ layers=\d+$", 6),
    )
    # the launcher's own lines: what follows is printed once for each process
    starts = (r"\[runner\.py:\d+:(?:fetch_hostfile|main)\] (?:Unable to find hostfile|cmd = )",)
    late_starts = (r"^Global batch size = \d+",)
    rules = (
        (r"\[config\.py:\d+:print\]\s+gradient_accumulation_steps\s\.*\s?(?P<value>\d+)",
         setting("gradient_accumulation")),
        (r"\[config\.py:\d+:print\]\s+train_micro_batch_size_per_gpu\s\.*\s?(?P<value>\d+)",
         setting("batch_size")),
        (r"^Started new epoch: (?P<value>\d+)", setting("epoch")),
        (r"^Resuming training from checkpoint\. Resuming at epoch: (?P<value>\d+)",
         setting("epoch")),
        (r"^Resuming training from checkpoint\..* step: (?P<step>\d+)", resumed),
        (r"Setting ds_accelerator to ", phase("loading")),
        (r"^\[CACHE\] Initializing|^Intermediate metadata is not cached"
         r"|^Caching ungrouped metadata|^caching (?:latents|text embeddings): ", phase("caching")),
        (r"^Running eval$", phase("validating")),
        (r"\[Torch\] Checkpoint \S+ is about to be saved", phase("saving")),
        (r"^Saving model to directory (?P<path>\S.*)", checkpoint),
        (r"^TRAINING COMPLETE!", finished),
        (r"^Manually quitting$", ended("stopped")),
        (r"exits with return code = (?P<code>-?\d+)$", exit_code),
    )  # fmt: skip

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        return "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        return 0
