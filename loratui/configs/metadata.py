"""What a LoRA file says of its run: the header of a .safetensors file, read by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loratui.configs.base import ConfigFile, Fault, Setting

LONGEST = 16_000_000
"""Bytes of a header."""

_NAMES = {
    "ss_batch_size_per_device": "train_batch_size",
    "ss_sd_model_name": "pretrained_model_name_or_path",
    "ss_optimizer": "optimizer_type",
    "ss_num_epochs": "max_train_epochs",
    "ss_debiased_estimation": "debiased_estimation_loss",
    "ss_vae_name": "vae",
}
_SAME = [
    "output_name",
    "learning_rate",
    "text_encoder_lr",
    "unet_lr",
    "max_train_steps",
    "gradient_checkpointing",
    "gradient_accumulation_steps",
    "lr_warmup_steps",
    "lr_scheduler",
    "network_module",
    "network_dim",
    "network_alpha",
    "network_dropout",
    "network_args",
    "mixed_precision",
    "full_fp16",
    "full_bf16",
    "v2",
    "clip_skip",
    "max_token_length",
    "cache_latents",
    "seed",
    "lowram",
    "noise_offset",
    "multires_noise_iterations",
    "multires_noise_discount",
    "adaptive_noise_scale",
    "zero_terminal_snr",
    "max_grad_norm",
    "caption_dropout_rate",
    "caption_dropout_every_n_epochs",
    "caption_tag_dropout_rate",
    "prior_loss_weight",
    "min_snr_gamma",
    "scale_weight_norms",
    "ip_noise_gamma",
    "loss_type",
    "fp8_base",
    "fp8_base_unet",
    "resolution",
    "color_aug",
    "flip_aug",
    "random_crop",
    "shuffle_caption",
    "enable_bucket",
    "bucket_no_upscale",
    "min_bucket_reso",
    "max_bucket_reso",
    "keep_tokens",
    "timestep_sampling",
    "discrete_flow_shift",
    "weighting_scheme",
    "guidance_scale",
    "model_prediction_type",
    "sigmoid_scale",
]
_EMPTY = frozenset(("None", "null", ""))


def read(path: Path) -> ConfigFile:
    """The settings in the header of `path`."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LONGEST:
                return _broken(path, f"no .safetensors file: a header of {length} bytes")
            data = file.read(length)
    except OSError as error:
        return _broken(path, f"not readable: {error.strerror or error}")
    if len(data) < length:
        return _broken(path, "cut off inside its header")
    try:
        header: Any = json.loads(data)
    except (ValueError, RecursionError):
        return _broken(path, "no .safetensors file: the header is no JSON")
    known = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(known, dict | None):
        return _broken(path, "no .safetensors file: the header is no mapping")
    values = settings({str(key): str(value) for key, value in (known or {}).items()}, str(path))
    return ConfigFile(str(path), "safetensors", tuple(values))


def _broken(path: Path, text: str) -> ConfigFile:
    return ConfigFile(str(path), "safetensors", problems=(Fault(0, "", text, str(path)),))


def settings(known: dict[str, str], file: str = "") -> list[Setting]:
    """Settings under the trainer's own keys where metadata has them; others keep their name."""
    found: list[Setting] = []
    for name, raw in known.items():
        if raw in _EMPTY:
            continue
        bare = name.removeprefix("ss_")
        key = _NAMES.get(name, bare if name.startswith("ss_") and bare in _SAME else name)
        value: object = raw
        if key == "resolution":
            value = raw.strip("() ").replace(" ", "")
        elif key == "optimizer_type":
            value = raw.partition("(")[0].rpartition(".")[2]
        elif key == "network_args":
            value = _pairs(raw)
        found.append(Setting(key, value, raw, 1, file, name, "metadata"))
    return found


def _pairs(raw: str) -> object:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return tuple(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else raw
