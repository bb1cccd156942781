"""kohya sd-scripts, also inside kohya_ss, fluxgym and LoRA Easy Training Scripts.

The bar shows `avr_loss`, a running mean over one epoch of steps with three digits (before v0.7.1
`loss`, also a mean). The last draw of a validation's bar shows that validation's mean.
Source: kohya-ss/sd-scripts train_network.py, library/train_util.py; bmaltais/kohya_ss lora_gui.py.
"""

from __future__ import annotations

from typing import ClassVar

from loratui.trainers.base import (
    Handler,
    Role,
    Trainer,
    checkpoint,
    ended,
    phase,
    sample,
    setting,
)


class Kohya(Trainer):
    """The `*train_network.py` family and the full fine-tuning scripts."""

    id = "kohya"
    title = "kohya sd-scripts"
    loss_kind = "running-mean"
    metrics = {"loss": rb"(?:^|, )(?:avr_)?loss="}
    validation = rb"(?:^|, )val_(?:epoch_)?avg_loss="
    signs: ClassVar[tuple[tuple[str, int], ...]] = (
        (r"running training / 学習開始", 10),
        (r"\b(?:sdxl_|flux_|sd3_|lumina_|hunyuan_image_|anima_)?train_network\.py", 10),
        (r"(?:import network module|enable LoRA for|create LoRA for)", 4),
        (r"(?:train_util|config_util|strategy_base|sdxl_train_util)\.py:\d+", 10),
        (r"sd-scripts", 8),
        (r"^Start training (?:LoRA|Dreambooth|Finetune)\b.* \.\.\.$", 6),
        (r"^Validating lr scheduler arguments\.\.\.$", 6),
        (r"Using DreamBooth method|loading model for process \d+/\d+", 8),
        (r"prepare optimizer, data loader etc", 8),
        (r"(?:num train images \* repeats|total optimization steps) / ", 10),
    )
    starts = (
        r"The following values were not passed to `accelerate launch`",
        r"^Loading settings from ",
        r"^Using v\d tokenizer",
        r"^(?:prepare tokenizer|preparing tokenizer)",
    )
    late_starts = (r"running training / ", r"Start training (?:LoRA|Dreambooth)")
    rules: ClassVar[tuple[tuple[str, Handler], ...]] = (
        (r"num train images \* repeats / .*?: (?P<value>\d+)$", setting("images_with_repeats")),
        (r"num batches per epoch / .*?: (?P<value>\d+)$", setting("steps_per_epoch")),
        (r"num epochs / .*?: (?P<value>\d+)$", setting("epochs")),
        (r"batch size per device / .*?: (?P<value>\d+)$", setting("batch_size")),
        (r"gradient a?ccumulation steps / .*?= (?P<value>\d+)$", setting("gradient_accumulation")),
        (r"total optimization steps / .*?: (?P<value>\d+)$", setting("max_steps")),
        (r"override steps\. steps for \d+ epochs is / .*?: (?P<value>\d+)$", setting("max_steps")),
        # what the kohya_ss GUI says before it starts the scripts
        (r"^Train batch size: (?P<value>\d+)$", setting("batch_size")),
        (r"^Gradient accumulation steps: (?P<value>\d+)$", setting("gradient_accumulation")),
        (r"^Epoch: (?P<value>\d+)$", setting("epochs")),
        (r"^(?:max_train_steps \(.*\) =|Max train steps:) (?P<value>[1-9]\d*)$",
         setting("max_steps")),
        (r"base dim \(rank\): (?P<value>\d+)", setting("network_dim")),
        (r"base dim \(rank\): \d+, alpha: (?P<value>[\d.]+)", setting("network_alpha", float)),
        (r"contains (?P<value>\d+) image files", setting("images")),
        (r"\bepoch (?P<value>\d+)/\d+$", setting("epoch")),
        (r"^caching (?:latents|Text Encoder outputs)", phase("caching")),
        (r"^(?:load(?:ing)? (?:model|StableDiffusion|Diffusers|VAE|u-net)|prepare images)",
         phase("loading")),
        (r"generating sample images at step", sample),
        (r"saving checkpoint: (?P<path>.+)", checkpoint),
        (r"^save trained model (?:as StableDiffusion checkpoint )?to (?P<path>.+?)(?:\s{4,}|$)",
         checkpoint),
        (r"^saving (?:state|last state)", phase("saving")),
        (r"^model saved\.", phase("finished")),
        (r"^(?P<why>Command exited with code (?P<code>-?[1-9]\d*))", ended("failed")),  # fluxgym
    )  # fmt: skip

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        if desc in ("validation steps", "epoch validation steps"):
            return "validation"
        return "training" if desc == "steps" else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        if b"avr_loss=" in postfix:
            return 10
        if desc == "steps":
            return 7 if postfix.startswith(b"loss=") else 4
        return 0
