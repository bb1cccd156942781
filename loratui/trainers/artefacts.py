"""Which step or epoch the names of checkpoints and sample images carry.

Sources: sd-scripts library/train_util.py (also musubi-tuner), ai-toolkit BaseSDTrainProcess.py,
OneTrainer GenericTrainer.py and TrainProgress.py, diffusers examples and SimpleTuner
(``checkpoint-N``), diffusion-pipe utils/saver.py.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

WEIGHTS = (".safetensors", ".ckpt", ".pt", ".bin")
IMAGES = (".png", ".jpg", ".jpeg", ".webp")

_CHECKPOINTS = (
    re.compile(r"-step(?P<step>\d{8})\.\w+$"),
    re.compile(r"-(?P<epoch>\d{6})\.\w+$"),
    re.compile(r"-save-(?P<step>\d+)-\d+-\d+\.\w+$"),
    re.compile(r"_(?P<step>\d{9})(?:_\w+)?\.\w+$"),
    re.compile(r"(?:^|[/\\])checkpoint-(?P<step>\d+)(?:-rolling)?(?:[/\\][^/\\]+)?$"),
    re.compile(r"(?:^|[/\\])step(?P<step>\d+)[/\\][^/\\]+$"),
    re.compile(r"(?:^|[/\\])epoch(?P<epoch>\d+)[/\\][^/\\]+$"),
)
_SAMPLES = (
    re.compile(r"_e(?P<epoch>\d{6})_\d{2,}_\d{14}"),
    re.compile(r"_(?P<step>\d{6})_\d{2,}_\d{14}"),
    re.compile(r"__(?P<step>\d{9})_\d+\.\w+$"),
    re.compile(r"-training-sample-(?P<step>\d+)-\d+-\d+"),
    re.compile(r"(?:^|[/\\])validation_images[/\\]step_(?P<step>\d+)_"),
)
# states that a trainer keeps to go on from, and caches: no checkpoint to use
_ASIDE = re.compile(
    r"optimizer|scheduler|random_states|scaler|ema\.pt|_te\.safetensors|(?:^|[/\\])te_"
    r"|[/\\]\S*-state[/\\]|_cache|cache_|latents|(?:^|[/\\])\S*cache[/\\]"
    r"|-backup-\d+-\d+-\d+[/\\]|[/\\]global_step\d+[/\\]|checkpoint-\d+\S*-tmp[/\\]|[/\\]ema[/\\]",
    re.IGNORECASE,
)


class Named(NamedTuple):
    """What a file is by its name. A checkpoint without step and epoch is the last one."""

    kind: Literal["checkpoint", "sample"]
    step: int | None = None
    epoch: int | None = None


def named(path: str) -> Named | None:
    """What a file in a run's output is; None for everything else."""
    low = path.lower()
    if low.endswith(WEIGHTS):
        if _ASIDE.search(path):
            return None
        return _with_number("checkpoint", path)
    if low.endswith(IMAGES):
        found = _with_number("sample", path)
        in_folder = re.search(r"(?:^|[/\\])samples?[/\\]", low) is not None
        return found if in_folder or found.step is not None or found.epoch is not None else None
    return None


def _with_number(kind: Literal["checkpoint", "sample"], path: str) -> Named:
    for pattern in _CHECKPOINTS if kind == "checkpoint" else _SAMPLES:
        if (found := pattern.search(path)) is not None:
            numbers = found.groupdict()
            step, epoch = numbers.get("step"), numbers.get("epoch")
            return Named(kind, int(step) if step else None, int(epoch) if epoch else None)
    return Named(kind)
