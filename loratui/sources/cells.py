"""The outputs of a Jupyter notebook's cells as one log.

A notebook is saved whole, now and then; what an earlier save did not hold is passed on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, SourceChange
from loratui.sources.base import CHUNK

LARGEST = 64 * 2**20
"""Bytes of a notebook; pictures in its outputs count, and are not read."""

EVERY = 2.0
"""Seconds between looks."""


class Cells:
    """The text that a notebook's cells have printed, in the order of the cells."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self._path = path
        self._clock = clock or SystemClock()
        self._looked = float("-inf")
        self._stamp: tuple[int, float] | None = None
        self._said = b""
        self._waiting: list[Batch | SourceChange] = []
        self._fault = ""

    def poll(self) -> list[Batch | SourceChange]:
        now = self._clock.now()
        if not self._waiting and now - self._looked >= EVERY:
            fresh = self._looked != float("-inf")
            self._looked = now
            self._look(now, fresh=fresh)
        found, self._waiting = self._waiting[:4], self._waiting[4:]
        return found

    def _look(self, now: float, *, fresh: bool) -> None:
        try:
            status = os.stat(self._path)
            stamp = (status.st_size, status.st_mtime)
            if stamp == self._stamp:
                return
            if status.st_size > LARGEST:
                raise ValueError(f"it is larger than {LARGEST // 2**20} MB")
            text = "".join(outputs(json.loads(self._path.read_bytes())))
        except FileNotFoundError:
            self._tell("gone", f"{self._path} is gone.", now)
            return
        except (OSError, ValueError, RecursionError) as error:
            said = getattr(error, "strerror", None) or error
            self._tell("unreadable", f"{self._path} cannot be read as a notebook: {said}.", now)
            return
        self._stamp = stamp
        if self._fault:
            self._fault = ""
            self._waiting.append(SourceChange(self.name, "back", now))
        data = text.encode("utf-8", "replace")
        begin = len(self._said)
        if not data.startswith(self._said):
            detail = "The notebook's cells were run again."
            self._waiting.append(SourceChange(self.name, "replaced", now, detail))
            begin = 0
        self._said = data
        for at in range(begin, len(data), CHUNK):
            self._waiting.append(Batch(self.name, at, data[at : at + CHUNK], now, fresh))

    def _tell(self, kind: Any, detail: str, now: float) -> None:
        if self._fault != detail:
            self._fault = detail
            self._waiting.append(SourceChange(self.name, kind, now, detail))

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return False

    def close(self) -> None:
        pass


def outputs(notebook: Any) -> Iterator[str]:
    """The texts of all outputs, tracebacks included. Raises ValueError for what is no notebook."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it has no cells")
    for cell in cells:
        given = cell.get("outputs") if isinstance(cell, dict) else None
        for output in given if isinstance(given, list) else ():
            if isinstance(output, dict):
                yield from _texts(output)


def _texts(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data")
    for text in (
        output.get("text"),
        data.get("text/plain") if isinstance(data, dict) else None,
        "\n".join(_strings(output.get("traceback"))) or None,
    ):
        said = "".join(_strings(text))
        if said:
            yield said if said.endswith(("\n", "\r")) else f"{said}\n"


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
