"""musubi-tuner. Its bar, header and saves are those of sd-scripts; its log lines carry its name.

Source: kohya-ss/musubi-tuner src/musubi_tuner/training/trainer_base.py.
"""

from __future__ import annotations

from loratui.trainers.base import setting
from loratui.trainers.kohya import Kohya


class MusubiTuner(Kohya):
    """The `*_train_network.py` family of musubi-tuner."""

    id = "musubi-tuner"
    title = "musubi-tuner"
    signs = (
        (r"musubi_tuner[.\\/]", 10),
        (r"\bnum train items / ", 10),
        (r"\b(?:qwen_image|flux_kontext|zimage|hv|wan|fpack|flux_2)_train_network\.py", 10),
    )
    rules = (
        (r"num train items / .*?: (?P<value>\d+)$", setting("images_with_repeats")),
        *Kohya.rules,
    )

    def weight(self, desc: str, postfix: bytes) -> int:
        return 0  # a bar alone cannot tell it from sd-scripts
