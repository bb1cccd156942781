"""Rows that are objects of JSON: parsed without trusting them, flattened, told apart from steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from loratui.sources.lines import STEPS, Rows, whole

_DEPTH = 8
_WORDS = {  # JSON has no such numbers, so some writers put words
    word: float(word)
    for word in ("NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "+Infinity", "+inf")
}
_NO_SERIES = frozenset((*STEPS, "schema_version"))
_DECODER = json.JSONDecoder()


def decode(text: str, at: int) -> tuple[dict[str, Any] | None, int]:
    """The object at `at` and where it ends; None if there is none or it is too deep or too long."""
    try:
        found, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):  # of the text, of numbers of thousands of digits, brackets
        return None, at
    return (found, end) if isinstance(found, dict) else (None, at)


def add_object(rows: Rows, found: dict[str, Any], offset: int) -> None:
    """One row from an object: its numbers by name; its step is the surest of `STEPS`."""
    given: dict[str, int] = {}
    values: list[tuple[str, float]] = []
    for name, value in _flat(found, "", _DEPTH):
        lower = name.lower()
        if lower not in _NO_SERIES:
            values.append((name, value))
        elif (step := whole(value)) is not None:
            given.setdefault(lower, step)
    step = rows.next_step(next((given[name] for name in STEPS if name in given), None))
    for name, value in values:
        rows.table.add(name, step, value, offset)


def _flat(found: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, float]]:
    for key, value in found.items():
        if isinstance(value, float):
            yield prefix + key, value
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int):
            if abs(value) < 1 << 1023:
                # as it is, since a float would not hold each step
                yield prefix + key, value
        elif isinstance(value, dict):
            if depth:
                yield from _flat(value, f"{prefix}{key}/", depth - 1)
        elif isinstance(value, str) and value in _WORDS:
            yield prefix + key, _WORDS[value]
