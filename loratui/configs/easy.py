"""LoRA Easy Training Scripts: the TOML of its window as the options that sd-scripts gets.

Its tables mirror the boxes of the window (``[network_args.args]``, ``[general_args.dataset_args]``)
and are taken apart before the training: derrian-distro/LoRA_Easy_Training_scripts_Backend
utils/validation.py, utils/process.py; the window's main_ui_files/MainUI.py (save_toml).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from loratui.configs.base import Setting

_BOX = re.compile(r"(?P<box>\w+_args)\.(?P<kind>args|dataset_args)\.(?P<key>.+)", re.DOTALL)
_SUBSET = re.compile(r"subsets\[(?P<at>\d+)\]\.(?P<key>.+)", re.DOTALL)
_NESTED = ("network_args", "optimizer_args", "lr_scheduler_args")
# what the window keeps for itself
_OWN = frozenset(("sdxl", "fa", "easy_name", "save_toml", "save_toml_location", "tag_occurrence"))
_NAMED = frozenset(("output_dir", "output_name", "resume", "log_prefix"))
_PLACEHOLDER = "${replace}"
_MODULES = {"algo": "lycoris.kohya", "unit": "networks.dylora"}


def is_easy(settings: Iterable[Setting]) -> bool:
    """Whether a TOML file is one of the window."""
    boxes = {found["box"] for s in settings if (found := _BOX.fullmatch(s.key)) is not None}
    return bool(boxes & {"general_args", "network_args", "optimizer_args", "saving_args"})


def translated(settings: Iterable[Setting]) -> list[Setting]:
    """The options of sd-scripts, each with its place; what is empty or off is not passed on."""
    shown = [replace(setting, origin="gui", written=setting.key) for setting in settings]
    words: dict[str, list[tuple[str, Setting]]] = {name: [] for name in _NESTED}
    found: list[Setting] = []
    kept: dict[str, Setting] = {}
    for setting in shown:
        subset = _SUBSET.fullmatch(setting.key)
        box = _BOX.fullmatch(setting.key)
        if subset is not None:
            if _given(setting.value) and subset["key"] != "name":
                key = f"datasets[0].subsets[{subset['at']}].{subset['key']}"
                found.append(replace(setting, key=key))
        elif box is not None and box["kind"] == "dataset_args":
            if _given(setting.value):
                found.append(replace(setting, key=f"general.{box['key']}"))
        elif box is not None:
            name, dot, inner = box["key"].partition(".")
            if dot and name in words:
                words[name].append((inner, setting))
            else:
                kept[box["key"]] = replace(setting, key=box["key"])
    found += _options(kept)
    found += [_joined(name, rows) for name, rows in words.items() if rows]
    return found + _module(kept, words["network_args"])


def _given(value: object) -> bool:
    return bool(value) and str(value).lower() != "false"


def _options(kept: dict[str, Setting]) -> list[Setting]:
    own = kept.get("easy_name")
    name = str(own.value) if own is not None else ""
    found = []
    for key, setting in kept.items():
        if key in _OWN or not _given(setting.value):
            continue
        if key in _NAMED and isinstance(setting.value, str):
            setting = replace(setting, value=setting.value.replace(_PLACEHOLDER, name))
        if key == "warmup_ratio" and "lr_scheduler_type" not in kept:
            setting = replace(setting, key="lr_warmup_steps")  # a share of all steps
        found.append(setting)
    return found


def _joined(name: str, rows: list[tuple[str, Setting]]) -> Setting:
    """``conv_dim = 8`` under ``network_args`` becomes ``"conv_dim=8"`` in one list."""
    words = tuple(f"{key}={_text(setting.value)}" for key, setting in rows)
    first = rows[0][1]
    return replace(first, key=name, value=words, raw="", written=first.key.rpartition(".")[0])


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _module(kept: dict[str, Setting], rows: list[tuple[str, Setting]]) -> list[Setting]:
    """The network's module, which follows from other boxes."""
    if "network_module" in kept:
        return []
    rank = kept.get("network_dim")
    switch = kept.get("fa")
    if switch is not None and _given(switch.value):
        return [replace(switch, key="network_module", value="networks.lora_fa")]
    for key, setting in rows:
        if key in _MODULES:
            return [replace(setting, key="network_module", value=_MODULES[key])]
    if rank is None:
        return []
    flux = "guidance_scale" in kept
    name = "networks.lora_flux" if flux else "networks.lora"
    return [replace(rank, key="network_module", value=name)]
