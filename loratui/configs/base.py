"""What reading a configuration gives: settings with their places, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from loratui.kb.marked import DEEPEST, MOST

LARGEST = 2_000_000
"""Bytes of a file; a configuration is far smaller."""

Origin = Literal["file", "flag", "gui", "metadata"]
"""A file, a command line, the file of a graphical front end, or what a LoRA says of its run."""

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value with its key (``datasets[0].resolution``), its text as written and its line.

    `key` is the trainer's own; `written` is how the file spells it where that differs.
    """

    key: str
    value: object
    raw: str = ""
    line: int = 1
    file: str = ""
    written: str = ""
    origin: Origin = "file"

    @property
    def general(self) -> str:
        """The key with `[]` for every index, as `knowledge/trainers` writes it."""
        return _INDEX.sub("[]", self.key)


class Fault(NamedTuple):
    """Something wrong in a file. `line` counts from 1; 0 means the file as a whole."""

    line: int
    key: str
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The settings of one file or command line, in its order.

    Of a command: `script` is the program, `launcher` are flags in front of it (those of
    accelerate or deepspeed), `arguments` are words that belong to no flag. `encoding` is empty
    for UTF-8.
    """

    path: str = ""
    kind: str = ""
    values: tuple[Setting, ...] = ()
    problems: tuple[Fault, ...] = ()
    script: str = ""
    launcher: tuple[Setting, ...] = ()
    arguments: tuple[str, ...] = ()
    encoding: str = ""

    def get(self, key: str) -> Setting | None:
        """The last setting of this key."""
        return next((s for s in reversed(self.values) if s.key == key), None)


class Unreadable(Exception):  # noqa: N818  it says what the file is
    """A file that cannot be read any further."""

    def __init__(self, line: int, key: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(line, key, text)


@dataclass(slots=True)
class Node:
    """A value as parsed: a scalar, or nodes in a dict or list; `line` is that of its key."""

    value: Any
    line: int
    raw: str = ""


@dataclass(slots=True)
class Reading:
    """What a format's reader hands over."""

    root: Node | None = None
    faults: list[Fault] = field(default_factory=list)

    def say(self, line: int, key: str, text: str) -> None:
        self.faults.append(Fault(line, key, text))


def plain(node: Node) -> object:
    """The bare value of a node: lists as tuples."""
    if isinstance(node.value, dict):
        return {name: plain(inner) for name, inner in node.value.items()}
    if isinstance(node.value, list):
        return tuple(plain(inner) for inner in node.value)
    return node.value


def marked(value: object, line: int, raw: str = "", depth: int = 0) -> Node:
    """A node of a bare value; what is inside gets the same line."""
    if depth > DEEPEST:
        raise Unreadable(line, "", f"nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        inner = {str(name): marked(v, line, "", depth + 1) for name, v in value.items()}
        return Node(inner, line, raw)
    if isinstance(value, list | tuple):
        return Node([marked(v, line, "", depth + 1) for v in value], line, raw)
    return Node(value, line, raw)


def flatten(root: Node, file: str, prefix: str = "") -> list[Setting]:
    """One setting for each value: a list without mappings is one value, others get indices."""
    found: list[Setting] = []
    for key, node in _leaves(root, prefix):
        if len(found) >= MOST:
            raise Unreadable(node.line, "", f"more than {MOST} values")
        found.append(Setting(key, plain(node), node.raw, node.line, file))
    return found


def _leaves(node: Node, key: str) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, dict) and (node.value or not key):
        for name, inner in node.value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else name)
    elif isinstance(node.value, list) and (not key or _mappings(node)):
        for at, inner in enumerate(node.value):
            yield from _leaves(inner, f"{key}[{at}]")
    else:
        yield key, node


def _mappings(node: Node) -> bool:
    """Whether a list holds a mapping anywhere."""
    return any(
        isinstance(inner.value, dict) or (isinstance(inner.value, list) and _mappings(inner))
        for inner in node.value
    )


def entries(settings: Iterable[Setting], name: str) -> list[dict[str, Setting]]:
    """The entries of a list of mappings, each with its settings by the key inside the entry."""
    pattern = re.compile(rf"{re.escape(name)}\[(\d+)\](?:\.|(?=\[))(.+)", re.DOTALL)
    found: dict[int, dict[str, Setting]] = {}
    for setting in settings:
        match = pattern.fullmatch(setting.key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = setting
    return [found[at] for at in sorted(found)]


def nested(entry: dict[str, Setting], name: str) -> list[dict[str, Setting]]:
    """`entries` inside an entry."""
    pattern = re.compile(rf"{re.escape(name)}\[(\d+)\]\.(.+)", re.DOTALL)
    found: dict[int, dict[str, Setting]] = {}
    for key, setting in entry.items():
        match = pattern.fullmatch(key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = setting
    return [found[at] for at in sorted(found)]
