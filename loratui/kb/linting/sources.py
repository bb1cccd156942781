"""Whether every reference names a source, and every figure has one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loratui.kb.base import KnowledgeBase
from loratui.kb.linting.faults import Fault, unknown

_PLAIN = frozenset((
    "id", "pattern", "needle", "near_miss", "frame", "file", "key", "match", "version", "versions",
    "finding", "symptom", "question", "then", "place", "date", "recipe", "otherwise", "auto",
    "option", "related", "figures", "all_of", "silences",
))  # fmt: skip
_FIGURE = re.compile(r"\d")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_CITING = (
    "findings", "noise", "symptoms", "checklists", "guides", "figures", "options", "profiles",
    "gpus", "terms", "joins",
)  # fmt: skip


def _entries(base: KnowledgeBase) -> Iterator[tuple[str, str, Any]]:
    for kind in _CITING:
        found = getattr(base, kind)
        named = found.items() if isinstance(found, Mapping) else ((e.id, e) for e in found)
        for name, entry in named:
            yield kind, name, entry
    for message in base.messages:
        yield "messages", f"{message.finding}/{message.id}", message


def sources(base: KnowledgeBase) -> Iterator[Fault]:
    """Every reference names a source, and a section of it where the source lists its sections."""
    for kind, name, entry in _entries(base):
        for way, reference in _references(entry, ()):
            source, _, section = reference.partition("#")
            known = base.sources.get(source)
            if known is None:
                yield Fault(kind, name, way, unknown("source", source, base.sources))
            elif section and known.sections and section not in known.sections:
                text = unknown(f"section of {source}", section, known.sections)
                yield Fault(kind, name, way, text)


def _references(
    value: Any, way: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, inner in _inside(value):
        if key == "source" and isinstance(inner, str):
            yield (*way, key), inner
        elif key == "sources" and isinstance(inner, tuple):
            yield from (((*way, key, at), name) for at, name in enumerate(inner))
        else:
            yield from _references(inner, (*way, key))


def sourced(base: KnowledgeBase) -> Iterator[Fault]:
    """Every text with a figure in it stands in an entry that names its source."""
    for kind, name, entry in _entries(base):
        for way, text in _bare(entry, ()):
            shown = text if len(text) <= 40 else f"{text[:39]}…"
            text = f"a figure without a source: {shown!r}"
            yield Fault(kind, name, way, text, untidy=True)


def _bare(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Texts with a figure of which no entry around them says where it is from."""
    if getattr(value, "source", None) or getattr(value, "sources", None):
        return
    if isinstance(value, str):
        if _FIGURE.search(_PLACEHOLDER.sub("", value)):
            yield way, value
        return
    for key, inner in _inside(value):
        if key not in _PLAIN:
            yield from _bare(inner, (*way, key))


def _inside(value: Any) -> Iterable[tuple[Any, Any]]:
    if dataclasses.is_dataclass(value):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()
