"""musubi-tuner: a data set file with a folder or a JSONL file for each data set."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.layouts import kohya
from loratui.configs.layouts.common import (
    SD_IMAGES,
    Found,
    first,
    flat,
    integer,
    opened,
    pair,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

_IMAGES = (*SD_IMAGES, ".avif", ".AVIF", ".jxl", ".JXL")
_DEFAULT = (960, 544)


FOLDERS = tuple(
    f"datasets[].{key}" for key in ("image_directory", "video_directory", "image_jsonl_file")
)
output = kohya.output


def read(settings: Sequence[Setting], found: Found) -> None:
    flags = flat(settings)
    general = {k.removeprefix("general."): s for k, s in flags.items() if k.startswith("general.")}
    for group, entry in enumerate(entries(settings, "datasets")):
        file, line = opened(entry)
        folder, rows = first("image_directory", entry), first("image_jsonl_file", entry)
        if folder is None and rows is None:
            if "video_directory" not in entry and "video_jsonl_file" not in entry:
                key = f"datasets[{group}]"
                found.say(next(iter(entry.values())), "image_directory is missing", key)
            continue
        ending = text(first("caption_extension", entry, general))
        if not ending and rows is None:
            found.say(folder, "caption_extension is missing: no caption is found without it")
        control = first("control_directory", entry)
        found.subsets.append(
            Subset(
                found.place(folder) if folder is not None else "",
                trainer="musubi-tuner",
                repeats=integer(first("num_repeats", entry, general), 1),
                caption_source="metadata" if rows is not None else "file",
                metadata_file=found.place(rows) if rows is not None else "",
                caption_extensions=(ending,) if ending else (),
                without_caption="left-out",
                image_extensions=_IMAGES,
                any_case=False,
                resolution=pair(first("resolution", entry, general)) or _DEFAULT,
                batch_size=integer(first("batch_size", entry, general), 1),
                buckets=switched(first("enable_bucket", entry, general)),
                controls=(found.place(control),) if control is not None else (),
                group=group,
                file=file,
                line=line,
            )
        )
