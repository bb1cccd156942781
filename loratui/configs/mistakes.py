"""What a trainer will not understand: keys that it lacks, values of another kind, missing files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from loratui.configs.base import ConfigFile, Fault, Setting
from loratui.configs.coerce import coerced
from loratui.configs.files import NAMING, located
from loratui.configs.settings import Sources, listed, unknown_keys

if TYPE_CHECKING:
    from loratui.kb.schema import Key, TrainerKeys

_KINDS = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
_LONGEST = 40  # characters of a value that are shown


def mistakes(trainer: str, sources: Sources, keys: TrainerKeys, base: str | Path) -> list[Fault]:
    """Everything, by file and line; files are looked for as seen from the folder `base`."""
    given = [sources] if isinstance(sources, ConfigFile) else list(sources)
    found = [
        _fault(unknown.setting, f"{trainer} knows no key of this name", unknown.nearest)
        for unknown in unknown_keys(trainer, given, keys)
    ]
    for setting in listed(given):
        known = keys.keys.get(setting.general)
        if known is not None and (kind := _misfit(setting, known)):
            shown = str(setting.value)
            shown = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
            found.append(_fault(setting, f"{kind} is expected, not {shown!r}"))
    found += _missing(given, base)
    return sorted(found, key=lambda fault: (fault.file, fault.line))


def _fault(setting: Setting, text: str, nearest: str = "") -> Fault:
    key = setting.written or setting.key
    hint = f"; the nearest is {nearest}" if nearest else ""
    return Fault(setting.line, key, f"{key}: {text}{hint}", setting.file)


def _misfit(setting: Setting, known: Key) -> str:
    """The kind of value that is expected where this one cannot be read as it."""
    value = setting.value
    if known.type not in _KINDS or setting.origin in ("gui", "metadata"):
        return ""
    if value is None or isinstance(value, tuple | dict) or value in known.choices:
        return ""  # not set; one for each part of a model
    read = coerced(value, known.type)
    if known.type == "boolean":
        fits = isinstance(read, bool) or bool(known.choices)
    else:
        fits = isinstance(read, int | float) and not isinstance(value, bool)
    return "" if fits or _placeholder(value) else _KINDS[known.type]


def _placeholder(value: object) -> bool:
    """A variable that is known only where it runs, or a word that stands for "none"."""
    return isinstance(value, str) and (
        "$" in value or value.strip().lower() in ("", "none", "null", "auto")
    )


def _missing(sources: Iterable[ConfigFile | Setting], base: str | Path) -> list[Fault]:
    """Files that settings name and that are not there."""
    settings = listed(list(sources))
    inline = any(setting.key.startswith("concepts[") for setting in settings)
    found = []
    for setting in settings:
        named = setting.value
        if setting.key not in NAMING or not isinstance(named, str) or _placeholder(named):
            continue
        if inline and setting.key == "concept_file_name":
            continue  # OneTrainer writes a name even where the concepts stand in the file itself
        if not located(named, base).is_file():
            found.append(_fault(setting, f"there is no file {named}"))
    return found
