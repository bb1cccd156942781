"""ai-toolkit: folders read with all folders inside; a list of resolutions multiplies a data set."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.coerce import whole
from loratui.configs.layouts.common import (
    Entry,
    Found,
    first,
    flat,
    integer,
    listed,
    opened,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

_IMAGES = (".jpg", ".jpeg", ".png", ".webp")
_CONTROLS = ("control_path", "control_path_1", "control_path_2", "control_path_3")


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
