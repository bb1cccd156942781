"""The diffusers example scripts (text_to_image, dreambooth, advanced) under `accelerate launch`.

The bar `Steps` shows `loss=…, lr=…` or `lr=…, step_loss=…`: the last micro-batch's own loss.
Source: huggingface/diffusers examples/dreambooth, examples/text_to_image.
"""

from __future__ import annotations

from loratui.trainers.base import (
    Role,
    Script,
    Trainer,
    checkpoint,
    phase,
    removed,
    resumed,
    sample,
    setting,
)


class Diffusers(Trainer):
    """`train_dreambooth_lora_*.py`, `train_text_to_image_lora*.py` and their kin."""

    id = "diffusers"
    title = "diffusers"
    scripts = (
        Script(r"train_(?:dreambooth|text_to_image)\w*\.py"),
        Script(r"train_\w*lora\w*\.py", flags=("--pretrained_model_name_or_path",)),
    )
    saves = "at once"
    metrics = {
        "loss": rb"(?:^|, )(?:step_)?loss=",
        "lr": rb"(?:^|, )lr=",
    }
    signs = (
        (r"train_(?:dreambooth|text_to_image|controlnet|custom_diffusion)\w*\.py", 10),
        (r"diffusers/examples/", 10),
        (r"- INFO - __main__ - \*\*\*\*\* Running training", 10),
        (r"Instantaneous batch size per device = ", 6),
        (r"\{'[\w', ]+\} was not found in config\. Values will be initialized", 4),
    )
    starts = (
        r"The following values were not passed to `accelerate launch`",
        r"Distributed environment: ",
    )
    late_starts = (r"\*\*\*\*\* Running training \*\*\*\*\*",)
    rules = (
        (r"Num examples = (?P<value>\d+)", setting("images")),
        (r"Num batches each epoch = (?P<value>\d+)", setting("batches_per_epoch")),
        (r"Num Epochs = (?P<value>\d+)", setting("epochs")),
        (r"Instantaneous batch size per device = (?P<value>\d+)", setting("batch_size")),
        (r"Gradient Accumulation steps = (?P<value>\d+)", setting("gradient_accumulation")),
        (r"Total optimization steps = (?P<value>\d+)", setting("max_steps")),
        (r"Running validation", sample),
        (r"Saved state to (?P<path>.+)", checkpoint),
        (r" removing checkpoints: (?P<paths>checkpoint-.+)", removed),
        (r"Model weights saved in (?P<path>(?!.*checkpoint-\d+[/\\]).+)", checkpoint),
        (r"Resuming from checkpoint (?P<path>\S.*)", resumed),
        (r"(?:Loading|Generating \w+ split|Resolving data files)", phase("loading")),
    )  # fmt: skip

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        return "training" if desc == "Steps" else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        if desc != "Steps":
            return 0
        return 10 if b"loss=" in postfix else 6
