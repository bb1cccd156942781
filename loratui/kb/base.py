"""The knowledge base as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.kb.schema import (
        Card,
        ChecklistInfo,
        FigureInfo,
        FindingInfo,
        Guide,
        Join,
        Message,
        Noise,
        Option,
        Position,
        Profile,
        Source,
        Symptom,
        Term,
        Tree,
    )


PAGES = ("symptoms", "checklists", "guides", "profiles", "figures")
"""Kinds of entries that are a page; an id is a page's alone."""


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
    guides: Mapping[str, Guide] = field(default_factory=dict)
    figures: Mapping[str, FigureInfo] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    gpus: Mapping[str, Card] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, Join] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def noise(self) -> tuple[Noise, ...]:
        """Harmless lines that look like errors."""
        return self.messages.noise

    def positions(self, figure: str) -> tuple[Position, ...]:
        """Everything that documents say about a figure; a profile's hold for its runs only."""
        known = self.figures.get(figure)
        found = list(known.positions) if known is not None else []
        for profile in self.profiles.values():
            for position in profile.figures.get(figure, ()):
                if profile.kind == "recipe":
                    position = replace(position, recipe=profile.id)
                elif profile.family is not None:
                    position = replace(position, families=(profile.family,))
                found.append(position)
        return tuple(found)

    @cached_property
    def pages(self) -> Mapping[str, str]:
        """The kind of every page (``symptoms``, ``guides``, …) by its id."""
        return {name: kind for kind in reversed(PAGES) for name in getattr(self, kind)}

    def title(self, page: str) -> str:
        """The title of a page of any kind; an unknown id is its own."""
        kind = self.pages.get(page)
        return str(getattr(self, kind)[page].title) if kind is not None else page

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

    @cached_property
    def told(self) -> frozenset[str]:
        """The findings that are recognised by an error text."""
        return frozenset(message.finding for message in self.messages)

    @cached_property
    def autos(self) -> tuple[str, ...]:
        """Everything that can be judged of a run: what items and checks name, and findings."""
        items = (item.auto for known in self.checklists.values() for item in known.items)
        checks = (check.auto for known in self.symptoms.values() for check in known.check)
        built = (name for name, info in self.findings.items() if info.built)
        return tuple(dict.fromkeys(auto for auto in (*items, *checks, *built) if auto))

    def key(self, option: str, trainer: str) -> str | None:
        """How a trainer writes an option; our own name when the trainer is unknown, None when it
        has no such option."""
        known = self.options.get(option)
        if known is None or not any(trainer in o.keys for o in self.options.values()):
            return option
        keys = known.keys.get(trainer)  # type: ignore[call-overload]
        return self.spelled(trainer, keys[0]) if keys else None

    def spelled(self, trainer: str, key: str) -> str:
        """A key as the trainer's users write it; what stands inside a file has no dashes."""
        inside = "." in key or "[" in key
        return key if inside else self.styles.get(trainer, "{key}").format(key=key)

    def cite(self, reference: str, *, short: bool = False) -> str:
        """A source as people read it: title, date, section; or just its short name."""
        name, _, section = reference.partition("#")
        source = self.sources.get(name)
        if source is None:
            return reference
        section = source.sections.get(section, section)
        if short:
            return source.short or source.title
        title = f"{source.title} ({source.date})" if source.date else source.title
        return f"{title}: {section}" if section else title
