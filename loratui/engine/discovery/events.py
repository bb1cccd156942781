"""Which of the folders of TensorBoard's events is a run's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

_MOST = 2000  # entries of folders that are looked at
_DEEPEST = 3
_EVENTS = "events.out.tfevents."


def open_events(files: Mapping[int, str]) -> str:
    """The folder of the events that a process holds open."""
    for target in files.values():
        if os.path.basename(target).startswith(_EVENTS):
            return os.path.dirname(target)
    return ""


def newest_events(folder: str, since: float) -> str:
    """The folder below `folder` with the newest events written after `since`."""
    best, when = "", since
    for entry in _entries(folder, [_MOST], _DEEPEST):
        if entry.name.startswith(_EVENTS):
            try:
                written = entry.stat().st_mtime
            except OSError:
                continue
            if written > when:
                best, when = os.path.dirname(entry.path), written
    return best


def _entries(folder: str, left: list[int], depth: int) -> Iterator[os.DirEntry[str]]:
    """Files below a folder, those of folders with later names first, as names are often times.

    `left` counts down how many entries may still be looked at.
    """
    inside: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                left[0] -= 1
                if left[0] < 0:
                    return
                if entry.is_dir(follow_symlinks=False):
                    inside.append(entry)
                else:
                    yield entry
    except (OSError, ValueError):
        return
    if depth:
        for entry in sorted(inside, key=lambda entry: entry.name, reverse=True):
            yield from _entries(entry.path, left, depth - 1)
