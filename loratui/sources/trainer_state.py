"""The history in transformers' trainer_state.json, which is written anew at each save.

`log_history` is a list of objects, each with its own `step` (transformers: trainer_callback.py,
TrainerState.save_to_json). The list only grows, so after a change the part that was read before
is compared by its checksum and reading goes on behind it.
"""

from __future__ import annotations

import re
import time
import zlib
from pathlib import Path

from loratui.core.clock import Clock
from loratui.core.events import Metrics, SourceChange
from loratui.sources.growing import BUDGET, Growing
from loratui.sources.lines import Rows
from loratui.sources.objects import add_object, decode

_LARGEST = 64 * 1024 * 1024  # bytes; a million entries have about that
_LIST = re.compile(r'"log_history"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class TrainerState:
    """A source over one such file; offsets are bytes in the file as it was when it was read."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.name = str(path)
        self._file = Growing(path, clock, head=0)
        self._rows = Rows(self.name)
        self._text = ""  # of the file as it stood, while it is being read; a character is a byte
        self._at = 0
        self._begin = 0  # of the list
        self._done = 0  # bytes of the list that were used, and their checksum
        self._sum = 0
        self._trouble = ""

    def poll(self) -> list[Metrics | SourceChange]:
        until = time.perf_counter() + BUDGET
        found: list[Metrics | SourceChange] = []
        if not self._text:
            # growing smaller or being replaced is how such a file is written
            changes = self._file.open()
            found += [each for each in changes if each.kind not in ("truncated", "replaced")]
            if self._file.readable:
                found += self._load()
        while self._text and self._entry() and time.perf_counter() < until:
            pass
        return found + self._rows.table.take(self.name)

    def _load(self) -> list[SourceChange]:
        """Read the whole file and find out where its news begin."""
        file, self._trouble = self._file, ""
        try:
            if file.size > _LARGEST:
                self._trouble = f"Not read: larger than {_LARGEST >> 20} MiB."
                return []
            data = file.read(0, file.size)
        except OSError as error:
            return file.failed(error)
        finally:
            file.shut()
        file.settled, file.position = True, len(data)
        text = data.decode("latin-1")
        match = _LIST.search(text)
        if match is None:
            if text.rstrip().endswith("}"):
                self._trouble = "Not read: there is no log_history in it."
            return []
        self._begin = match.end()
        behind = data[self._begin : self._begin + self._done]
        self._text, self._at = text, self._begin + self._done
        if len(behind) == self._done and zlib.crc32(behind) == self._sum:
            return []
        if not text.rstrip().endswith("}"):  # half written: it may hold the same again soon
            self._text = ""
            return []
        self._at, self._done, self._sum = self._begin, 0, 0
        self._rows.forget()
        return [file.start_over(f"{self.name} holds another history; reading anew.")]

    def _entry(self) -> bool:
        """Use one entry; whether another may follow. The text is let go of at the end."""
        text = self._text
        between = _BETWEEN.match(text, self._at)
        begin = between.end() if between else self._at
        entry, end = decode(text, begin)
        if entry is not None and not text.isascii():
            entry, _ = decode(text[begin:end].encode("latin-1").decode("utf-8", "replace"), 0)
        if entry is None:
            if text[begin : begin + 1] != "]" and text.rstrip().endswith("}"):
                self._trouble = f"Not read from byte {begin} on: no list of objects."
            self._text = ""
            return False
        add_object(self._rows, entry, begin)
        self._sum = zlib.crc32(text[self._at : end].encode("latin-1"), self._sum)
        self._done += end - self._at
        self._at = end
        return True

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(path, sentence) for what could not be read."""
        own = [(self.name, self._trouble)] if self._trouble else []
        return own + self._rows.problems

    def share(self) -> float | None:
        return (self._at - self._begin) / len(self._text) if self._text else None

    def over(self) -> bool:
        return False

    def close(self) -> None:
        self._file.shut()
        self._text = ""
