"""What each trainer prints, one file a trainer, and the configuration that it was started with.

Every console has `console(story, tape)` and `files(story)`. Texts follow each trainer's own
source and recorded logs of it.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.diagnosis.make.consoles import (
    ai_toolkit,
    diffusers,
    diffusion_pipe,
    kohya,
    onetrainer,
    simpletuner,
)
from tests.benchmarks.diagnosis.make.story import Story, Tape

CONSOLES: dict[str, Callable[[Story, Tape], None]] = {
    "kohya": kohya.console,
    "musubi-tuner": kohya.console,
    "ai-toolkit": ai_toolkit.console,
    "onetrainer": onetrainer.console,
    "simpletuner": simpletuner.console,
    "diffusion-pipe": diffusion_pipe.console,
    "diffusers": diffusers.console,
}

FILES: dict[str, Callable[[Story], dict[str, str]]] = {
    "kohya": kohya.files,
    "musubi-tuner": kohya.files,
    "ai-toolkit": ai_toolkit.files,
    "onetrainer": onetrainer.files,
    "simpletuner": simpletuner.files,
    "diffusion-pipe": diffusion_pipe.files,
    "diffusers": diffusers.files,
}
