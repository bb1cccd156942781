"""Checklists and protocols, ticked by what the run shows and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loratui.kb.pages.blocks import Block, Role, labelled
from loratui.kb.pages.case import Case
from loratui.kb.pages.figure import figure_blocks

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import ChecklistInfo, Item

_SIGNS: dict[str, tuple[str, Role]] = {
    "done": ("✔", "good"),
    "failed": ("✖", "failed"),
    "open": ("○", "text"),
    "manual": ("○", "text"),
}


def checklist_page(base: KnowledgeBase, id: str, case: Case) -> list[Block]:
    """A checklist with the state of each item, how to look, and what to do when it fails."""
    checklist = base.checklists[id]
    states = [item_state(checklist, item, case)[0] for item in checklist.items]
    done = states.count("done")
    blocks = [Block("title", checklist.title, aside=f"{done} of {len(states)}" if done else "")]
    if checklist.intro:
        blocks.append(Block("meaning", checklist.intro))
    if checklist.recipe is not None and checklist.recipe in base.profiles:
        text = f"Its figures are those of: {base.title(checklist.recipe)}"
        link = Block("link", text, mark="→", target=f"page:{checklist.recipe}", flush=True)
        blocks.append(link)
    group = ""
    for number, item in enumerate(checklist.items, 1):
        if item.group and item.group != group:
            blocks.append(Block("heading", item.group))
            group = item.group
        blocks += _item(base, checklist, item, number, case)
    return blocks + labelled("Figures", figure_blocks(base, checklist.figures, case))


def item_state(checklist: ChecklistInfo, item: Item, case: Case) -> tuple[str, str]:
    """``done``, ``failed``, ``open`` or ``manual``, and what was seen."""
    ticked = f"{checklist.id}/{item.id}" in case.ticked
    state, evidence = case.judged.get(item.auto or "", ("", ""))
    if state in ("done", "failed"):
        return state, evidence
    if ticked:
        return "done", "ticked by hand"
    return ("open" if state else "manual"), evidence


def _item(
    base: KnowledgeBase, checklist: ChecklistInfo, item: Item, number: int, case: Case
) -> list[Block]:
    state, evidence = item_state(checklist, item, case)
    sign, role = _SIGNS[state]
    target = f"item:{item.id}"
    text = f"{number}. {item.text}" if checklist.ordered else item.text
    if item.requirement:
        text += f": {item.requirement}"
    blocks = [Block(role, text, mark=sign, aside=evidence, target=target, flush=True)]
    folded = state != "failed"
    details = (("how to look", item.how), ("if it does not hold", item.remedy))
    blocks += [
        Block("detail", f"{name}: {said}", target=target, folded=folded, flush=True)
        for name, said in details
        if said
    ]
    if item.otherwise:
        title, page = base.title(item.otherwise), f"page:{item.otherwise}"
        text = f"if it does not hold: {title}"
        blocks.append(
            Block("link", text, mark="  →", target=page, folded=folded, under=target, flush=True)
        )
    return blocks
