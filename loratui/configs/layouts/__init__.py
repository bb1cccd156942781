"""One file for each trainer: where its configuration says that images lie, and where it writes."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_FILES = {
    "kohya": "kohya",
    "musubi-tuner": "musubi",
    "ai-toolkit": "ai_toolkit",
    "onetrainer": "onetrainer",
    "simpletuner": "simpletuner",
    "diffusion-pipe": "diffusion_pipe",
    "diffusers": "diffusers",
}


def layout(trainer: str) -> ModuleType | None:
    """A trainer's file, which has:

    - `read(settings, found)`, which puts the subsets of its data sets into a `common.Found`;
    - `FOLDERS`, the keys that name folders of images, with `[]` for every index;
    - `output(settings)`, where a run with these settings writes: a `common.Output`;
    - perhaps `unnamed(environment)`, files that it reads without being told to, the first that
      is there.
    """
    name = _FILES.get(trainer)
    return import_module(f"{__name__}.{name}") if name is not None else None
