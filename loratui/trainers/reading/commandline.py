"""Settings on a command line, as a shell echoes it or a launcher prints it as a Python list."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LIST = re.compile(r"\[(?:'[^']*'|\"[^\"]*\"|, )+\]")
_FLAG = re.compile(r"--?[A-Za-z][\w.-]*")


def settings(text: str) -> Iterator[tuple[str, object, str]]:
    """(key without dashes, value, raw text) of each flag; a flag without a value is True."""
    words = _words(text)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("--"):
            continue
        key, equals, raw = word[2:].partition("=")
        if not _FLAG.fullmatch("--" + key):
            continue
        if not equals and at < len(words) and not words[at].startswith("--"):
            raw, equals = words[at], "="
            at += 1
        yield (key, value(raw), raw) if equals else (key, True, "")


def value(raw: str) -> object:
    """A number or boolean where the text is one, else the text."""
    lowered = raw.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw


def _words(text: str) -> list[str]:
    import ast  # both only for the few lines that hold a command
    import shlex

    found = _LIST.search(text)
    if found:
        try:
            words = ast.literal_eval(found.group())
        except (ValueError, SyntaxError):
            return []
        return [str(word) for word in words]
    try:
        return shlex.split(text)
    except ValueError:  # unbalanced quotes
        return text.split()
