"""The knowledge base as JSON, and the JSON schema of its files for editors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from loratui.kb import files, schema
from loratui.kb.base import KnowledgeBase

EXPORT = "loratui.knowledge/1"

_FILES: Mapping[str, tuple[Any, str]] = {
    "sources": (dict[schema.Id, schema.Source], "sources.yaml"),
    "terms": (dict[schema.Id, schema.Term], "terms.yaml"),
    "states": (dict[schema.Words, schema.State], "states.yaml"),
    "findings": (list[schema.FindingInfo], "findings.yaml"),
    "joins": (list[schema.Join], "joins.yaml"),
    "actions": (dict[schema.Id, schema.Action], "actions.yaml"),
    "noise": (list[schema.Noise], "noise.yaml"),
    "tree": (schema.Tree, "tree.yaml"),
    "figures": (list[schema.FigureInfo], "figures.yaml"),
    "options": (schema.Options, "options.yaml"),
    "gpus": (dict[schema.Id, schema.Card], "gpus.yaml"),
    "symptoms": (schema.Symptom, "symptoms/*.yaml"),
    "checklists": (schema.ChecklistInfo, "checklists/*.yaml"),
    "guides": (schema.Guide, "guides/*.yaml"),
    "profiles": (schema.Profile, "profiles/*.yaml"),
    "messages": (list[schema.Message], "messages/*.yaml"),
    files.TRAINERS: (schema.TrainerKeys, "trainers/*.yaml"),
}


def as_json(
    base: KnowledgeBase, trainers: Mapping[str, schema.TrainerKeys], tool: str
) -> dict[str, Any]:
    """Everything in the base by kind and id, as values of JSON."""
    found: dict[str, Any] = {"schema": EXPORT, "tool": tool}
    for kind in (*files.SINGLE, *files.FOLDERS):
        value = getattr(base, kind)
        found[kind] = _plain(value)
    found["styles"] = dict(base.styles)
    found[files.TRAINERS] = _plain(trainers)
    found["problems"] = _plain(base.problems)
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def json_schema() -> dict[str, Any]:
    """The JSON schema of the files: any of them, each also by itself under `$defs`."""
    forms: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (name, "validation", TypeAdapter(form)) for name, (form, _) in _FILES.items()
    ]
    made, whole = TypeAdapter.json_schemas(forms)
    parts = dict(whole.get("$defs", {}))
    message = parts["Message"]  # its finding is the name of the file
    message["required"] = [name for name in message["required"] if name != "finding"]
    for (name, _), form in made.items():
        parts[f"file-{name}"] = {**form, "title": _FILES[str(name)][1]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A file of loratui's knowledge base",
        "anyOf": [{"$ref": f"#/$defs/file-{name}"} for name in _FILES],
        "$defs": dict(sorted(parts.items())),
    }
