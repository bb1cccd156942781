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
    # learning rates
    "lr": "lr",
    "learning_rate": "lr",
    "lr/unet": "lr",
    "lr/transformer": "lr",
    "lr/textencoder": "lr_text_encoder",
    # sizes
    "grad_norm": "grad_norm",
    "train/grad_norm": "grad_norm",
    "norm/avg_grad_norm": "grad_norm",
    "norm/avg_key_norm": "key_norm",
    "max_norm/average_key_norm": "key_norm",
    "epoch": "epoch",
    "wall_time": "wall_time",
}

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
def series_of(tag: str) -> str:
    """Our name for the series of a tag; empty for what is no series of ours.

    ``loss`` is each step's own, ``mean_loss`` a mean of it, ``epoch_loss`` and ``val_epoch_loss``
    have epochs as steps, ``val_loss`` was measured on other images.
    """
    tag = tag.strip().removeprefix("metrics/")  # FLUX: "lr/textencoder 1 "; SimpleTuner's file
    known = _EXACT.get(tag)
    if known is not None:
        return known
    return next((name for pattern, name in _LIKE if pattern.search(tag)), "")
