"""Which trainer a configuration belongs to, by its keys and by the script that it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from loratui.configs.base import ConfigFile, Setting

_SURE = 10
_KEYS: dict[str, dict[str, int]] = {
    "ai-toolkit": {
        "config.process": 10, "train.noise_scheduler": 8, "datasets[].folder_path": 8,
        "network.linear": 6, "model.name_or_path": 6, "train.steps": 4, "train.lr": 4,
        "training_folder": 6, "save.max_step_saves_to_keep": 6, "sample.sample_every": 4,
        "job": 3, "software": 4, "datasets[].caption_ext": 4,
    },
    "onetrainer": {
        "base_model_name": 8, "concept_file_name": 8, "training_method": 7, "__version": 4,
        "optimizer.optimizer": 6, "workspace_dir": 5, "output_model_destination": 6,
        "train_dtype": 4, "concepts[].path": 8, "concepts[].text.prompt_source": 6,
        "concepts[].balancing": 4, "concepts[].include_subdirectories": 4,
        "samples[].diffusion_steps": 10, "ot_branch": 10, "unet.weight_dtype": 3,
        "transformer.weight_dtype": 3, "config-path": 8,
    },
    "simpletuner": {
        "model_family": 9, "data_backend_config": 9, "[].dataset_type": 8,
        "[].instance_data_dir": 8, "[].caption_strategy": 8, "[].cache_dir_vae": 6,
        "[].text_embeds": 5, "base_model_precision": 5, "lora_type": 4, "model_flavour": 5,
        "checkpoint_step_interval": 4, "validation_step_interval": 4, "[].id": 2,
        "[].type": 2, "[].repeats": 2,
    },
    "diffusion-pipe": {
        "micro_batch_size_per_gpu": 10, "model.type": 5, "adapter.type": 6, "optimizer.type": 5,
        "directory[].path": 10, "activation_checkpointing": 4, "pipeline_stages": 5,
        "enable_ar_bucket": 4, "num_ar_buckets": 4, "model.diffusers_path": 6,
        "save_every_n_epochs": 1, "resolutions": 2, "frame_buckets": 4,
    },
    "musubi-tuner": {
        "dit": 9, "datasets[].image_directory": 10, "datasets[].image_jsonl_file": 10,
        "datasets[].control_directory": 8, "datasets[].cache_directory": 8,
        "datasets[].video_directory": 10, "datasets[].video_jsonl_file": 10, "fp8_scaled": 1,
        "text_encoder1": 3, "text_encoder2": 3, "network_dim": 1, "network_module": 1,
        "network_alpha": 1, "flash_attn": 2, "dit_dtype": 3,
    },
    "kohya": {
        "network_module": 3, "network_dim": 3, "network_alpha": 2, "train_data_dir": 3,
        "pretrained_model_name_or_path": 3, "output_name": 2, "save_model_as": 3,
        "optimizer_type": 2, "caption_extension": 3, "datasets[].subsets[].image_dir": 10,
        "datasets[].subsets[].num_repeats": 6, "datasets[].subsets[].class_tokens": 5,
        "datasets[].subsets[].metadata_file": 8, "clip_l": 2, "t5xxl": 2, "ae": 2,
        "max_train_epochs": 2, "reg_data_dir": 5, "network_train_unet_only": 3, "in_json": 4,
        "tokenizer_cache_dir": 4, "ss_sd_scripts_commit_hash": 10, "no_half_vae": 3,
        "cache_latents_to_disk": 2, "train_batch_size": 1, "enable_bucket": 2,
    },
    "diffusers": {
        "instance_data_dir": 8, "instance_prompt": 5, "class_data_dir": 5, "validation_epochs": 4,
        "with_prior_preservation": 5, "train_data_dir": 1, "caption_column": 6, "rank": 4,
        "dataset_name": 4, "pretrained_model_name_or_path": 2, "checkpointing_steps": 3,
        "num_train_epochs": 2, "report_to": 2, "random_flip": 2, "train_batch_size": 1,
        "lora_adapter_metadata": 8, "max_train_steps": 1, "lr_warmup_steps": 1,
    },
}  # fmt: skip
_SCRIPTS = (
    ("musubi-tuner", r"musubi|(?:hv|hv_1_5|wan|qwen_image|zimage|flux_kontext|flux_2|fpack|krea2|"
                     r"kandinsky5|ideogram4|hidream_o1)_train_network(?:\.py)?$"),
    ("kohya", r"(?:^|[/\\])(?:sdxl_|sd3_|flux_|lumina_|hunyuan_image_|anima_)?train_network\.py$|"
              r"sd-scripts"),
    ("diffusers", r"train_(?:dreambooth|text_to_image)_lora\w*\.py$|diffusers[/\\]examples"),
    ("simpletuner", r"simpletuner"),
    ("onetrainer", r"OneTrainer|scripts[/\\]train\.py$"),
    ("ai-toolkit", r"ai-toolkit|(?:^|[/\\])run\.py$"),
    ("diffusion-pipe", r"diffusion[-_]pipe"),
)  # fmt: skip
_MODULES = (
    ("musubi-tuner", r"lora_(?:qwen_image|wan|zimage|flux_2|framepack|hv_1_5|kandinsky|krea2)"),
    ("kohya", r"networks\.(?:lora_(?:sd3|lumina|hunyuan_image|anima|fa)|dylora|oft)|lycoris"),
)  # fmt: skip


def recognise(source: str | Path | ConfigFile | Iterable[Setting]) -> str:
    """The trainer's id, or nothing where the keys do not settle it."""
    if isinstance(source, str | Path):
        from loratui.configs.files import read

        source = read(source)
    scores = dict.fromkeys(_KEYS, 0)
    if isinstance(source, ConfigFile):
        script = f"{source.script}" if source.kind != "safetensors" else ""
        for trainer, pattern in _SCRIPTS:
            if script and re.search(pattern, script, re.IGNORECASE):
                scores[trainer] += _SURE
                break
        if script and "deepspeed" in {s.key for s in source.values}:
            scores["diffusion-pipe"] += _SURE
        source = source.values
    known = {setting.general: setting for setting in source}
    if any(setting.origin == "gui" for setting in known.values()):
        return "kohya"
    lists = {key.partition("]")[0] + "]" for key in known if "]" in key}
    for trainer, weights in _KEYS.items():
        scores[trainer] += sum(weights[key] for key in weights if key in known)
    if any(key.startswith("config.process") for key in known) or "config.name" in known:
        scores["ai-toolkit"] += _SURE
    if "datasets[]" in lists and not any(key.startswith("datasets[].subsets") for key in known):
        scores["kohya"] -= 4
    module = str(known["network_module"].value) if "network_module" in known else ""
    for trainer, pattern in _MODULES:
        if re.search(pattern, module):
            scores[trainer] += _SURE
    ranked = sorted(scores.items(), key=lambda row: -row[1])
    (best, most), (_second, next_most) = ranked[:2]
    return best if most >= _SURE - 2 and most > next_most else ""
