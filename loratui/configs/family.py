"""The model family, where the name of a model, an architecture or a network says it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from loratui.configs.base import ConfigFile, Setting
from loratui.core.families import OTHER, named

# what names an architecture comes before what names a file
_ARCHITECTURE = (
    "model.arch", "model.type", "model_type", "model_family", "ss_base_model_version",
    "modelspec.architecture", "network_module",
)  # fmt: skip
_MODELS = (
    "model.name_or_path", "base_model_name", "pretrained_model_name_or_path", "dit",
    "model.diffusers_path", "model.transformer_path", "model.checkpoint_path",
    "model.diffusion_model", "model.single_file_path", "transformer.model_name",
)  # fmt: skip
_SWITCHES = {
    "model.is_xl": "sdxl", "model.is_flux": "flux", "sdxl": "sdxl", "flux1_checkbox": "flux",
}  # fmt: skip
_SCRIPTS = re.compile(
    r"(?:^|[/\\])(?:train_dreambooth_lora_|train_text_to_image_lora_)?(sdxl|flux|qwen_image)"
)


def family_of(source: ConfigFile | Iterable[Setting]) -> str:
    """``sd15`` ``sdxl`` ``flux`` ``qwen-image``, or nothing where no name says it."""
    script = source.script if isinstance(source, ConfigFile) else ""
    settings = source.values if isinstance(source, ConfigFile) else tuple(source)
    known = {setting.key: setting.value for setting in settings if setting.value is not None}
    for key in _ARCHITECTURE:
        text = str(known.get(key) or "")
        if text and OTHER.search(text):
            return ""
        family = named(text)
        if family:
            return family
    for key, family in _SWITCHES.items():
        if known.get(key) is True:
            return family
    found = _SCRIPTS.search(script)
    if found and not OTHER.search(script):
        return found[1].replace("_", "-")
    return next((f for key in _MODELS if (f := named(str(known.get(key) or "")))), "")
