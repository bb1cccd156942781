"""SimpleTuner's config.env: variables that stand for flags."""

from __future__ import annotations

import re

from loratui.configs.base import Reading, Setting
from loratui.configs.command import flags
from loratui.configs.words import Word

# where a variable is not just the flag in capitals (helpers/configuration/env_file.py)
_NAMES = {
    "RESUME_CHECKPOINT": "resume_from_checkpoint",
    "DATALOADER_CONFIG": "data_backend_config",
    "TRAINING_SEED": "seed",
    "ACCELERATE_CONFIG_PATH": "accelerate_config",
    "USE_XFORMERS": "enable_xformers_memory_efficient_attention",
    "MINIMUM_RESOLUTION": "minimum_image_size",
    "PUSH_CHECKPOINTS": "push_checkpoints_to_hub",
    "MAX_NUM_STEPS": "max_train_steps",
    "NUM_EPOCHS": "num_train_epochs",
    "CHECKPOINTING_STEPS": "checkpoint_step_interval",
    "CHECKPOINTING_LIMIT": "checkpoints_total_limit",
    "HUB_MODEL_NAME": "hub_model_id",
    "MODEL_NAME": "pretrained_model_name_or_path",
    "USE_GRADIENT_CHECKPOINTING": "gradient_checkpointing",
    "VALIDATION_STEPS": "validation_step_interval",
    "LR_SCHEDULE": "lr_scheduler",
    "TRAINING_NUM_PROCESSES": "num_processes",
    "TRAINING_NUM_MACHINES": "num_machines",
    "TRAINING_DYNAMO_BACKEND": "dynamo_backend",
    "TRAINER_DYNAMO_BACKEND": "dynamo_backend",
}
_EXTRA = "TRAINER_EXTRA_ARGS"
_ROW = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*(\+?)=(.*)")


def parse(text: str, file: str) -> tuple[list[Setting], Reading]:
    """Settings of all variables; each stands for itself until a later line replaces it."""
    reading = Reading()
    found: dict[str, list[Setting]] = {}
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        match = _ROW.fullmatch(row)
        if match is None:
            reading.say(line, "", "a name, a = and a value are expected")
            continue
        name, add, raw = match[1], match[2], match[3].strip()
        value = _unquoted(raw)
        if name == _EXTRA:
            words = [Word(word, word, line) for word in value.split()]
            more, _rest = flags(words, file)
            found[name] = [*found.get(name, []), *more] if add else more
            continue
        key = _NAMES.get(name, name.lower())
        found.pop(name, None)
        found[name] = [Setting(key, value, raw, line, file, name)]
    return [setting for settings in found.values() for setting in settings], reading


def _unquoted(raw: str) -> str:
    """The value: quotes taken off, a comment behind it left out."""
    if raw[:1] in ("'", '"'):
        end = raw.find(raw[0], 1)
        return raw[1:end] if end > 0 else raw[1:]
    return re.split(r"\s#", raw, maxsplit=1)[0].strip()
