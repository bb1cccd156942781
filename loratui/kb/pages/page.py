"""The page of any id, as blocks, before anything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loratui.kb.pages.blocks import Block, labelled
from loratui.kb.pages.case import Case
from loratui.kb.pages.checklist import checklist_page
from loratui.kb.pages.figure import card_page, figure_page
from loratui.kb.pages.guide import guide_page, profile_page
from loratui.kb.pages.reference import finding_page, option_page, term_page, word_blocks
from loratui.kb.pages.symptom import symptom_page

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase


def page_of(base: KnowledgeBase, id: str, case: Case | None = None) -> list[Block] | None:
    """The page of an id, with what is known of the user's case; None when nothing has that id.

    Pages come before findings, options, cards and words where an id is both; ``options/NAME`` and
    the like name one of those.
    """
    case = case or Case()
    blocks = _body(base, id, case)
    if blocks is None:
        return None
    blocks += labelled("Related", _related(base, id))
    blocks += labelled("Words", word_blocks(base, blocks))
    return blocks + labelled("Source", _sources(base, id))


def _body(base: KnowledgeBase, id: str, case: Case) -> list[Block] | None:
    kind, _, name = id.rpartition("/")
    if not kind:
        if id in base.symptoms or case.finding is not None:
            return symptom_page(base, id, case)
        if id in base.checklists:
            return checklist_page(base, id, case)
        if id in base.guides:
            return guide_page(base, id, case)
        if id in base.profiles:
            return profile_page(base, id, case)
        if id in base.figures:
            return figure_page(base, id, case)
    if kind in ("", "findings") and name in base.findings:
        return finding_page(base, name)
    if kind in ("", "options") and name in base.options:
        return option_page(base, name, case)
    if kind in ("", "gpus") and name in base.gpus:
        return card_page(base, name)
    return term_page(base, name) if kind in ("", "terms") and name in base.terms else None


def _related(base: KnowledgeBase, id: str) -> list[Block]:
    for kind in (base.symptoms, base.checklists, base.guides, base.profiles):
        entry = kind.get(id)
        if entry is not None:
            return [
                Block("link", base.title(name), mark="→", target=f"page:{name}")
                for name in entry.related
                if base.title(name) != name
            ]
    return []


def _sources(base: KnowledgeBase, id: str) -> list[Block]:
    references: dict[str, None] = {}
    for kind in (base.symptoms, base.checklists, base.profiles):
        entry = kind.get(id)
        if entry is not None:
            references = dict.fromkeys(entry.sources)
    if (guide := base.guides.get(id)) is not None:
        references = dict.fromkeys(section.source for section in guide.sections)
    if (figure := base.figures.get(id)) is not None:
        positions = base.positions(id)
        references = dict.fromkeys((figure.source, *(p.source for p in positions)))
    return [Block("source", base.cite(reference)) for reference in references]
