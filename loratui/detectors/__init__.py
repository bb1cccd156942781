"""Patterns over series and pace: one file per pattern, found by scanning this package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from loratui.detectors.base import Columns, Detector, View
from loratui.detectors.curve import Curve, CurveReader
from loratui.detectors.pace import Pace, Paced

__all__ = ["Columns", "Detector", "View", "detectors"]


def detectors() -> list[Detector]:
    """One new instance of every detector, for one run. Those that look at the curve share
    one, so that its logarithms are taken once; those that look at speed one pace."""
    curve, pace = Curve(), Pace()
    found: list[Detector] = []
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ != module.__name__ or inspect.isabstract(kind):
                continue
            if issubclass(kind, CurveReader):
                found.append(kind(curve))
            elif issubclass(kind, Paced):
                found.append(kind(pace))
            elif issubclass(kind, Detector):
                found.append(kind())
    return found
