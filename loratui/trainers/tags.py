"""What tags of TensorBoard and columns of tables mean, in the names of our own series.

Sources: the trackers of the seven trainers (sd-scripts train_network.py, musubi-tuner
trainer_base.py, ai-toolkit BaseSDTrainProcess.py and logging_aitk.py, OneTrainer
GenericTrainer.py, SimpleTuner trainer.py, diffusion-pipe train.py, diffusers examples), Lightning
and transformers.
"""

from __future__ import annotations

import re
from functools import cache

_EXACT = {
    # each step's own loss
    "loss/current": "loss",
    "loss": "loss",
    "train_loss": "loss",
    "loss/train_step": "loss",
    "loss/loss": "loss",
    "train/loss": "loss",
    "train_loss_step": "loss",
    "train/loss_step": "loss",
    # means of it
    "loss/average": "mean_loss",
    "smooth_loss/train_step": "mean_loss",
    "loss/smooth loss": "mean_loss",
    # one value an epoch; their x is the epoch
    "loss/epoch_average": "epoch_loss",
    "loss/epoch": "epoch_loss",
    "train/epoch_loss": "epoch_loss",
    "loss/validation/epoch_average": "val_epoch_loss",
    # validation
    "loss/validation/step_average": "val_loss",
    "loss/validation_step/total_average": "val_loss",
    "val/loss": "val_loss",
    "val_loss": "val_loss",
    "eval_loss": "val_loss",
    "eval/loss": "val_loss",
    "loss/val/pooled": "val_loss",
    # learning rates
    "lr": "lr",
    "learning_rate": "lr",
    "lr/unet": "lr",
    "lr/transformer": "lr",
    "lr/textencoder": "lr_text_encoder",
    # what Prodigy and its like found
    "prodigy_d": "prodigy_d",
    "train/prodigy_d": "prodigy_d",
    "prodigy_effective_lr": "effective_lr",
    "train/automagic_avg_lr": "effective_lr",
    # sizes
    "grad_norm": "grad_norm",
    "train/grad_norm": "grad_norm",
    "norm/avg_grad_norm": "grad_norm",
    "norm/avg_key_norm": "key_norm",
    "max_norm/average_key_norm": "key_norm",
    "epoch": "epoch",
    "wall_time": "wall_time",
}

# Losses on a part of the validation's images or time steps, and how its part is marked.
_PARTS = tuple(
    (re.compile(pattern), series)
    for pattern, series in (
        # OneTrainer: a concept
        (r"^loss/validation_step/(?!total_average$)(?P<part>.+)$", "val_loss "),
        # sd-scripts: a time step
        (r"^loss/validation/step_current_(?P<part>\d+)$", "val_loss t"),
        (r"^loss/validation/epoch_current_(?P<part>\d+)$", "val_epoch_loss t"),
    )
)
# Whole data sets of trainers that give no mean over all of them: SimpleTuner, diffusion-pipe (the
# latter also by quantiles of the time steps).
_POOL = re.compile(r"^loss/val/(?P<name>.+)$")
_SET = re.compile(r"^(?P<name>[^/]+)/loss(?:_quantile_(?P<quantile>\d\.\d+))?$")
_LIKE = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"^lr/group\d|^lr/d\*lr/group\d", ""),  # said again under its own name
        (r"^lr/(d\*(?:eff_)?lr)", "effective_lr"),
        (r"^lr/text_?encoder", "lr_text_encoder"),
        (r"^lr/(unet|transformer|prior)", "lr"),
        (r"(val|eval|validation|test)\w*[/_. ](\w+[/_. ])?loss$", "val_loss"),
        (r"^(train\w*[/_. ])?grad(ient)?[/_. ]?norm", "grad_norm"),
        (r"^(train\w*[/_. ])?loss([/_. ](total|step|train))?$", "loss"),
        (r"^(train\w*[/_. ])?(lr|learning[/_. ]?rate)$", "lr"),
        (r"^lr-\w+(/pg\d)?$", "lr"),  # Lightning's LearningRateMonitor
    )
)


@cache
def names_of(tag: str, validation: bool = False) -> tuple[str, ...]:
    """Our names for the series of a tag, of which the first that is free is taken.

    ``loss`` is each step's own, ``mean_loss`` a mean of it, ``epoch_loss`` and ``val_epoch_loss``
    have epochs as steps, ``val_loss`` was measured on other images. What was measured on a part of
    those has its name behind it: ``val_loss portraits`` (a concept), ``val_loss q0.25`` (a quantile
    of the time steps), ``val_loss t500`` (a time step). Of several data sets without a mean the
    first is ``val_loss``, the others are ``val_loss eval1`` and ``val_loss eval1 q0.25``.

    `validation` says that the tag is that of a validation although its name does not show it.
    """
    tag = tag.strip().removeprefix("metrics/")  # FLUX: "lr/textencoder 1 "; SimpleTuner's file
    known = _EXACT.get(tag)
    if known is not None:
        return (known,)
    for pattern, series in _PARTS:
        if (found := pattern.search(tag)) is not None:
            return (f"{series}{found.group('part')}",)
    if (found := _POOL.search(tag)) is not None:
        return "val_loss", f"val_loss {found.group('name')}"
    like = next((name for pattern, name in _LIKE if pattern.search(tag)), "")
    found = _SET.search(tag)
    if found is not None and found.group("quantile"):
        part = f"q{found.group('quantile')}"
        return f"val_loss {part}", f"val_loss {found.group('name')} {part}"
    if found is not None and (validation or like == "val_loss"):
        return "val_loss", f"val_loss {found.group('name')}"
    return (like,) if like else ()


def series_of(tag: str) -> str:
    """The first of `names_of`; empty for what is no series of ours."""
    return next(iter(names_of(tag)), "")
