"""Settings of a trainer under our own option names; later sources override by its own rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loratui.configs.base import ConfigFile, Setting
from loratui.configs.coerce import coerced
from loratui.core.facts import ConfigValue, TrainingConfig
from loratui.kb.marked import nearest

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import TrainerKeys

Sources = ConfigFile | Iterable[ConfigFile | Setting]

_PROCESS = re.compile(r"^config\.process\[\]\.")
# switches of the command that starts a trainer, which are no keys of its configuration
_SWITCHES = {
    "ai-toolkit": frozenset(("recover", "name", "log")),
    "onetrainer": frozenset(
        f"{name}-path" for name in ("config", "preset", "secrets", "callback", "command")
    )
    | {"config-value"},
    "diffusion-pipe": frozenset(("deepspeed_config", "local_rank")),
}
# SimpleTuner's entries that hold no images
_ASIDE = frozenset(
    ("text_embeds", "image_embeds", "conditioning", "conditioning_image_embeds", "eval")
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key that the trainer does not know, and the known one that was probably meant."""

    setting: Setting
    nearest: str = ""


def listed(sources: Sources) -> list[Setting]:
    """All settings of all sources, in order."""
    if isinstance(sources, ConfigFile):
        return list(sources.values)
    found: list[Setting] = []
    for source in sources:
        found += source.values if isinstance(source, ConfigFile) else (source,)
    return found


def training_config(kb: KnowledgeBase, trainer: str, sources: Sources) -> TrainingConfig:
    """The settings in force, by our option names, each with the place that it comes from.

    Sources stand in the order of their reading, the command line anywhere. What is null is not
    set. A value that does not fit its option's kind is kept as it was written.
    """
    names = kb.option_names(trainer)
    best: dict[str, tuple[tuple[int, ...], Setting]] = {}
    settings = _relevant(trainer, listed(sources))
    for at, setting in enumerate(settings):
        option = names.get(setting.general) or names.get(_plain(setting.general), "")
        if not option or setting.value is None:
            continue
        known = kb.options[option]
        keys = known.keys.get(trainer, ())  # type: ignore[call-overload]
        value = coerced(setting.value, known.kind)
        rank = _rank(setting, value, known.kind, keys, at)
        if option not in best or rank > best[option][0]:
            best[option] = (rank, replace(setting, value=value))
    return TrainingConfig(
        {
            option: ConfigValue(option, s.value, s.key, s.raw, s.file or None, s.line)
            for option, (_rank, s) in best.items()
        }
    )


def unknown_keys(trainer: str, sources: Sources, keys: TrainerKeys) -> list[Unknown]:
    """The keys that the trainer does not have, each once, in the order of the files.

    What a graphical front end keeps for itself, and what a LoRA says of its run, is left out.
    """
    found: dict[str, Unknown] = {}
    for setting in listed(sources):
        general = _PROCESS.sub("", setting.general)
        if setting.origin in ("gui", "metadata") or general in found or _known(general, keys):
            continue
        if setting.origin == "flag" and general in _SWITCHES.get(trainer, ()):
            continue
        found[general] = Unknown(setting, _nearest(general, keys.keys))
    return list(found.values())


def _known(general: str, keys: TrainerKeys) -> bool:
    if general in keys.keys or _plain(general) in keys.keys:
        return True
    if any(general.startswith(begin) or general == begin.rstrip(".") for begin in keys.open):
        return True
    # a mapping that the trainer takes as a whole, an empty one, or an entry of a plain list
    above = general
    while "." in above or above.endswith("[]"):
        above = above.removesuffix("[]") if above.endswith("[]") else above.rpartition(".")[0]
        known = keys.keys.get(above)
        if known is not None and known.type in ("mapping", "list"):
            return True
    return any(key.startswith((f"{general}.", f"{general}[]")) for key in keys.keys)


def _nearest(general: str, keys: Mapping[str, object]) -> str:
    """The known key with the same last part elsewhere, or with a similar name at the same place."""
    place, _dot, name = general.rpartition(".")
    here = [key for key in keys if key.rpartition(".")[0] == place]
    near = nearest(name, [key.rpartition(".")[2] for key in here])
    if near:
        return f"{place}.{near}" if place else near
    same = [key for key in keys if key.rpartition(".")[2] == name]
    return same[0] if len(same) == 1 else nearest(general, keys)


def _plain(general: str) -> str:
    """A key whose list of plain values was split because one of them is a mapping."""
    return general.removesuffix("[]")


def _rank(
    setting: Setting, value: object, kind: str, keys: tuple[str, ...], at: int
) -> tuple[int, ...]:
    """Which of two settings of one option wins: the greater.

    What a data set file says wins over the rest, the deeper the surer; then a flag over a file
    over a LoRA's metadata; of several keys a boolean that is on, then the first that our table
    names; of several entries of a list the first; last the one that is read last.
    """
    general = setting.general
    depth = general.count("[]") * 2 or int(general.startswith("general."))
    origin = {"metadata": 0, "gui": 1, "file": 1, "flag": 2}[setting.origin]
    on = int(value is True) if kind == "boolean" and len(keys) > 1 else 0
    if general in ("train.gradient_accumulation", "train.gradient_accumulation_steps"):
        on = int(value != 1)
    order = -keys.index(general) if general in keys else -len(keys)
    return depth, origin, on, order, -at if "[]" in general else at


def _relevant(trainer: str, settings: list[Setting]) -> list[Setting]:
    """Without what the trainer does not look at in this run."""
    if trainer == "onetrainer":
        return _of_model(settings)
    if trainer == "simpletuner":
        return _of_images(settings)
    return settings


def _of_model(settings: list[Setting]) -> list[Setting]:
    """OneTrainer writes all parts that any model has; only one of them is this model's."""
    kind = next((str(s.value) for s in settings if s.key == "model_type"), "")
    if not kind:
        return settings
    if kind.startswith(("WUERSTCHEN", "STABLE_CASCADE")):
        others = ("unet.", "transformer.")
    elif kind.startswith("STABLE_DIFFUSION") and not kind.startswith("STABLE_DIFFUSION_3"):
        others = ("transformer.", "prior.")
    else:
        others = ("unet.", "prior.")
    return [setting for setting in settings if not setting.key.startswith(others)]


def _of_images(settings: list[Setting]) -> list[Setting]:
    """SimpleTuner: without data sets that are switched off or hold no images."""
    out = {
        setting.key.partition("]")[0]
        for setting in settings
        if (setting.general == "[].dataset_type" and setting.value in _ASIDE)
        or (setting.general in ("[].disabled", "[].disable") and setting.value is True)
    }
    return [s for s in settings if not (s.key[:1] == "[" and s.key.partition("]")[0] in out)]
