"""OneTrainer. An outer `epoch` bar and, inside it, a `step` bar that restarts every epoch.

Its console is silent but for the bars, a few `tqdm.write` lines and tracebacks.
Source: Nerogar/OneTrainer modules/trainer/GenericTrainer.py.
"""

from __future__ import annotations

from loratui.trainers.base import Role, Script, Trainer, checkpoint, phase, resumed


class OneTrainer(Trainer):
    """`scripts/train.py --config-path …`; a step is a batch."""

    id = "onetrainer"
    title = "OneTrainer"
    scripts = (
        Script(
            r"train(?:_remote)?\.py", path=r"(?:^|/)scripts/|onetrainer", flags=("--config-path",)
        ),
    )
    saves = "at once"  # written around the bars
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
    survived = (
        r"^Error during (?:sampling|loading the sample definition file), proceeding without",
        r"^Could not (?:save backup|save model)\. Check your disk space!",
    )
    rules = (
        (r"^Clearing cache directory ", phase("caching")),
        (r"^Quantizing model weights", phase("loading")),
        (r"^Continuing training from backup ['\"]?(?P<path>.+?)['\"]?\.\.\.$", resumed),
        (r"^Creating Backup (?P<path>.+)", phase("saving")),
        (r"^Saving (?P<path>.+\.(?:safetensors|ckpt|pt))", checkpoint),
        (r"^Saving (?P<path>.*[/\\]save[/\\](?!.*\.(?:safetensors|ckpt|pt)\b).*)", checkpoint),
    )

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        if desc == "step":
            return "training"
        return "epoch" if desc == "epoch" else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        if b"smooth loss=" in postfix:
            return 10
        return 4 if desc in ("step", "epoch") else 0
