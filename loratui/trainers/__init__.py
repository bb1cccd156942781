"""One file per trainer; `reading/` is what they share."""

from __future__ import annotations

import importlib
import pkgutil

from loratui.trainers.base import Trainer


def trainers() -> list[Trainer]:
    """One instance of every trainer in this package, the generic fallback last."""
    found: list[Trainer] = []
    for info in pkgutil.iter_modules(__path__):
        if info.ispkg or info.name == "base":
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        found += [
            value()
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Trainer)
            and value.__module__ == module.__name__
        ]
    return sorted(found, key=lambda trainer: (trainer.id == "unknown", trainer.id))
