"""Reads YAML with the line of every key, as YAML 1.2 has it: only true and false are booleans.

Guards: size, depth, aliases that contain themselves or multiply, tabs, keys given twice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

BIGGEST = 1_000_000
"""Characters of a file."""

DEEPEST = 24
"""Levels of nesting."""

MOST = 100_000
"""Values of a file, each counted as often as aliases repeat it."""

_OPENING = 400  # unclosed brackets from which a parser written in recursion is in danger
_INT = re.compile(r"[-+]?[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_SPECIAL = {".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_NUMBER = frozenset("0123456789+-.")
_OLD_BOOL = frozenset(("yes", "no", "on", "off", "y", "n"))

Path = tuple[str | int, ...]


class YamlError(Exception):
    """A file that cannot be read. `line` counts from 1, `key` is the way to the place."""

    def __init__(self, line: int, key: str, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.key = key
        self.text = text


class _Resolving:
    """Leaves plain scalars alone: what they mean is decided below."""

    def descend_resolver(self, parent: Any, index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return ""


def loader_of(text: str) -> Any:
    """A parser that leaves the meaning of plain scalars to us."""
    if yaml.__with_libyaml__:
        from yaml.cyaml import CSafeLoader

        return type("Fast", (_Resolving, CSafeLoader), {})(text)
    return type("Slow", (_Resolving, yaml.SafeLoader), {})(text)  # ten times slower, the same


class Document:
    """A file's values, and where each of them stands."""

    def __init__(self, root: Node | None) -> None:
        self._root = root
        self._left = MOST
        self._open: set[int] = set()
        self.value: Any = None if root is None else self._convert(root, ())

    def line(self, path: Iterable[str | int]) -> int:
        """The line of the value at `path`, or of the nearest one above it that exists."""
        node, found = self._root, 1
        for step in path:
            child: Node | None = None
            if isinstance(node, MappingNode):
                for key, value in node.value:
                    if key.value == str(step):
                        child, found = value, key.start_mark.line + 1
            elif (
                isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value)
            ):
                child = node.value[step]
                found = child.start_mark.line + 1
            if child is None:
                break
            node = child
        return found

    def _convert(self, node: Node, path: Path) -> Any:
        self._left -= 1
        line = node.start_mark.line + 1
        if self._left < 0:
            raise YamlError(line, dotted(path), "aliases multiply into too many values")
        if isinstance(node, ScalarNode):
            return node.value if node.style else plain(node.value)
        if len(path) > DEEPEST:
            raise YamlError(line, dotted(path[:4]), f"nested deeper than {DEEPEST} levels")
        if id(node) in self._open:
            raise YamlError(line, dotted(path), "an alias that contains itself")
        self._open.add(id(node))
        value: Any
        if isinstance(node, SequenceNode):
            value = tuple(self._convert(n, (*path, i)) for i, n in enumerate(node.value))
        else:
            assert isinstance(node, MappingNode)
            value = self._mapping(node, path)
        self._open.discard(id(node))
        return value

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key, inner in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                raise YamlError(line, dotted(path), "a key that is no text")
            name = key.value
            if not key.style and name.lower() in _OLD_BOOL:
                raise YamlError(
                    line,
                    dotted((*path, name)),
                    f"key {name!r} reads as a boolean elsewhere: quote it",
                )
            if name in value:
                raise YamlError(line, dotted((*path, name)), f"key {name!r} is given twice")
            value[name] = self._convert(inner, (*path, name))
        return value


def read(text: str) -> Document:
    """The document in `text`; raises YamlError."""
    if len(text) > BIGGEST:
        raise YamlError(1, "", f"larger than {BIGGEST} characters")
    shallow(text)
    try:
        loader = loader_of(text)
        try:
            return Document(loader.get_single_node())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise explained(error, text) from None
    except yaml.YAMLError as error:
        raise YamlError(1, "", f"not readable as YAML: {error}") from None


def plain(value: str) -> Any:
    """What an unquoted scalar means in YAML 1.2."""
    if value in _NULL:
        return None
    if value[0] in _NUMBER:
        if _INT.fullmatch(value):
            return int(value) if len(value) < 64 else value
        if _FLOAT.fullmatch(value):
            return float(value)
        if _HEX.fullmatch(value):
            return int(value, 0)
        return _SPECIAL.get(value.lower(), value)
    return _BOOL.get(value, value)


def dotted(path: Iterable[str | int]) -> str:
    """A way into a document as text: ``fixes[2].patch``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name that `name` was probably meant to be, or nothing."""
    found = difflib.get_close_matches(name, [str(known) for known in names], n=1, cutoff=0.6)
    return found[0] if found else ""


def shallow(text: str) -> None:
    """Refuse what nests so deeply that a recursive parser would overflow."""
    depth = 0
    for found in re.finditer(r"[\[{]|[\]}]|^[ \t\-?:]{200,}", text, re.MULTILINE):
        sign = found.group()
        depth = depth + 1 if sign in "[{" else max(0, depth - 1) if sign in "]}" else _OPENING + 1
        if depth > _OPENING:
            line = text.count("\n", 0, found.start()) + 1
            raise YamlError(line, "", f"nested deeper than {DEEPEST} levels")


def explained(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    rows = text.split("\n")
    # libyaml reports a tab as a token that cannot start, sometimes a line too late
    for number in (line, line - 1):
        row = rows[number - 1] if 0 < number <= len(rows) else ""
        if "\t" in row[: len(row) - len(row.lstrip())]:
            return YamlError(number, _key(row), "a tab is used for indentation: YAML wants blanks")
    row = rows[line - 1] if line <= len(rows) else ""
    said = error.problem or error.context or "not readable"
    return YamlError(line, _key(row), f"not readable as YAML: {said}")


def _key(row: str) -> str:
    found = re.match(r"\s*(?:- )?([\w-]+)\s*:", row)
    return found.group(1) if found else ""
