"""Long logs as a trainer writes them, made here so that every figure can be measured anywhere."""

from __future__ import annotations

import math
import random
from pathlib import Path


def bar(step: int, total: int, loss: float, *, rate: float = 2.0, lead: str = "\r") -> str:
    """One draw of sd-scripts' bar in a redirected log."""
    seconds, left = int(step / rate), int((total - step) / rate)
    cells = step * 10 / total
    full = int(cells)
    glyphs = "█" * full + ("▏▎▍▌▋▊▉"[int((cells - full) * 7)] if full < 10 else "")
    return (
        f"{lead}steps: {step * 100 // total:3d}%|{glyphs:<10}| {step}/{total} "
        f"[{_clock(seconds)}<{_clock(left)},  {rate:.2f}it/s, avr_loss={loss:.3g}]"
    )


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    head = f"{hours}:" if hours else ""
    return f"{head}{rest // 60:02d}:{rest % 60:02d}"


def write_log(path: Path, steps: int, *, twice: bool = False, seed: int = 1) -> Path:
    """A healthy running mean over `steps` steps; `twice` draws each step as a terminal would."""
    random.seed(seed)
    mean, before = 0.14, None
    with path.open("w", encoding="utf-8") as file:
        for step in range(1, steps + 1):
            mean += (0.12 * math.exp(random.gauss(0, 0.5)) - mean) / 400
            if twice and before is not None:
                file.write(bar(step, steps, before))
            file.write(bar(step, steps, mean))
            before = mean
    return path
