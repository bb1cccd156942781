"""The folders of images that a configuration names, by each trainer's own rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from loratui.configs.base import ConfigFile, Fault, Setting
from loratui.configs.files import companions
from loratui.configs.layouts import layout
from loratui.configs.layouts.common import Found
from loratui.configs.settings import Sources, listed
from loratui.core.dataset import Subset

MOST = 500_000
"""Files of a folder that are listed."""


def subsets(
    trainer: str, sources: Sources, base_folder: str | Path
) -> tuple[list[Subset], list[Fault]]:
    """(subsets, problems); `base_folder` is the folder in which the trainer runs.

    Files that the settings name (a data set file, concepts, data backends) are read as well
    unless their settings are already among the sources. Of images only names are read.
    """
    found = Found(base_folder)
    own = layout(trainer)
    if own is None:
        return [], [
            Fault(0, "", f"no layout of data sets is known for {trainer or 'this trainer'}")
        ]
    given = [sources] if isinstance(sources, ConfigFile) else list(sources)
    settings = listed(given)
    if not _has_data(settings):
        for file in companions(given, base_folder):
            settings += file.values
            found.problems += file.problems
    own.read(settings, found)
    if not found.subsets and not found.problems:
        found.problems.append(Fault(0, "", "no data set is named"))
    return found.subsets, found.problems


def _has_data(settings: Sequence[Setting]) -> bool:
    begins = ("datasets[", "concepts[", "directory[", "[")
    return any(setting.key.startswith(begins) for setting in settings)


def images(subset: Subset) -> Iterator[str]:
    """The paths of the images of a subset's folder, by their names alone."""
    wanted = subset.image_extensions
    for path in _files(subset.path, subset, 0):
        stem, ending = os.path.splitext(os.path.basename(path))
        if subset.any_case:
            ending = ending.lower()
        if wanted and ending not in wanted:
            continue
        if not ending or ending in subset.other_extensions or ending in subset.caption_extensions:
            continue
        if not stem.endswith(subset.left_out or ("\0",)):
            yield path


def count(subset: Subset) -> int | None:
    """How many images a subset's folder holds; None where there is no such folder."""
    if not subset.path or not os.path.isdir(subset.path):
        return None
    return sum(1 for _path in images(subset))


def _files(folder: str, subset: Subset, depth: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as rows:
            entries = sorted(rows, key=lambda row: row.name)
    except (OSError, ValueError):
        return
    for number, entry in enumerate(entries):
        if number >= MOST or entry.name.startswith("."):
            continue
        try:
            inner = entry.is_dir()
        except OSError:
            continue
        if not inner:
            yield entry.path
        elif subset.recursive and depth < 16 and entry.name not in subset.left_out:
            yield from _files(entry.path, subset, depth + 1)
