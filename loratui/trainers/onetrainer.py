"""OneTrainer. An outer `epoch` bar and, inside it, a `step` bar that restarts every epoch.

Its console is silent but for the bars, a few `tqdm.write` lines and tracebacks.
Source: Nerogar/OneTrainer modules/trainer/GenericTrainer.py.
"""

from __future__ import annotations

from loratui.trainers.base import Role, Trainer, checkpoint, phase


class OneTrainer(Trainer):
    """`scripts/train.py --config-path …`; a step is a batch."""

    id = "onetrainer"
    title = "OneTrainer"
    nested = True
    metrics = {
        "loss": rb"(?:^|, )loss=",
        "smooth_loss": rb"(?:^|, )smooth loss=",
    }
    signs = (
        (r"OneTrainer", 6),
        (r"GenericTrainer\.py", 10),
        (r"^Clearing cache directory .*You can disable this if you want", 10),
        (r"^(?:De)?[Ss]elected layers: \d+", 8),
        (r"^nvCOMP: no backend available", 5),
    )
    starts = ()
    late_starts = (r"^Clearing cache directory ",)
    rules = (
        (r"^Clearing cache directory ", phase("caching")),
        (r"^Quantizing model weights|^Continuing training from backup ", phase("loading")),
        (r"^Creating Backup (?P<path>.+)", phase("saving")),
        (r"^Saving (?P<path>.+\.(?:safetensors|ckpt|pt))", checkpoint),
        (r"^Saving (?P<path>\S*(?:/|\\)save(?:/|\\).*)", checkpoint),
    )

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        if desc == "step":
            return "training"
        return "epoch" if desc == "epoch" else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        if b"smooth loss=" in postfix:
            return 10
        return 4 if desc in ("step", "epoch") else 0
