"""sd-scripts: folders named ``40_maya char`` in train_data_dir, one metadata file, or a data set
file whose subsets fall back on data set, general and the flags."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from loratui.configs.base import Setting, entries, nested
from loratui.configs.layouts.common import (
    SD_IMAGES,
    Entry,
    Found,
    Output,
    below,
    first,
    flat,
    integer,
    named,
    names,
    opened,
    pair,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

_RENAMED = {"train_batch_size": "batch_size", "dataset_repeats": "num_repeats"}


FOLDERS = ("train_data_dir", "datasets[].subsets[].image_dir")


def output(settings: Sequence[Setting]) -> Output:
    main = flat(settings)
    folder = named("output_dir", main)
    return Output(
        folder,
        named("logging_dir", main),
        samples=below(folder, "sample"),
        checkpoints=folder,
        name=named("output_name", main),
    )


def read(settings: Sequence[Setting], found: Found) -> None:
    flags: dict[str, Setting] = {}
    for key, setting in flat(settings).items():
        flags[_RENAMED.get(key, key)] = setting
    if "caption_extention" in flags:  # the old misspelling, which is still read
        flags["caption_extension"] = flags["caption_extention"]
    general = {k.removeprefix("general."): s for k, s in flags.items() if k.startswith("general.")}
    datasets = entries(settings, "datasets")
    if datasets or "dataset_config" in flags:
        for group, dataset in enumerate(datasets):
            _dataset(dataset, group, general, flags, found)
        return
    if "in_json" in flags:
        _metadata(flags, found)
        return
    _folders(flags, found)


def _shared(group: int, *over: Entry) -> dict[str, Any]:
    """What every subset has; `over` are the places to look, the nearest first."""
    return {
        "trainer": "kohya",
        "caption_extensions": (text(first("caption_extension", *over), ".caption"),),
        "without_caption": "class-tokens",
        "image_extensions": SD_IMAGES,
        "any_case": False,
        "resolution": pair(first("resolution", *over[-3:])),
        "batch_size": integer(first("batch_size", *over[-3:]), 1),
        "buckets": switched(first("enable_bucket", *over[-3:])),
        "group": group,
    }


def _dataset(dataset: Entry, group: int, general: Entry, flags: Entry, found: Found) -> None:
    inner = nested(dict(dataset), "subsets")
    if not inner:
        _file, line = opened(dataset)
        found.say(
            next(iter(dataset.values()), None), f"data set {group + 1} has no subsets", "datasets"
        )
    for at, subset in enumerate(inner):
        key = f"datasets[{group}].subsets[{at}]"
        file, line = opened(subset)
        folder = first("image_dir", subset)
        metadata = first("metadata_file", subset)
        over = (subset, dataset, general, flags)
        if folder is None and metadata is None:
            found.say(next(iter(subset.values())), "image_dir is missing", key)
            continue
        repeats = first("num_repeats", *over)
        if repeats is not None and integer(repeats, 1) < 1:
            found.say(repeats, f"num_repeats is {repeats.value}: the subset is left out")
            continue
        found.subsets.append(
            Subset(
                found.place(folder) if folder is not None else "",
                repeats=integer(repeats, 1),
                caption_source="metadata" if metadata is not None else "file",
                metadata_file=found.place(metadata) if metadata is not None else "",
                is_reg=switched(first("is_reg", subset)),
                class_tokens=text(first("class_tokens", *over[:3])),
                file=file,
                line=line,
                **_shared(group, *over),
            )
        )


def _metadata(flags: Entry, found: Found) -> None:
    """Fine-tuning: train_data_dir holds the images themselves, in_json the captions."""
    folder, metadata = flags.get("train_data_dir"), flags["in_json"]
    found.subsets.append(
        Subset(
            found.place(folder) if folder is not None else "",
            repeats=integer(flags.get("num_repeats"), 1),
            caption_source="metadata",
            metadata_file=found.place(metadata),
            file=metadata.file,
            line=metadata.line,
            **_shared(0, {}, {}, flags),
        )
    )


def _folders(flags: Entry, found: Found) -> None:
    for key, is_reg in (("train_data_dir", False), ("reg_data_dir", True)):
        setting = first(key, flags)
        if setting is None:
            continue
        parent = found.place(setting)
        inside = names(parent)
        if inside is None:
            found.say(setting, f"there is no folder {parent}")
            continue
        before = len(found.subsets)
        for name in inside:
            repeats, tokens = _prefix(name)
            if repeats < 1:
                text = (
                    f"the folder {name!r} is left out: its name does not begin with repeats and _"
                )
                found.say(setting, text)
                continue
            found.subsets.append(
                Subset(
                    os.path.join(parent, name),
                    name=name,
                    repeats=repeats,
                    is_reg=is_reg,
                    class_tokens=tokens,
                    file=setting.file,
                    line=setting.line,
                    **_shared(0, {}, {}, flags),
                )
            )
        if len(found.subsets) == before:
            found.say(setting, f"no folder named such as 10_name in {parent}")


def _prefix(name: str) -> tuple[int, str]:
    """(repeats, class tokens) of a folder's name; 0 where it has none."""
    before, _line, tokens = name.partition("_")
    try:
        return int(before), tokens
    except ValueError:
        return 0, ""
