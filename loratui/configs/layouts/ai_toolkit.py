"""ai-toolkit: folders read with all folders inside; a list of resolutions multiplies a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.coerce import whole
from loratui.configs.layouts.common import (
    Entry,
    Found,
    Output,
    below,
    first,
    flat,
    integer,
    listed,
    named,
    opened,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

_IMAGES = (".jpg", ".jpeg", ".png", ".webp")
_CONTROLS = ("control_path", "control_path_1", "control_path_2", "control_path_3")


FOLDERS = ("datasets[].folder_path", "datasets[].dataset_path")


def output(settings: Sequence[Setting]) -> Output:
    """All lies in `training_folder/name`; of several jobs the first counts.

    The web interface writes a job's configuration and its console into one folder.
    """
    first_job = next((setting.file for setting in settings if setting.key == "config.name"), "")
    main = flat(s for s in settings if s.origin == "flag" or s.file == first_job)
    said = named("name", main)  # on the command line: what [name] in the file stands for
    name = named("config.name", main).replace("[name]", said)
    folder = below(named("training_folder", main).replace("[name]", said), name)
    return Output(
        folder,
        named("log_dir", main).replace("[name]", said),
        samples=below(folder, "samples"),
        checkpoints=folder,
        log=named("log", main),
        beside="log.txt" if os.path.basename(first_job) == ".job_config.json" else "",
        name=name,
        jobs=named("sqlite_db_path", main, "aitk_db.db"),
    )


def read(settings: Sequence[Setting], found: Found) -> None:
    process = flat(settings)
    group = 0
    for at, entry in enumerate(entries(settings, "datasets")):
        file, line = opened(entry)
        folder = first("dataset_path", entry) or first("folder_path", entry)
        if folder is None:
            found.say(next(iter(entry.values())), "folder_path is missing", f"datasets[{at}]")
            continue
        path = found.place(folder)
        rows = path.lower().endswith((".json", ".jsonl"))
        sides = [side for part in listed(entry.get("resolution")) if (side := whole(part))] or [512]
        ending = text(first("caption_ext", entry) or first("caption_type", entry), "txt")
        default = text(first("default_caption", entry))
        for side in sides:
            found.subsets.append(
                Subset(
                    "" if rows else path,
                    trainer="ai-toolkit",
                    repeats=max(1, integer(first("num_repeats", entry), 1)),
                    caption_source="metadata" if rows else "file",
                    metadata_file=path if rows else "",
                    caption_extensions=(ending if ending.startswith(".") else f".{ending}",),
                    caption=default,
                    without_caption="default" if default else "empty",
                    image_extensions=_IMAGES,
                    left_out=("_controls",),
                    recursive=True,
                    is_reg=switched(first("is_reg", entry)),
                    class_tokens=text(first("trigger_word", entry, process)),
                    resolution=(side, side),
                    batch_size=_batch(entry, process),
                    buckets=switched(first("buckets", entry), default=True),
                    controls=_controls(entry),
                    group=group,
                    file=file,
                    line=line,
                )
            )
            group += 1


def _batch(entry: Entry, process: Entry) -> int:
    own = first("batch_size", entry)
    return integer(own or first("train.batch_size", process), 1)


def _controls(entry: Entry) -> tuple[str, ...]:
    folders: list[str] = []
    for key in _CONTROLS:
        setting = first(key, entry)
        if setting is not None:
            parts = setting.value if isinstance(setting.value, tuple) else (setting.value,)
            folders += [str(part) for part in parts if part]
    return tuple(dict.fromkeys(folders))
