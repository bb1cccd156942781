"""Values of a PowerShell script: what a condition says of them, and how they add up."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from loratui.configs.words import Word


class Unknown:
    """A value that is known only where the script runs."""


UNKNOWN = Unknown()
Value = str | int | float | bool | None | list[Word] | Unknown


def shown(value: Value) -> str:
    """The value as it stands in a text or a command."""
    if isinstance(value, list):
        return " ".join(word.text for word in value)
    if value is None or isinstance(value, Unknown):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def truth(value: Value) -> bool | None:
    """Whether a condition holds; None where it is not known."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, list):
        return bool(value) and (len(value) > 1 or bool(value[0].text))
    return bool(value)


def added(one: Value, other: Value) -> Value:
    """`+`: of texts, of numbers, of lists."""
    if isinstance(one, list):
        more = other if isinstance(other, list) else [Word(shown(other), shown(other), 0)]
        return one + more
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return shown(one) + shown(other)


def settled(one: bool | None, two: bool | None, *, decides: bool) -> Value:
    if one is decides or two is decides:
        return decides
    return UNKNOWN if one is None or two is None else not decides


def compare(word: str, left: Value, right: Value) -> Value:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    if word.startswith("not"):
        known = compare(word.removeprefix("not"), left, right)
        return known if isinstance(known, Unknown) else not known
    if word == "ne":
        return not _equal(left, right)
    if word == "eq":
        return _equal(left, right)
    if word in ("in", "contains"):
        one, many = (left, right) if word == "in" else (right, left)
        return _among(one, many if isinstance(many, list) else [Word(shown(many), "", 0)])
    if word == "like":
        return fnmatch.fnmatchcase(shown(left).lower(), shown(right).lower())
    if word == "match":
        return UNKNOWN  # a regular expression of .NET
    one, two = _number(left), _number(right)
    if one is None or two is None:
        return UNKNOWN
    return {"gt": one > two, "ge": one >= two, "lt": one < two, "le": one <= two}[word]


def _equal(left: Value, right: Value) -> bool:
    one, two = _number(left), _number(right)
    if (
        one is not None
        and two is not None
        and not (isinstance(left, str) and isinstance(right, str))
    ):
        return one == two
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    return shown(left).lower() == shown(right).lower()


def _among(one: Value, words: Sequence[Word]) -> bool:
    return any(shown(one).lower() == word.text.lower() for word in words)


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
