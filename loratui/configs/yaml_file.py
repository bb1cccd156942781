"""YAML as ai-toolkit reads it: PyYAML's booleans, and `1e-4` is a number."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from loratui.configs.base import Node, Reading, Unreadable
from loratui.kb import marked
from loratui.kb.marked import DEEPEST, MOST, YamlError, dotted

_OLD = {"yes": True, "on": True, "no": False, "off": False}  # YAML 1.1, which PyYAML reads
_SPACED = re.compile(r"[-+]?[0-9][0-9_]*")
_Way = tuple[str | int, ...]


def parse(text: str) -> Reading:
    """The values of `text`; what is wrong is named and left out."""
    reading = Reading()
    try:
        if len(text) > marked.BIGGEST:
            raise YamlError(1, "", f"larger than {marked.BIGGEST} characters")
        marked.shallow(text)
        root = _composed(text)
        if root is not None:
            reading.root = _Converter(text, reading).convert(root, (), None)
    except YamlError as error:
        reading.say(error.line, error.key, error.text)
    except Unreadable as error:
        reading.faults.append(error.fault)
    return reading


def _composed(text: str) -> YamlNode | None:
    loader = marked.loader_of(text)
    try:
        return loader.get_single_node()  # type: ignore[no-any-return]
    except yaml.MarkedYAMLError as error:
        raise marked.explained(error, text) from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0] if str(error) else "unknown character"
        raise YamlError(1, "", f"not readable as YAML: {said}") from None
    finally:
        loader.dispose()


class _Converter:
    """Nodes with lines and raw text; refuses loops, depth and aliases that multiply."""

    def __init__(self, text: str, reading: Reading) -> None:
        self._text = text
        # PyYAML ends a line at U+2028 as well, which no editor shows
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        self._reading = reading
        self._left = MOST
        self._open: set[int] = set()

    def _line(self, node: YamlNode) -> int:
        return bisect_left(self._breaks, node.start_mark.index) + 1

    def convert(self, node: YamlNode, way: _Way, line: int | None) -> Node:
        self._left -= 1
        here = line or self._line(node)
        if self._left < 0:
            raise Unreadable(here, dotted(way), "aliases multiply into too many values")
        raw = self._text[node.start_mark.index : node.end_mark.index].rstrip()
        if isinstance(node, ScalarNode):
            return Node(node.value if node.style else _plain(node.value), here, raw)
        if len(way) > DEEPEST:
            raise Unreadable(here, dotted(way[:4]), f"nested deeper than {DEEPEST} levels")
        if id(node) in self._open:
            raise Unreadable(here, dotted(way), "an alias that contains itself")
        self._open.add(id(node))
        value: Any
        if isinstance(node, SequenceNode):
            value = [self.convert(inner, (*way, at), None) for at, inner in enumerate(node.value)]
        else:
            assert isinstance(node, MappingNode)
            value = self._mapping(node, way)
        self._open.discard(id(node))
        return Node(value, here, raw)

    def _mapping(self, node: MappingNode, way: _Way) -> dict[str, Node]:
        merged: dict[str, Node] = {}
        value: dict[str, Node] = {}
        for key, inner in node.value:
            line = self._line(key)
            if not isinstance(key, ScalarNode):
                self._reading.say(line, dotted(way), "a key that is no text")
                continue
            name = key.value
            if name == "<<" and not key.style:
                merged |= self._merged(inner, way)
                continue
            if name in value:
                first = value[name].line
                text = f"the key {name!r} is given twice, first in line {first}: the last counts"
                self._reading.say(line, dotted((*way, name)), text)
                del value[name]
            value[name] = self.convert(inner, (*way, name), line)
        return {**{name: n for name, n in merged.items() if name not in value}, **value}

    def _merged(self, node: YamlNode, way: _Way) -> dict[str, Node]:
        """What `<<` brings in: a mapping or a list of them, of which the first counts."""
        found: dict[str, Node] = {}
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in reversed(parts):
            inner = self.convert(part, way, None)
            if isinstance(inner.value, dict):
                found |= inner.value
        return found


def _plain(value: str) -> object:
    lowered = value.lower()
    if lowered in _OLD:
        return _OLD[lowered]
    if "_" in value and _SPACED.fullmatch(value):
        value = value.replace("_", "")
    return marked.plain(value)
