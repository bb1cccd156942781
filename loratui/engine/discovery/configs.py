"""Configuration files of runs, read for the folders that they name and nothing else.

Whoever started the process chose the file: it may be a device, huge, or nested without end.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Any

_MOST = 1 << 18  # bytes
_DEPTH = 32
_EVENTS = 50_000


def stamp(path: str) -> tuple[int, int] | None:
    """What changes when a file changes; None for what is no plain file of a sensible size."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
        return None
    return status.st_mtime_ns, status.st_size


def read(path: str) -> dict[str, Any]:
    """The settings in a TOML, YAML or JSON file; empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST).decode("utf-8", "replace")
        data = _parsed(text, path.rpartition(".")[2].lower())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _parsed(text: str, kind: str) -> Any:
    if kind in ("yaml", "yml"):
        return _yaml(text)
    if kind == "toml":
        import tomllib

        return tomllib.loads(text)
    import json

    data = json.loads(text)
    return {"": data} if isinstance(data, list) else data


def _yaml(text: str) -> Any:
    """Built from events, one after the other, so that neither nesting nor aliases cost anything.

    Values stay text; an alias is None.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stack: list[list[Any]] = [[]]
    try:
        for count, event in enumerate(yaml.parse(text, Loader=loader)):
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append([])
            elif isinstance(event, yaml.CollectionEndEvent):
                done = stack.pop()
                mapping = isinstance(event, yaml.MappingEndEvent)
                stack[-1].append(_mapping(done) if mapping else done)
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                stack[-1].append(getattr(event, "value", None))
            if len(stack) > _DEPTH or count > _EVENTS:
                return None
    except yaml.YAMLError:
        return None
    return stack[0][0] if stack[0] else None


def _mapping(items: list[Any]) -> dict[str, Any]:
    pairs = zip(items[::2], items[1::2], strict=False)
    return {key: value for key, value in pairs if isinstance(key, str)}


def text(data: Any, *keys: str) -> str:
    """The text below keys, empty when there is none; a list has its first entry taken."""
    for key in keys:
        if isinstance(data, list):
            data = data[0] if data else None
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""


def rows(data: Any, *keys: str) -> list[dict[str, Any]]:
    """The tables below keys, at most a hundred."""
    for key in keys:
        if isinstance(data, list):
            data = data[0] if data else None
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, list):
        return []
    return [row for row in data[:100] if isinstance(row, dict)]


def flags(arguments: tuple[str, ...]) -> dict[str, str]:
    """``--key value`` and ``--key=value`` of a command line; the last of a key counts."""
    found: dict[str, str] = {}
    for at, word in enumerate(arguments):
        if not re.match(r"--?[A-Za-z]", word):
            continue
        key, equals, value = word.lstrip("-").partition("=")
        if not equals and at + 1 < len(arguments) and not arguments[at + 1].startswith("--"):
            value = arguments[at + 1]
        found[key.replace("-", "_")] = value
    return found
