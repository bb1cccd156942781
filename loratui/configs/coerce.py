"""The text of a flag or a file as the kind of value that an option has."""

from __future__ import annotations

import math

_TRUE = frozenset(("true", "yes", "on", "1", "gpu", "cpu", "cpu_offloaded", "unsloth"))
_FALSE = frozenset(("false", "no", "off", "0", "none"))


def coerced(value: object, kind: str) -> object:
    """`value` as a `number`, `integer`, `boolean` or `text`; what is none stays as it is."""
    if isinstance(value, tuple):
        inner = tuple(coerced(part, kind) for part in value)
        return inner[0] if len(inner) == 1 and kind != "text" else inner
    if kind == "boolean":
        return _boolean(value)
    if kind in ("number", "integer") and isinstance(value, str | int | float):
        number = value if not isinstance(value, str) else parsed(value)
        if isinstance(number, bool) or number is None:
            return value
        return _whole(number) if kind == "integer" else number
    return value


def parsed(text: str) -> int | float | None:
    """The number that a text is, or None."""
    text = text.strip()
    if len(text) > 64 or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def whole(value: object) -> int | None:
    """The value as a whole number, or None where it is none."""
    number = coerced(value, "integer")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def truth(value: object) -> bool:
    """Whether a value switches something on."""
    found = _boolean(value)
    return found if isinstance(found, bool) else bool(value)


def _whole(number: float) -> int | float:
    return int(number) if math.isfinite(number) and number == int(number) else number


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in _TRUE or word == "1.0":
        return True
    return False if word in _FALSE or word == "0.0" else value
