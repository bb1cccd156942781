"""kohya sd-scripts, also inside kohya_ss, fluxgym and LoRA Easy Training Scripts.

The bar shows `avr_loss`, a running mean over one epoch of steps with three digits (before v0.7.1
`loss`, also a mean). The last draw of a validation's bar shows that validation's mean.
Source: kohya-ss/sd-scripts train_network.py, library/train_util.py; bmaltais/kohya_ss lora_gui.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from loratui.core.events import Config, Event
from loratui.trainers.base import (
    Handler,
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
from loratui.trainers.reading.listing import Listing

_FOUND = re.compile(r"found directory (?P<folder>.+) contains (?P<images>\d+) image files$")
_PLACE = re.compile(r"^\s*\[(?:Subset (?P<subset>\d+) of )?(?P<held>Validation )?Dataset \d+\]$")
_FIELD = re.compile(r"^\s*(?P<key>[a-z]\w*): ?(?P<value>.*?),?$")
_BUCKET = re.compile(r"bucket \d+: resolution \((?P<w>\d+), (?P<h>\d+)\), count: (?P<n>\d+)$")
# our option for each setting of a data set or a subset that is told
_OPTIONS = {
    "batch_size": "batch_size",
    "resolution": "resolution",
    "enable_bucket": "enable_bucket",
    "min_bucket_reso": "bucket_min",
    "max_bucket_reso": "bucket_max",
    "bucket_reso_steps": "bucket_step",
    "bucket_no_upscale": "bucket_no_upscale",
    "num_repeats": "repeats",
    "shuffle_caption": "shuffle_captions",
    "keep_tokens": "keep_tokens",
    "caption_dropout_rate": "caption_dropout",
    "caption_dropout_every_n_epochs": "caption_dropout_epochs",
    "caption_tag_dropout_rate": "caption_tag_dropout",
    "caption_prefix": "caption_prefix",
    "caption_suffix": "caption_suffix",
    "color_aug": "color_augmentation",
    "flip_aug": "flip_augmentation",
    "random_crop": "random_crop",
    "alpha_mask": "alpha_mask",
    "class_tokens": "trigger_word",
    "caption_extension": "caption_extension",
}


class DataSets(Listing):
    """Folders as they are found, then all data sets with their subsets (config_util.py).

    Which folders hold regularization images only the subsets say. Their settings are given for
    the first training subset, as it is the first entry that counts in a data set file.
    """

    def __init__(self) -> None:
        super().__init__()
        self._place: str | None = None
        self._fields: dict[str, str] = {}
        self._told: set[str] = set()

    def read(self, text: str, offset: int) -> Iterable[Event]:
        if self._place is not None:
            field = _FIELD.match(text)
            if field is not None:
                self._fields[field.group("key")] = field.group("value").strip().strip('"')
                return ()
        events = self._close(offset)
        place = _PLACE.match(text)
        if place is not None:
            inside = "subset" if place.group("subset") else "data set"
            self._place = "" if place.group("held") else inside
            return events
        found = _FOUND.search(text)
        if found is not None:
            events += self._count(found.group("folder"), int(found.group("images")), offset)
        elif "bucket " in text and (found := _BUCKET.search(text)) is not None:
            self._bucket(found.group("w"), found.group("h"), int(found.group("n")))
        elif "mean ar error (without repeats)" in text:
            events += self._bucketed(offset)
        return events

    def _close(self, offset: int) -> list[Event]:
        """The data set or subset whose settings have been read."""
        place, fields = self._place, self._fields
        self._place, self._fields = None, {}
        if not place or not fields:  # nothing, or images of the validation
            return []
        events: list[Event] = []
        regular = fields.get("is_reg") == "True"
        if fields.get("image_count", "").isdigit():
            folder = fields.get("image_dir", "None")
            folder = folder if folder != "None" else fields.get("metadata_file", "")
            events += self._count(folder, int(fields["image_count"]), offset, regular=regular)
        if place not in self._told and not regular:
            self._told.add(place)
            events += stated(fields, offset)
        return events


def stated(fields: dict[str, str], offset: int) -> list[Event]:
    """Settings that a data set was made with, under our names: the user's key is another one."""
    return [
        Config("", offset, _OPTIONS[key], "", _printed(raw), raw)
        for key, raw in fields.items()
        if raw != "None" and key in _OPTIONS
    ]


def _printed(raw: str) -> object:
    """The value that Python printed as `raw`: a switch, a number, a pair of them, else text."""
    if raw in ("True", "False"):
        return raw == "True"
    if raw.startswith("(") and raw.endswith(")"):
        return tuple(_printed(part.strip()) for part in raw[1:-1].split(",") if part.strip())
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw


class Kohya(Trainer):
    """The `*train_network.py` family and the full fine-tuning scripts."""

    id = "kohya"
    title = "kohya sd-scripts"
    scripts: ClassVar[tuple[Script, ...]] = (
        Script(r"(?:\w+_)?train_(?:network|leco)\.py", weight=5),
        # names that others give their scripts too
        Script(
            r"(?:sdxl|flux|sd3|lumina|hunyuan_image|anima)_train\w*\.py|fine_tune\.py"
            r"|train_(?:textual_inversion|db)\.py",
            one_of=("--pretrained_model_name_or_path", "--config_file", "--dataset_config"),
        ),
    )
    loss_kind = "running-mean"
    metrics = {"loss": rb"(?:^|, )(?:avr_)?loss="}
    validation = rb"(?:^|, )val_(?:epoch_)?avg_loss="
    signs: ClassVar[tuple[tuple[str, int], ...]] = (
        (r"running training / 学習開始", 10),
        (r"\b(?:sdxl_|flux_|sd3_|lumina_|hunyuan_image_|anima_)?train_network\.py", 10),
        (r"(?:import network module|enable LoRA for|create LoRA for)", 4),
        (r"(?:train_util|config_util|strategy_base|sdxl_train_util)\.py:\d+", 10),
        (r"sd-scripts", 8),
        (r"^found directory .+ contains \d+ image files$", 10),
        (r"^Start training (?:LoRA|Dreambooth|Finetune)\b.* \.\.\.$", 6),
        (r"^Validating lr scheduler arguments\.\.\.$", 6),
        (r"Using DreamBooth method|loading model for process \d+/\d+", 8),
        (r"prepare optimizer, data loader etc", 8),
        (r"(?:num train images \* repeats|total optimization steps) / ", 10),
    )
    listing: ClassVar[type[Listing] | None] = DataSets
    starts = (
        r"The following values were not passed to `accelerate launch`",
        r"^Loading settings from ",
        r"^Using v\d tokenizer",
        r"^(?:prepare tokenizer|preparing tokenizer)",
    )
    late_starts = (r"running training / ", r"Start training (?:LoRA|Dreambooth)")
    rules: ClassVar[tuple[tuple[str, Handler], ...]] = (
        (r"num train images \* repeats / .*?: (?P<value>\d+)$", setting("images_with_repeats")),
        (r"num reg images / .*?: (?P<value>\d+)$", setting("reg_images_with_repeats")),
        (r"num validation images \* repeats / .*?: (?P<value>\d+)$",
         setting("validation_images")),
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
        (r"\bepoch (?P<value>\d+)/\d+$", setting("epoch")),
        (r"^caching (?:latents|Text Encoder outputs)", phase("caching")),
        (r"^(?:load(?:ing)? (?:model|StableDiffusion|Diffusers|VAE|u-net)|prepare images)",
         phase("loading")),
        (r"resume training from (?:local |huggingface )?state: (?P<path>.+)", resumed),
        (r"load train state from .*?current_step['\"]?\s*:\s*(?P<step>\d+)", resumed),
        (r"generating sample images at step", sample),
        (r"saving checkpoint: (?P<path>.+)", checkpoint),
        (r"^save trained model (?:as StableDiffusion checkpoint )?to (?P<path>.+?)(?:\s{4,}|$)",
         checkpoint),
        (r"removing old (?:checkpoint|model): (?P<path>.+)", removed),
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
