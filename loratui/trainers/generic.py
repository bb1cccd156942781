"""Any script with a tqdm bar that shows a loss, or lines such as `step 10/50 … loss: 1.99`."""

from __future__ import annotations

import re

from loratui.trainers.base import Role, Trainer, checkpoint, phase

_LOSS = re.compile(rb"(?:^|[ ,_])(?:\w*loss\w*)[=:]", re.IGNORECASE)
_TRAINING = re.compile(r"\b(?:train(?:ing)?|steps?|iterations?|global step)\b", re.IGNORECASE)
_OTHER = re.compile(r"valid|eval|sampl|generat|cach|load|download|fetch", re.IGNORECASE)
STEP_LINE = re.compile(
    r"\b(?:global[ _]?)?(?:step|iter(?:ation)?)s?\b[\s:=#\[(]*(?P<step>\d+)"
    r"(?:\s*(?:/|of)\s*(?P<total>\d+))?"
    r"(?P<rest>.*?\bloss\b[\"']?\s*[:=]?\s*(?P<loss>[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)).*)",
    re.IGNORECASE,
)
RATE = re.compile(
    r"\b(?:lr|learning[ _]rate)\b[\"']?\s*[:=]\s*\[?(?P<lr>\d[\d.]*(?:e[-+]?\d+)?)", re.IGNORECASE
)
EPOCH = re.compile(
    r"\bepoch\b[\s:=#\[(]*(?P<epoch>\d+)(?:\s*(?:/|of)\s*(?P<epochs>\d+))?", re.IGNORECASE
)


class Generic(Trainer):
    """The fallback: it claims nothing that it cannot see."""

    id = "unknown"
    title = "unknown trainer"
    saves = "never"
    loss_kind = "unknown"
    metrics = {
        "loss": rb"(?i:(?:^|[ ,])(?:train_|step_|avg_|avr_|total_)?loss[=:] ?)",
        "lr": rb"(?i:(?:^|[ ,])(?:lr|learning_rate)[=:] ?)",
        "grad_norm": rb"(?i:(?:^|[ ,])grad_norm[=:] ?)",
    }
    rules = (
        (r"(?i)\b(?:saving|saved)\b.*?(?:checkpoint|lora|weights|model).*?"
         r"(?P<path>\S+\.(?:safetensors|ckpt|pt|bin))", checkpoint),
        (r"(?i)^(?:loading|downloading|fetching)\b", phase("loading")),
        (r"(?i)\bcaching (?:latents|text)", phase("caching")),
    )  # fmt: skip

    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        if _OTHER.search(desc):
            return "other"
        if _LOSS.search(postfix):
            return "training"
        return "training" if desc and _TRAINING.search(desc) else "other"

    def weight(self, desc: str, postfix: bytes) -> int:
        return 1 if _LOSS.search(postfix) else 0
