"""A folder of images as a trainer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CaptionSource = Literal["file", "filename", "folder", "metadata", "prompt", "none"]
"""Where captions are: a text file beside each image, its name, the folder's name, one file that
lists them all, one text for all images, or nowhere."""

WithoutCaption = Literal["class-tokens", "default", "empty", "left-out", "error"]
"""What becomes of an image without a caption: it gets the class tokens, a default text or an empty
one, is left out, or stops the run."""


@dataclass(frozen=True, slots=True)
class Subset:
    """One folder of images (or file that lists them), at one resolution.

    `repeats` is how often an image counts in an epoch; `samples` is set instead where the number
    of images in an epoch is fixed. `image_extensions` are empty where every file counts as an
    image but those with `other_extensions`; `any_case` says that their case does not matter.
    Stems that end in one of `left_out` are no training images. Subsets of one `group` share their
    batches. `controls` are folders of input images for edit models. `file` and `line` say where
    the subset is configured.
    """

    path: str
    trainer: str = ""
    name: str = ""
    repeats: float = 1
    samples: int | None = None
    caption_source: CaptionSource = "file"
    caption_extensions: tuple[str, ...] = (".txt",)
    caption: str = ""
    without_caption: WithoutCaption = "empty"
    image_extensions: tuple[str, ...] = ()
    other_extensions: tuple[str, ...] = ()
    any_case: bool = True
    left_out: tuple[str, ...] = ()
    recursive: bool = False
    is_reg: bool = False
    class_tokens: str = ""
    resolution: tuple[int, int] | None = None
    batch_size: int | None = None
    buckets: bool | None = None
    metadata_file: str = ""
    controls: tuple[str, ...] = ()
    group: int = 0
    file: str = ""
    line: int | None = None
