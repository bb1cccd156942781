"""Metrics that trainers write as tables: CSV, lines of JSON, and Hugging Face's trainer state.

Read as they grow. Names of series are the names of columns; nested objects are joined with ``/``.
A step that goes back is passed on as a new event, which replaces the points from there on.
Writers: Lightning's CSVLogger (rewrites the file when a column comes up, leaves cells empty),
SimpleTuner's training_metrics.jsonl, transformers' trainer_state.json.
"""

from __future__ import annotations

import csv
from pathlib import Path

from loratui.core.clock import Clock
from loratui.sources.lines import STEPS, Lines, whole
from loratui.sources.objects import add_object, decode
from loratui.sources.trainer_state import TrainerState

_SEPARATORS = (",", ";", "\t")
_HEAD = 4096


class CsvTable(Lines):
    """A table with a header, separated by commas, semicolons or tabs."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        super().__init__(path, clock)
        self._forget()

    def _forget(self) -> None:
        super()._forget()
        self._separator = ""
        self._columns: list[tuple[int, str]] = []
        self._width = 0
        self._at: int | None = None  # the column of steps

    def _line(self, line: bytes, offset: int) -> None:
        rows = self._rows
        cells = self._cells(line.decode("utf-8", "replace").rstrip("\r"))
        if not self._width:
            self._header(line, offset)
            return
        if len(cells) != self._width:
            if any(cell.strip().lower() in STEPS for cell in cells):
                self._header(line, offset)  # another run was appended
                return
            rows.number += 1
            rows.leave_out(offset, f"{len(cells)} cells under {self._width} columns")
            return
        step = None
        if self._at is not None and (cell := cells[self._at]):
            step = whole(cell)
            if step is None:
                if cell.strip().lower() in STEPS:
                    self._header(line, offset)
                else:
                    rows.number += 1
                    rows.leave_out(offset, "the step is no whole number")
                return
        step = rows.next_step(step)
        for at, name in self._columns:
            cell = cells[at]
            if cell:
                try:
                    value = float(cell)
                except ValueError:
                    if self._separator != ";" or (found := _with_comma(cell)) is None:
                        continue
                    value = found
                rows.table.add(name, step, value, offset)

    def _cells(self, text: str) -> list[str]:
        separator = self._separator or ","
        if '"' not in text:
            return text.split(separator)
        try:
            return next(csv.reader([text], delimiter=separator), [])
        except csv.Error:
            return []

    def _header(self, line: bytes, offset: int) -> None:
        text = line.decode("utf-8-sig", "replace").rstrip("\r")
        if "\0" in text:
            self._rows.trouble = "Not a table: the file is not text."
            return
        self._separator = max(_SEPARATORS, key=text.count)
        names = [cell.strip() for cell in self._cells(text)]
        if not any(names) or all(_number(name) for name in names):
            self._rows.trouble = "Not read: the first line names no columns."
            return
        lower = [name.lower() for name in names]
        self._width = len(names)
        self._at = next((lower.index(name) for name in STEPS if name in lower), None)
        self._columns = [
            (at, name) for at, name in enumerate(names) if name and lower[at] not in STEPS
        ]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _with_comma(cell: str) -> float | None:
    """A number with a decimal comma, as tables with semicolons may hold it."""
    try:
        return float(cell.replace(",", ".", 1))
    except ValueError:
        return None


class JsonLines(Lines):
    """One object a line; several on a line are read too, and a last one without a line end."""

    def _line(self, line: bytes, offset: int) -> None:
        text, at = line.decode("utf-8", "replace"), 0
        while rest := text[at:].lstrip("\ufeff \t\r"):
            at = len(text) - len(rest)
            place = offset + len(text[:at].encode()) if at else offset
            found, at = decode(text, at)
            if found is None:
                self._rows.number += 1
                self._rows.leave_out(place, "no object of JSON")
                return
            add_object(self._rows, found, place)

    def _rest(self, rest: bytes, offset: int) -> bool:
        text = rest.decode("utf-8", "replace").rstrip()
        if not text.startswith("{") or not text.endswith("}"):
            return False
        found, end = decode(text, 0)
        if found is None or end != len(text):
            return False
        add_object(self._rows, found, offset)
        return True


def open_table(path: Path, clock: Clock | None = None) -> CsvTable | JsonLines | TrainerState:
    """The reader for a file by its name, and by its first character where that says nothing."""
    if path.name == "trainer_state.json":
        return TrainerState(path, clock)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return CsvTable(path, clock)
    if suffix in (".jsonl", ".ndjson"):
        return JsonLines(path, clock)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        head = b""
    return JsonLines(path, clock) if head.startswith(b"{") else CsvTable(path, clock)
