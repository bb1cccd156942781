"""What the layouts share: values by key, paths, resolutions."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from loratui.configs.base import Fault, Setting
from loratui.configs.coerce import parsed, truth, whole
from loratui.core.dataset import Subset

Entry = Mapping[str, Setting]

_VARIABLE = re.compile(r"\$\{?\w|%\w+%")
SD_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".PNG", ".JPG", ".JPEG", ".WEBP", ".BMP")


@dataclass
class Found:
    """Subsets and problems while a layout is read."""

    base: str | Path
    subsets: list[Subset] = field(default_factory=list)
    problems: list[Fault] = field(default_factory=list)

    def say(self, setting: Setting | None, text: str, key: str = "") -> None:
        if setting is None:
            self.problems.append(Fault(0, key, text))
        else:
            self.problems.append(Fault(setting.line, key or setting.key, text, setting.file))

    def place(self, setting: Setting) -> str:
        """The folder that a path means, seen from the trainer's working directory."""
        text = str(setting.value)
        if _VARIABLE.search(text):
            self.say(setting, f"{text!r} holds a variable that is known only where it runs")
            return text
        if PureWindowsPath(text).drive and os.name != "nt":
            return text
        return os.path.normpath(Path(self.base) / text) if text else ""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a run writes, as its settings name it; empty where they do not.

    `folder` holds all of it, `logging` TensorBoard's files; `log` is a console log that the
    trainer keeps itself, `beside` the name of one in the folder of the configuration. `name` is
    what the run is called, `jobs` the database of a web interface.
    """

    folder: str = ""
    logging: str = ""
    samples: str = ""
    checkpoints: str = ""
    log: str = ""
    beside: str = ""
    name: str = ""
    jobs: str = ""


def below(folder: str, name: str) -> str:
    """A place in a folder; nothing where either is not known."""
    return os.path.join(folder, name) if folder and name else ""


def named(key: str, entry: Entry, default: str = "") -> str:
    """The text of a setting that names something; a flag without a value names nothing."""
    setting = entry.get(key)
    return setting.value if setting is not None and isinstance(setting.value, str) else default


def flat(settings: Iterable[Setting]) -> dict[str, Setting]:
    """The settings outside lists, a flag over a file, else the last one."""
    found: dict[str, Setting] = {}
    for setting in settings:
        known = found.get(setting.key)
        if known is not None and known.origin == "flag" and setting.origin != "flag":
            continue
        found[setting.key] = setting
    return found


def first(key: str, *entries: Entry) -> Setting | None:
    """The setting of the first entry that has one; null counts as none."""
    for entry in entries:
        setting = entry.get(key)
        if setting is not None and setting.value is not None:
            return setting
    return None


def text(setting: Setting | None, default: str = "") -> str:
    return default if setting is None else str(setting.value)


def number(setting: Setting | None, default: float) -> float:
    if setting is None:
        return default
    found = parsed(str(setting.value))
    return default if found is None or not math.isfinite(found) else found


def integer(setting: Setting | None, default: int) -> int:
    found = whole(setting.value) if setting is not None else None
    return default if found is None else found


def switched(setting: Setting | None, *, default: bool = False) -> bool:
    return default if setting is None else truth(setting.value)


def listed(setting: Setting | None) -> tuple[object, ...]:
    """A value as a list: one value is a list of one, text may have commas or blanks between."""
    if setting is None:
        return ()
    if isinstance(setting.value, tuple):
        return setting.value
    if isinstance(setting.value, str):
        return tuple(part for part in re.split(r"[,\sx]+", setting.value.strip("()[] ")) if part)
    return (setting.value,)


def pair(setting: Setting | None) -> tuple[int, int] | None:
    """Width and height of a side or a pair of sides."""
    sides = [side for part in listed(setting) if (side := whole(part)) and side > 0]
    return (sides[0], sides[1] if len(sides) > 1 else sides[0]) if sides else None


def opened(entry: Entry) -> tuple[str, int | None]:
    """The file and the first line of an entry."""
    rows = [setting for setting in entry.values() if setting.line]
    best = min(rows, key=lambda setting: setting.line, default=None)
    return (best.file, best.line) if best is not None else ("", None)


def names(folder: str) -> list[str] | None:
    """The names of the folders in a folder, in order, or None where it cannot be listed."""
    try:
        with os.scandir(folder) as rows:
            return sorted(row.name for row in rows if row.is_dir())
    except (OSError, ValueError):
        return None
