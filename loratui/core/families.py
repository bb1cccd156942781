"""The model families, and the names by which models say that they belong to one."""

from __future__ import annotations

import re

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
"""Patterns in the names of models, architectures and networks."""


def named(text: str) -> str:
    """The family that the name of a model says."""
    if not text or OTHER.search(text):
        return ""
    return next((family for family, pattern in FAMILIES if pattern.search(text)), "")
