"""musubi-tuner. Its bar, header and saves are those of sd-scripts; its log lines carry its name.

A log line is `INFO:module:message` and is often glued to the bar. Latents and text encoder outputs
are cached by scripts of their own. Source: kohya-ss/musubi-tuner
src/musubi_tuner/training/trainer_base.py, cache_latents.py, dataset/datasources.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from loratui.core.events import Event
from loratui.trainers.base import Script, phase, setting
from loratui.trainers.kohya import Kohya, stated
from loratui.trainers.reading.listing import Listing

_SOURCE = re.compile(r":(?:glob images in|load image jsonl from) (?P<folder>.+)$")
_FOUND = re.compile(r":(?:found|loaded) (?P<images>\d+) images$")
_BUCKET = re.compile(r":bucket: \((?P<w>\d+), (?P<h>\d+)\b.*\), count: (?P<n>\d+)$")
_PLACE = re.compile(r"(?:^|:)\[Dataset \d+\]$")
_FIELD = re.compile(r"^\s+(?P<key>[a-z]\w*): (?P<value>.*)$")


class DataSets(Listing):
    """Each data set's folder or JSONL file with its images; settings of the first data set."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = ""
        self._fields: dict[str, str] | None = None
        self._told = False

    def read(self, text: str, offset: int) -> Iterable[Event]:
        if self._fields is not None and (field := _FIELD.match(text)) is not None:
            self._fields[field.group("key")] = field.group("value").strip('"')
            return ()
        events = self._close(offset)
        if _PLACE.search(text):
            self._fields = {}
        elif (found := _SOURCE.search(text)) is not None:
            self._folder = found.group("folder")
        elif (found := _FOUND.search(text)) is not None:
            events += self._count(self._folder, int(found.group("images")), offset)
        elif ":bucket: " in text and (found := _BUCKET.search(text)) is not None:
            self._bucket(found.group("w"), found.group("h"), int(found.group("n")))
        elif ":total batches: " in text:
            events += self._bucketed(offset)
        return events

    def _close(self, offset: int) -> list[Event]:
        fields, self._fields = self._fields, None
        if not fields or self._told:
            return []
        self._told = True
        return stated(fields, offset)


class MusubiTuner(Kohya):
    """The `*_train_network.py` family of musubi-tuner."""

    id = "musubi-tuner"
    title = "musubi-tuner"
    scripts = (
        Script(
            r"(?:hv|hv_1_5|wan|fpack|flux_kontext|flux_2|qwen_image|zimage|kandinsky5|hidream_o1"
            r"|ideogram4|krea2|ltx2)_train(?:_network)?\.py"
        ),
        Script(r"(?:\w+_)?train_network\.py", path="musubi"),
        Script(r"musubi_tuner\.(?:\w+\.)*\w*train\w*", module=True),
    )
    listing = DataSets
    signs = (
        (r"musubi_tuner[.\\/]", 10),
        (r"^INFO:dataset\.(?:config_utils|image_video_dataset):", 10),  # up to 2025-04
        (r"\bnum train items / ", 10),
        (r"\b(?:qwen_image|flux_kontext|zimage|hv|wan|fpack|flux_2)_train_network\.py", 10),
    )
    rules = (
        (r"num train items / .*?: (?P<value>\d+)$", setting("images_with_repeats")),
        (r":(?:glob (?:images|videos) in |[Ll]oading |Load dataset config)", phase("loading")),
        (r":(?:Encoding dataset \[\d+\]|Encoding with Text Encoder)", phase("caching")),
        (r":saving (?:state|last state)", phase("saving")),
        (r":model saved\.$", phase("finished")),
        *Kohya.rules,
    )

    def weight(self, desc: str, postfix: bytes) -> int:
        return 0  # a bar alone cannot tell it from sd-scripts
