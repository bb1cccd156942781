"""What a trainer says of its images over several lines: folders with their counts, and buckets.

A folder counts once, however many data sets or resolutions use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from loratui.core.events import Config, Event


class Listing(ABC):
    """Reads the lines of one run. Gives `images`, `reg_images` and `buckets` as settings.

    `buckets` is a tuple of (``"832x1216"``, images in it, with repeats where those are counted).
    """

    def __init__(self) -> None:
        self._images: dict[str, int] = {}
        self._regular: dict[str, int] = {}
        self._buckets: dict[str, int] = {}

    @abstractmethod
    def read(self, text: str, offset: int) -> Iterable[Event]:
        """The settings that this line completes."""

    def _count(
        self, folder: str, images: int, offset: int, *, regular: bool = False
    ) -> Iterator[Event]:
        """A folder holds so many images; what was said of it before is replaced."""
        mine, other = self._images, self._regular
        if regular:
            mine, other = other, mine
        other.pop(folder, None)
        mine[folder] = images
        yield _stated(offset, "images", sum(self._images.values()))
        if self._regular:
            yield _stated(offset, "reg_images", sum(self._regular.values()))

    def _bucket(self, width: str, height: str, images: int) -> None:
        size = f"{width}x{height}"
        self._buckets[size] = self._buckets.get(size, 0) + images

    def _bucketed(self, offset: int) -> Iterator[Event]:
        """All buckets of one data set have been told."""
        if self._buckets:
            yield Config("", offset, "buckets", "", tuple(self._buckets.items()))


def _stated(offset: int, option: str, value: int) -> Config:
    return Config("", offset, option, "", value, str(value))
