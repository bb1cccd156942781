"""Puts together what a log says of its run: settings under our own option names, totals, family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from loratui.core.facts import ConfigValue, LossKind, RunFacts, TrainingConfig
from loratui.core.families import named

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase


def facts_of(
    trainer: str,
    loss_kind: LossKind,
    settings: Iterable[ConfigValue],
    total: int | None,
    epochs: int | None,
    kb: KnowledgeBase | None,
) -> RunFacts:
    """Facts from settings as the log states them; `total` and `epochs` come from the bar."""
    values: dict[str, ConfigValue] = {}
    names = _names(kb, trainer)
    for setting in settings:
        option = setting.option or names.get(setting.key.removeprefix("--"), "")
        if not option:
            continue
        # what the trainer itself counted stands above what was asked for
        if option in values and not setting.key:
            values[option] = replace(setting, key=values[option].key, option=option)
        elif option not in values or setting.key:
            key = setting.key or (values[option].key if option in values else "")
            values[option] = replace(setting, option=option, key=key)
    config = TrainingConfig(values)
    steps = _whole(config, "max_steps")
    epochs = epochs or _whole(config, "epochs")
    per_epoch = _whole(config, "steps_per_epoch")
    total = total or steps
    if per_epoch is None and total and epochs:
        per_epoch = max(1, round(total / epochs))
    return RunFacts(
        name=str(config.get("output_name") or ""),
        trainer=trainer,
        family=_family(config),
        loss_kind=loss_kind,
        total_steps=total,
        epochs=epochs,
        steps_per_epoch=per_epoch,
        images=_whole(config, "images"),
        config=config,
    )


def _names(kb: KnowledgeBase | None, trainer: str) -> Mapping[str, str]:
    return kb.option_names(trainer) if kb is not None else {}


def _whole(config: TrainingConfig, option: str) -> int | None:
    value = config.number(option)
    return int(value) if value is not None and value == value and abs(value) < 1e15 else None


def _family(config: TrainingConfig) -> str | None:
    """The model family, where the name of the model or its architecture says it."""
    for option in ("model_arch", "model", "model_family"):
        if family := named(str(config.get(option) or "")):
            return family
    return None
