"""The knowledge base as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.kb.schema import (
        ChecklistInfo,
        FindingInfo,
        Message,
        Noise,
        Option,
        Profile,
        Source,
        Symptom,
        Tree,
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file. `line` counts from 1; 0 when it concerns the file as a whole."""

    file: str
    line: int
    key: str
    text: str

    @property
    def where(self) -> str:
        """File, line and key as one text."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.key}" if self.key else place


class Messages(tuple["Message", ...]):
    """All error texts, with the harmless lines that must never count as one."""

    noise: tuple[Noise, ...] = ()


@dataclass(frozen=True)
class KnowledgeBase:
    """Everything that `knowledge/` holds, by id. `problems` name what could not be used."""

    findings: Mapping[str, FindingInfo] = field(default_factory=dict)
    symptoms: Mapping[str, Symptom] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)
    tree: Tree | None = None
    checklists: Mapping[str, ChecklistInfo] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def noise(self) -> tuple[Noise, ...]:
        """Harmless lines that look like errors."""
        return self.messages.noise

    def usual(self, state: str) -> str:
        """How long a state of a run usually takes, or nothing."""
        return self.states.get(state, "")

    def option_names(self, trainer: str) -> Mapping[str, str]:
        """Our option name for each key that a trainer reads; of an unknown trainer, of all."""
        found = self._names.get(trainer)
        return self._names[""] if found is None else found

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        names: dict[str, dict[str, str]] = {"": {}}
        for name, option in self.options.items():
            for trainer, keys in option.keys.items():
                known = names.setdefault(trainer, {})
                for key in keys:
                    known.setdefault(key, name)
                    names[""].setdefault(key, name)
        return names

    def key(self, option: str, trainer: str) -> str | None:
        """How a trainer writes an option; our own name when the trainer is unknown, None when it
        has no such option."""
        known = self.options.get(option)
        if known is None or not any(trainer in o.keys for o in self.options.values()):
            return option
        keys = known.keys.get(trainer)  # type: ignore[call-overload]
        return self.styles.get(trainer, "{key}").format(key=keys[0]) if keys else None

    def cite(self, reference: str) -> str:
        """A source as people read it: title, date, section."""
        name, _, section = reference.partition("#")
        source = self.sources.get(name)
        if source is None:
            return reference
        section = source.sections.get(section, section)
        title = f"{source.title} ({source.date})" if source.date else source.title
        return f"{title}: {section}" if section else title
