"""musubi-tuner. Its bar, header and saves are those of sd-scripts; its log lines carry its name.

A log line is `INFO:module:message` and is often glued to the bar. Latents and text encoder outputs
are cached by scripts of their own. Source: kohya-ss/musubi-tuner
src/musubi_tuner/training/trainer_base.py, cache_latents.py, dataset/datasources.py.
"""

from __future__ import annotations

from loratui.trainers.base import phase, setting
from loratui.trainers.kohya import Kohya


class MusubiTuner(Kohya):
    """The `*_train_network.py` family of musubi-tuner."""

    id = "musubi-tuner"
    title = "musubi-tuner"
    signs = (
        (r"musubi_tuner[.\\/]", 10),
        (r"^INFO:dataset\.(?:config_utils|image_video_dataset):", 10),  # up to 2025-04
        (r"\bnum train items / ", 10),
        (r"\b(?:qwen_image|flux_kontext|zimage|hv|wan|fpack|flux_2)_train_network\.py", 10),
    )
    rules = (
        (r"num train items / .*?: (?P<value>\d+)$", setting("images_with_repeats")),
        (r":found (?P<value>\d+) images$", setting("images")),
        (r":(?:glob (?:images|videos) in |[Ll]oading |Load dataset config)", phase("loading")),
        (r":(?:Encoding dataset \[\d+\]|Encoding with Text Encoder)", phase("caching")),
        (r":saving (?:state|last state)", phase("saving")),
        (r":model saved\.$", phase("finished")),
        *Kohya.rules,
    )

    def weight(self, desc: str, postfix: bytes) -> int:
        return 0  # a bar alone cannot tell it from sd-scripts
