"""OneTrainer: concepts, in the configuration or in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence

from loratui.configs.base import Setting, entries
from loratui.configs.layouts.common import (
    Found,
    Output,
    below,
    first,
    flat,
    integer,
    named,
    number,
    opened,
    pair,
    switched,
    text,
)  # fmt: skip
from loratui.core.dataset import CaptionSource, Subset

_IMAGES = (".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif")
_SOURCES: dict[str, CaptionSource] = {"sample": "file", "concept": "prompt", "filename": "filename"}


FOLDERS = ("concepts[].path",)


def output(settings: Sequence[Setting]) -> Output:
    """A workspace holds all but the finished model."""
    folder = named("workspace_dir", flat(settings), "workspace/run")
    return Output(
        folder,
        below(folder, "tensorboard"),
        samples=below(folder, "samples"),
        checkpoints=below(folder, "save"),
    )


def read(settings: Sequence[Setting], found: Found) -> None:
    main = flat(settings)
    for at, entry in enumerate(entries(settings, "concepts")):
        file, line = opened(entry)
        if not switched(first("enabled", entry), default=True):
            continue
        kind = text(first("type", entry), "STANDARD")
        if kind == "VALIDATION":
            continue
        folder = first("path", entry)
        if folder is None or not folder.value:
            found.say(next(iter(entry.values())), "path is missing", f"concepts[{at}]")
            continue
        source = text(first("text.prompt_source", entry), "sample")
        balancing = first("balancing", entry)
        fixed = text(first("balancing_strategy", entry), "REPEATS") == "SAMPLES"
        prompts = first("text.prompt_path", entry)
        own = switched(first("image.enable_resolution_override", entry))
        size = first("image.resolution_override", entry) if own else None
        found.subsets.append(
            Subset(
                found.place(folder),
                trainer="onetrainer",
                name=text(first("name", entry)),
                repeats=1 if fixed else number(balancing, 1.0),
                samples=integer(balancing, 1) if fixed else None,
                caption_source=_SOURCES.get(source, "file"),
                metadata_file=found.place(prompts) if source == "concept" and prompts else "",
                image_extensions=_IMAGES,
                left_out=("-masklabel", "-condlabel"),
                recursive=switched(first("include_subdirectories", entry)),
                is_reg=kind == "PRIOR_PREDICTION",
                resolution=pair(size or first("resolution", main)) or (512, 512),
                batch_size=integer(first("batch_size", main), 1),
                buckets=switched(first("aspect_ratio_bucketing", main), default=True),
                file=file,
                line=line,
            )
        )
