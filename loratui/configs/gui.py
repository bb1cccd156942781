"""kohya_ss GUI files: the GUI's names and values as the options that it hands to sd-scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from loratui.configs import command
from loratui.configs.base import Setting

_SIGNS = ("LoRA_type", "max_resolution", "lr_warmup", "noise_offset_type", "optimizer")
_NAMES = {
    "max_resolution": "resolution",
    "optimizer": "optimizer_type",
    "lora_network_weights": "network_weights",
    "sdxl_no_half_vae": "no_half_vae",
    "sdxl_cache_text_encoder_outputs": "cache_text_encoder_outputs",
    "flux1_cache_text_encoder_outputs": "cache_text_encoder_outputs",
    "flux1_cache_text_encoder_outputs_to_disk": "cache_text_encoder_outputs_to_disk",
    "sd3_cache_text_encoder_outputs": "cache_text_encoder_outputs",
    "sd3_cache_text_encoder_outputs_to_disk": "cache_text_encoder_outputs_to_disk",
}
_MODULES = {
    "standard": "networks.lora",
    "kohya locon": "networks.lora",
    "kohya dylora": "networks.dylora",
    "kohya loha": "networks.loha",
    "kohya lokr": "networks.lokr",
    "lora-fa": "networks.lora_fa",
    "locon": "lycoris.kohya",
    "flux1": "networks.lora_flux",
    "flux1 oft": "networks.oft_flux",
    "sd3": "networks.lora_sd3",
    "hunyuanimage-2.1": "networks.lora_hunyuan_image",
    "anima": "networks.lora_anima",
    "lumina": "networks.lora_lumina",
}
_MULTIRES = ("multires_noise_iterations", "multires_noise_discount")
_ORIGINAL = ("noise_offset", "noise_offset_random_strength", "adaptive_noise_scale")


def is_gui(settings: Iterable[Setting]) -> bool:
    """Whether a JSON file is one of the GUI."""
    keys = {setting.key for setting in settings}
    return "LoRA_type" in keys or sum(sign in keys for sign in _SIGNS) >= 3


def translated(settings: Iterable[Setting]) -> list[Setting]:
    """The options that sd-scripts gets: empty, false and zero values are not passed on."""
    of = {setting.key: replace(setting, origin="gui", written=setting.key) for setting in settings}
    kept = {key: setting for key, setting in of.items() if setting.value not in ("", False, None)}
    found: list[Setting] = []
    for key, setting in kept.items():
        rule = _RULES.get(key)
        if rule is not None:
            found += rule(setting, kept)
        elif key in _NAMES:
            found.append(replace(setting, key=_NAMES[key]))
        elif _passed(key, kept):
            found.append(setting)
    return found


def _number(setting: Setting | None) -> float:
    try:
        return float(str(setting.value)) if setting is not None else 0.0
    except ValueError:
        return 0.0


def _passed(key: str, kept: dict[str, Setting]) -> bool:
    kind = str(kept["noise_offset_type"].value) if "noise_offset_type" in kept else ""
    return not (
        (kind == "Original" and key in _MULTIRES)
        or (kind == "Multires" and key in _ORIGINAL)
        or key == "noise_offset_type"
    )


def _module(setting: Setting, _kept: dict[str, Setting]) -> list[Setting]:
    name = str(setting.value).lower()
    module = "lycoris.kohya" if name.startswith("lycoris") else _MODULES.get(name, "")
    return [replace(setting, key="network_module", value=module)] if module else []


def _attention(setting: Setting, _kept: dict[str, Setting]) -> list[Setting]:
    kind = "xformers" if setting.value is True else str(setting.value)
    return [replace(setting, key=kind, value=True)] if kind in ("xformers", "sdpa") else []


def _epochs(setting: Setting, kept: dict[str, Setting]) -> list[Setting]:
    """The GUI works steps out from the epochs unless a length is given."""
    given = _number(kept.get("max_train_epochs")) or _number(kept.get("max_train_steps"))
    return [] if given else [replace(setting, key="max_train_epochs")]


def _length(setting: Setting, _kept: dict[str, Setting]) -> list[Setting]:
    return [setting] if _number(setting) else []


def _warmup(setting: Setting, kept: dict[str, Setting]) -> list[Setting]:
    """Percent of the run, which sd-scripts takes as a share."""
    share = _number(setting) / 100
    if not share or _number(kept.get("lr_warmup_steps")):
        return []
    return [replace(setting, key="lr_warmup_steps", value=share)]


def _encoder_rate(setting: Setting, kept: dict[str, Setting]) -> list[Setting]:
    other = kept.get("t5xxl_lr")
    rates = (setting.value, other.value if other is not None else setting.value)
    return [replace(setting, value=rates if other is not None else setting.value)]


def _unet_rate(setting: Setting, kept: dict[str, Setting]) -> list[Setting]:
    if _number(kept.get("text_encoder_lr")):
        return [setting]
    return [setting, replace(setting, key="network_train_unet_only", value=True)]


def _more(setting: Setting, _kept: dict[str, Setting]) -> list[Setting]:
    flags = command.read(f"python x.py {setting.value}", setting.file).values
    return [
        replace(flag, line=setting.line, origin="gui", written=setting.written) for flag in flags
    ]


def _nothing(_setting: Setting, _kept: dict[str, Setting]) -> list[Setting]:
    return []


_RULES: dict[str, Callable[[Setting, dict[str, Setting]], list[Setting]]] = {
    "LoRA_type": _module,
    "xformers": _attention,
    "epoch": _epochs,
    "max_train_epochs": _length,
    "max_train_steps": _length,
    "lr_warmup": _warmup,
    "text_encoder_lr": _encoder_rate,
    "unet_lr": _unet_rate,
    "t5xxl_lr": _nothing,
    "additional_parameters": _more,
}
