"""Checklists, guides, figures, options and profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import KnowledgeBase
from loratui.kb.linting.faults import Fault, figured, linked, unknown

if TYPE_CHECKING:
    from loratui.kb.schema import ChecklistInfo, Position, Section

EVENTS = ("event:checkpoint", "event:first-loss", "event:samples", "metric:loss-fell")
"""What a checklist item may be ticked by besides a finding."""

QUANTITIES = (
    "images", "total-steps", "steps-per-image", "views-per-image", "gpu-memory", "step-seconds",
    "host-memory", "disk-free",
)  # fmt: skip
"""What a figure may be compared with besides an option."""


def checklists(base: KnowledgeBase) -> Iterator[Fault]:
    for checklist in base.checklists.values():
        name = checklist.id
        if checklist.recipe is not None and checklist.recipe not in base.profiles:
            text = unknown("profile", checklist.recipe, base.profiles)
            yield Fault("checklists", name, ("recipe",), text)
        questions = [question.id for question in base.tree.questions] if base.tree else []
        if checklist.then is not None and checklist.then not in questions:
            text = unknown("question", checklist.then, questions)
            yield Fault("checklists", name, ("then",), text)
        yield from linked(base, "checklists", name, "related", checklist.related)
        yield from figured(base, "checklists", name, checklist.figures)
        yield from _items(base, checklist)


def _items(base: KnowledgeBase, checklist: ChecklistInfo) -> Iterator[Fault]:
    pages = base.pages
    ids = [item.id for item in checklist.items]
    for at, item in enumerate(checklist.items):
        way = ("items", at)
        auto = item.auto
        if ids.index(item.id) != at:
            yield Fault("checklists", checklist.id, way, f"the id {item.id!r} is given twice")
        if auto is not None and auto not in EVENTS and auto not in base.findings:
            text = unknown("finding or event", auto, [*EVENTS, *base.findings])
            yield Fault("checklists", checklist.id, (*way, "auto"), text)
        if item.otherwise is not None and item.otherwise not in pages:
            text = unknown("page", item.otherwise, pages)
            yield Fault("checklists", checklist.id, (*way, "otherwise"), text)


def guides(base: KnowledgeBase) -> Iterator[Fault]:
    for guide in base.guides.values():
        yield from linked(base, "guides", guide.id, "related", guide.related)
        yield from figured(base, "guides", guide.id, guide.figures)
        yield from _sections("guides", guide.id, guide.sections)


def _sections(kind: str, name: str, sections: Iterable[Section]) -> Iterator[Fault]:
    for at, section in enumerate(sections):
        way = ("sections", at)
        if not (section.text or section.points or section.table or section.example):
            yield Fault(kind, name, way, "the section says nothing")
        if section.table is None:
            continue
        for row_at, row in enumerate(section.table.rows):
            if len(row) != len(section.table.columns):
                text = f"the row has {len(row)} cells, the table {len(section.table.columns)}"
                yield Fault(kind, name, (*way, "table", "rows", row_at), text)


def figures(base: KnowledgeBase) -> Iterator[Fault]:
    for figure in base.figures.values():
        name = figure.id
        if figure.yours and figure.yours not in QUANTITIES and figure.yours not in base.options:
            text = unknown("quantity", figure.yours, [*QUANTITIES, *base.options])
            yield Fault("figures", name, ("yours",), text)
        if not base.positions(name):
            yield Fault("figures", name, (), "no document says anything about it")
        yield from _positions(base, "figures", name, ("positions",), figure.positions)


def _positions(
    base: KnowledgeBase,
    kind: str,
    name: str,
    way: tuple[str | int, ...],
    positions: Iterable[Position],
) -> Iterator[Fault]:
    for at, position in enumerate(positions):
        if position.recipe is not None and position.recipe not in base.profiles:
            text = unknown("recipe", position.recipe, base.profiles)
            yield Fault(kind, name, (*way, at, "recipe"), text)
        if position.card is not None and position.card not in base.gpus:
            text = unknown("card", position.card, base.gpus)
            yield Fault(kind, name, (*way, at, "card"), text)
        if position.low is not None and position.high is not None and position.low > position.high:
            yield Fault(kind, name, (*way, at, "low"), "is above high")


def options(base: KnowledgeBase) -> Iterator[Fault]:
    for name, option in base.options.items():
        for other in option.also:
            if other not in base.options:
                yield Fault("options", name, ("also",), unknown("option", other, base.options))


def profiles(base: KnowledgeBase) -> Iterator[Fault]:
    for profile in base.profiles.values():
        name = profile.id
        if profile.kind == "family" and profile.family is None:
            yield Fault("profiles", name, ("kind",), "a family needs its `family`")
        for option in profile.settings:
            if option not in base.options:
                text = unknown("option", option, base.options)
                yield Fault("profiles", name, ("settings", option), text)
        for figure, positions in profile.figures.items():
            if figure not in base.figures:
                text = unknown("figure", figure, base.figures)
                yield Fault("profiles", name, ("figures", figure), text)
            yield from _positions(base, "profiles", name, ("figures", figure), positions)
        for at, pattern in enumerate(profile.patterns):
            if pattern.symptom not in base.symptoms:
                text = unknown("symptom", pattern.symptom, base.symptoms)
                yield Fault("profiles", name, ("patterns", at, "symptom"), text)
        yield from linked(base, "profiles", name, "related", profile.related)
        yield from _sections("profiles", name, profile.sections)
