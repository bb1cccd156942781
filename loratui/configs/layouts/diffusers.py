"""diffusers: a folder with one prompt for all (DreamBooth), or one with metadata.jsonl."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.configs.base import Setting
from loratui.configs.layouts.common import (
    Found,
    Output,
    below,
    first,
    flat,
    integer,
    named,
    pair,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import Subset

FOLDERS = ("instance_data_dir", "train_data_dir")


def output(settings: Sequence[Setting]) -> Output:
    """The logging folder lies in the output folder."""
    main = flat(settings)
    folder = named("output_dir", main)
    return Output(folder, below(folder, named("logging_dir", main, "logs")), checkpoints=folder)


def read(settings: Sequence[Setting], found: Found) -> None:
    flags = flat(settings)
    resolution = pair(first("resolution", flags))
    folder = first("instance_data_dir", flags)
    parent = first("train_data_dir", flags)
    if folder is not None:
        prompt = text(first("instance_prompt", flags))
        batch = integer(first("train_batch_size", flags), 4)
        found.subsets.append(
            Subset(
                found.place(folder),
                trainer="diffusers",
                repeats=integer(first("repeats", flags), 1),
                caption_source="prompt",
                caption_extensions=(),
                caption=prompt,
                class_tokens=prompt,
                resolution=resolution,
                batch_size=batch,
                buckets=switched(first("use_aspect_ratio_buckets", flags)),
                file=folder.file,
                line=folder.line,
            )
        )
        if switched(first("with_prior_preservation", flags)):
            _classes(flags, found, resolution, batch)
    elif parent is not None:
        found.subsets.append(
            Subset(
                found.place(parent),
                trainer="diffusers",
                caption_source="metadata",
                caption_extensions=(),
                without_caption="error",
                other_extensions=(".jsonl", ".csv", ".txt"),
                recursive=True,
                resolution=resolution,
                batch_size=integer(first("train_batch_size", flags), 16),
                buckets=False,
                metadata_file=f"{found.place(parent)}/metadata.jsonl",
                file=parent.file,
                line=parent.line,
            )
        )
    else:
        hub = first("dataset_name", flags)
        if hub is not None:
            found.say(hub, f"the images of {text(hub)!r} are not in a folder here")


def _classes(
    flags: dict[str, Setting], found: Found, resolution: tuple[int, int] | None, batch: int
) -> None:
    folder = first("class_data_dir", flags)
    if folder is None:
        found.say(first("with_prior_preservation", flags), "class_data_dir is missing")
        return
    prompt = text(first("class_prompt", flags))
    found.subsets.append(
        Subset(
            found.place(folder),
            trainer="diffusers",
            samples=integer(first("num_class_images", flags), 100),
            caption_source="prompt",
            caption_extensions=(),
            caption=prompt,
            is_reg=True,
            class_tokens=prompt,
            resolution=resolution,
            batch_size=batch,
            file=folder.file,
            line=folder.line,
        )
    )
