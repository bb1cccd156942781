"""The model family, where the name of a model, an architecture or a network says it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from loratui.configs.base import ConfigFile, Setting

OTHER = re.compile(
    r"flux[-_. ]?2|chroma|sd[-_]?3|stable-diffusion-3|stable_diffusion_3|"
    r"stable[-_]diffusion[-_]?2|sd[-_]?v?2|krea|z[-_]?image|hunyuan|wan2|\bwan",
    re.IGNORECASE,
)
"""Models of other families, whose names contain one of ours."""

FAMILIES = (
    ("qwen-image", re.compile(r"qwen[-_. ]?image|lora_qwen|^qwen$", re.IGNORECASE)),
    ("flux", re.compile(r"\bflux|[_/.-]flux|flux[_.-]?1", re.IGNORECASE)),
    (
        "sdxl",
        re.compile(
            r"sdxl|xl[-_]base|stable[-_]diffusion[-_]xl|pony|illustrious|noobai|animagine", re.I
        ),
    ),
    (
        "sd15",
        re.compile(
            r"sd[-_]?v?1[.-]?5|stable[-_]diffusion[-_]v?1|sd15|v1[-_.]5|\bsd_?v?1\b", re.IGNORECASE
        ),
    ),
)
"""Patterns in the names of models; engine/facts.py has an older table of the same."""

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


def named(text: str) -> str:
    """The family that the name of a model says."""
    if not text or OTHER.search(text):
        return ""
    return next((family for family, pattern in FAMILIES if pattern.search(text)), "")
