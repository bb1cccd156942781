"""diffusion-pipe: one folder for each [[directory]], at every resolution of the list."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.coerce import whole
from loratui.configs.layouts.common import (
    Found,
    Output,
    first,
    flat,
    integer,
    named,
    number,
    opened,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

_OTHERS = (".txt", ".npz", ".json", ".parquet", ".bak", ".db")


FOLDERS = ("directory[].path",)


def output(settings: Sequence[Setting]) -> Output:
    """Each run has a folder of its own below, with its events right in it, and no samples."""
    folder = named("output_dir", flat(settings))
    return Output(folder, folder, checkpoints=folder)


def read(settings: Sequence[Setting], found: Found) -> None:
    main = flat(settings)
    for at, entry in enumerate(entries(settings, "directory")):
        file, line = opened(entry)
        folder = first("path", entry)
        if folder is None:
            found.say(next(iter(entry.values())), "path is missing", f"directory[{at}]")
            continue
        control = first("control_path", entry)
        skips = switched(first("skip_empty_caption", entry, main), default=True)
        sizes = _sizes(first("resolutions", entry, main))
        for size in sizes or [None]:
            found.subsets.append(
                Subset(
                    found.place(folder),
                    trainer="diffusion-pipe",
                    repeats=number(first("num_repeats", entry, main), 1),
                    without_caption="left-out" if skips else "empty",
                    other_extensions=_OTHERS,
                    class_tokens=text(first("caption_prefix", entry, main)),
                    resolution=size,
                    batch_size=_batch(main.get("micro_batch_size_per_gpu"), size),
                    buckets=switched(first("enable_ar_bucket", entry, main)),
                    controls=(found.place(control),) if control is not None else (),
                    group=at,
                    file=file,
                    line=line,
                )
            )


def _sizes(setting: Setting | None) -> list[tuple[int, int] | None]:
    """Sides of squares, or pairs of width and height."""
    found: list[tuple[int, int] | None] = []
    values = setting.value if setting is not None and isinstance(setting.value, tuple) else ()
    for value in values:
        sides = value if isinstance(value, tuple) else (value,)
        whole_sides = [side for part in sides if (side := whole(part))]
        if whole_sides:
            found.append((whole_sides[0], whole_sides[-1]))
    return list(dict.fromkeys(found))


def _batch(setting: Setting | None, size: tuple[int, int] | None) -> int:
    """One number, or pairs of side and batch size of which the nearest side counts."""
    rows = setting.value if setting is not None else 1
    if not isinstance(rows, tuple):
        return integer(setting, 1)
    side = math.sqrt(size[0] * size[1]) if size else 0
    pairs = [
        (of, batch)
        for row in rows
        if isinstance(row, tuple) and len(row) == 2
        if (of := whole(row[0])) and (batch := whole(row[1]))
    ]
    return min(pairs, key=lambda row: abs(row[0] - side), default=(0, 1))[1]
