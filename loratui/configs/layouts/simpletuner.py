"""SimpleTuner: the entries of multidatabackend.json that hold images on this machine."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.layouts.common import (
    Entry,
    Found,
    Output,
    below,
    first,
    flat,
    integer,
    named,
    number,
    opened,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import CaptionSource, Subset

_SOURCES: dict[str, CaptionSource] = {
    "textfile": "file",
    "filename": "filename",
    "instanceprompt": "prompt",
}


_ENDINGS = ("json", "toml", "env")
_NAMED_BY = ("SIMPLETUNER_ENVIRONMENT", "SIMPLETUNER_ENV", "ENV")
FOLDERS = ("[].instance_data_dir", "[].instance_data_root")


def output(settings: Sequence[Setting]) -> Output:
    """`debug.log` in the working folder holds what the console does not show."""
    main = flat(settings)
    folder = named("output_dir", main, "simpletuner-results")
    return Output(
        folder,
        below(folder, named("logging_dir", main, "logs")),
        samples=below(folder, "validation_images"),
        checkpoints=folder,
        log="debug.log",
    )


def unnamed(environment: Mapping[str, str]) -> Iterator[str]:
    """Its configuration is named by variables, if at all (helpers/configuration/loader.py)."""
    path = environment.get("CONFIG_PATH", "")
    if path:
        yield from (path, f"{path}/config.json", *(f"{path}.{ending}" for ending in _ENDINGS))
    name = next((environment[key] for key in _NAMED_BY if environment.get(key)), "default")
    folder = "config" if name == "default" else os.path.join("config", name)
    yield from (f"{folder}/config.{ending}" for ending in _ENDINGS)


def read(settings: Sequence[Setting], found: Found) -> None:
    main = flat(s for s in settings if not s.key.startswith("["))
    for at, entry in enumerate(entries(settings, "")):
        file, line = opened(entry)
        kind = text(first("dataset_type", entry), "image")
        if (
            kind != "image"
            or switched(first("disabled", entry))
            or switched(first("disable", entry))
        ):
            continue
        name = text(first("id", entry))
        folder = first("instance_data_dir", entry) or first("instance_data_root", entry)
        if text(first("type", entry), "local") != "local":
            found.say(entry.get("type"), f"the images of {name!r} are not in a folder here")
            continue
        if folder is None:
            where = next(iter(entry.values()))
            found.say(where, "instance_data_dir is missing", f"[{at}]")
            continue
        strategy = text(first("caption_strategy", entry, main), "filename")
        prompt = text(first("instance_prompt", entry, main))
        if switched(first("only_instance_prompt", entry)):
            strategy = "instanceprompt"
        regular = first("is_regularisation_data", entry) or first("is_regularization_data", entry)
        found.subsets.append(
            Subset(
                found.place(folder),
                trainer="simpletuner",
                name=name,
                repeats=max(0, integer(first("repeats", entry), 0)) + 1,
                caption_source=_SOURCES.get(strategy, "metadata"),
                caption=prompt if strategy == "instanceprompt" else "",
                without_caption="error" if strategy == "textfile" else "empty",
                recursive=True,
                is_reg=switched(regular),
                class_tokens=prompt,
                resolution=_size(entry, main),
                batch_size=integer(first("train_batch_size", entry, main), 4),
                buckets=text(first("crop_aspect", entry), "preserve") != "square",
                group=at,
                file=file,
                line=line,
            )
        )


def _size(entry: Entry, main: Entry) -> tuple[int, int]:
    """The side of a square: `area` counts in megapixels."""
    size = number(first("resolution", entry, main), 1024)
    if text(first("resolution_type", entry, main), "pixel_area") == "area" and 0 < size < 1000:
        side = round(math.sqrt(size * 1_000_000))
    else:
        side = int(size) if math.isfinite(size) else 0
    return side, side
