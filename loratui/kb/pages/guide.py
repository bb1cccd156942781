"""Pages to read: guides, families, recipes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from loratui.kb.pages.blocks import Block, labelled
from loratui.kb.pages.case import Case
from loratui.kb.pages.figure import MACHINE, figure_blocks, own_value, settings_table

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Profile, Section, Table


def guide_page(base: KnowledgeBase, id: str, case: Case) -> list[Block]:
    """A guide: its sections in order, then the figures that belong to it."""
    guide = base.guides[id]
    blocks = [Block("title", guide.title), Block("meaning", guide.intro)]
    blocks += section_blocks(base, guide.sections)
    return blocks + labelled("Figures", figure_blocks(base, guide.figures, case))


def section_blocks(base: KnowledgeBase, sections: Iterable[Section]) -> list[Block]:
    """Sections with where each is from."""
    blocks: list[Block] = []
    for section in sections:
        source = base.cite(section.source, short=True)
        blocks.append(Block("heading", section.title, aside=source))
        if section.context:
            blocks.append(Block("note", section.context))
        if section.text:
            blocks.append(Block("para", section.text))
        for number, point in enumerate(section.points, 1):
            blocks.append(Block("para", point, mark=f"{number}." if section.ordered else "·"))
        if section.table is not None:
            blocks.append(Block("table", "", rows=table_rows(section.table)))
        if section.example:
            blocks.append(Block("example", section.example.rstrip("\n")))
        if section.caveat is not None:
            text = f"{section.caveat.text} ({base.cite(section.caveat.source)})"
            blocks.append(Block("para", text, mark="!"))
    return blocks


def table_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    """The heading and the rows."""
    return (table.columns, *table.rows)


def profile_page(base: KnowledgeBase, id: str, case: Case) -> list[Block]:
    """A model family or a recipe: when it applies, its numbers, its levels."""
    profile = base.profiles[id]
    own = case.facts.family is not None and case.facts.family == profile.family
    own = own if profile.kind == "family" else case.facts.recipe == profile.id
    blocks = [Block("title", profile.title, aside="your run" if own else "")]
    blocks.append(Block("meaning", profile.applies))
    if profile.kin:
        blocks.append(Block("text", ", ".join(profile.kin), "Also for"))
    figures = [
        (figure.title, position.says, position.context, base.cite(position.source, short=True))
        for name, positions in profile.figures.items()
        if (figure := base.figures.get(name)) is not None
        for position in positions
    ]
    if figures:
        table = (("figure", "value", "for", "source"), *figures)
        blocks += [Block("heading", "Figures"), Block("table", "", rows=table)]
        same = case.facts.family in (None, profile.family)
        known = [
            name
            for name in profile.figures
            if (info := base.figures.get(name)) is not None
            # the speed or settings of a run of another family say nothing here, its machine does
            and (same or info.yours in MACHINE)
            and own_value(info, case) is not None
        ]
        kin = replace(case, facts=replace(case.facts, family=profile.family))
        blocks += labelled("Compare", figure_blocks(base, known, kin))
    if profile.settings:
        rows = settings_table(base, profile.settings, case)
        blocks += [Block("heading", "Settings"), Block("table", "", rows=rows)]
    blocks += section_blocks(base, profile.sections)
    return blocks + _levels(base, profile)


def _levels(base: KnowledgeBase, profile: Profile) -> list[Block]:
    blocks: list[Block] = []
    if profile.levels:
        rows: list[tuple[str, ...]] = [("steps", "loss", "what it does")]
        for level in profile.levels:
            first, last = level.steps
            steps = f"{first} to {last}" if last is not None else f"{first} and later"
            rows.append((steps, f"{level.loss[0]:g} → {level.loss[1]:g}", level.text))
        blocks += [Block("heading", "Expected loss"), Block("table", "", rows=tuple(rows))]
    if profile.patterns:
        rows = [("pattern", "sign", "cause", "fix")]
        rows += [(p.name, p.sign, p.cause, p.fix) for p in profile.patterns]
        blocks += [Block("heading", "Patterns of the loss"), Block("table", "", rows=tuple(rows))]
        links = dict.fromkeys(p.symptom for p in profile.patterns)
        blocks += [
            Block("link", base.symptoms[name].title, mark="→", target=f"page:{name}")
            for name in links
            if name in base.symptoms
        ]
    return blocks
