"""Reference pages: findings, options, words of the trade."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loratui.kb.pages.blocks import Block, labelled
from loratui.kb.pages.case import Case

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Term

_MOST_WORDS = 12
"""Words explained on one page; the first that it uses."""


def finding_page(base: KnowledgeBase, id: str) -> list[Block]:
    """What a finding is, by which texts it is recognised, and when there is no answer."""
    info = base.findings[id]
    blocks = [Block("title", info.title, aside=f"{info.id}, {info.severity}")]
    if not info.built:
        blocks.append(Block("note", "The program does not look for this by itself yet."))
    if info.question:
        blocks.append(Block("text", info.question, "Question"))
    examples = [
        Block("text", message.example, mark="·")
        for message in base.messages
        if message.finding == id
    ]
    blocks += labelled("Log says", examples)
    reasons = [Block("text", reason, mark="·") for reason in info.reasons.values()]
    blocks += labelled("No answer", reasons)
    if info.symptom is not None and info.symptom in base.symptoms:
        title = base.symptoms[info.symptom].title
        blocks.append(Block("link", title, "Page", "→", target=f"page:{info.symptom}"))
    return blocks


def option_page(base: KnowledgeBase, name: str, case: Case) -> list[Block]:
    """An option, its value in the user's run, and how each trainer spells it."""
    option = base.options[name]
    blocks = [Block("title", option.title, aside=name), Block("meaning", option.meaning)]
    found = case.facts.config.values.get(name)
    if found is not None:
        place = f"   {found.file}:{found.line}" if found.file else ""
        text = f"{found.key or name} = {found.raw or found.value}{place}"
        blocks.append(Block("seen", text, "Yours", "●"))
    keys = [
        Block("text", f"{trainer}: {base.spelled(trainer, key)}", mark="·")
        for trainer, known in option.keys.items()
        for key in known[:1]
    ]
    notes = [Block("text", f"{name}: {note}", mark="·") for name, note in option.notes.items()]
    blocks += labelled("Spelling", keys) + labelled("Mind", notes)
    fixes = [
        Block("link", symptom.title, mark="→", target=f"page:{symptom.id}")
        for symptom in base.symptoms.values()
        if any(change.option == name for fix in symptom.fixes for change in fix.patch)
    ]
    blocks += labelled("Helps", fixes)
    return [*blocks, Block("source", base.cite(option.source), "Source")]


def term_page(base: KnowledgeBase, id: str) -> list[Block]:
    """A word of the trade."""
    term = base.terms[id]
    blocks = [Block("title", term.title), Block("meaning", term.meaning)]
    if term.source is not None:
        blocks.append(Block("source", base.cite(term.source), "Source"))
    return blocks


def word_blocks(base: KnowledgeBase, blocks: Sequence[Block]) -> list[Block]:
    """The words of the trade that a page uses, folded under one line."""
    said = " ".join(
        part
        for block in blocks
        if block.role not in ("source", "command", "patch", "example")
        for part in (block.text, *(cell for row in block.rows for cell in row))
    )
    found = _words_in(base, said)[:_MOST_WORDS]
    if not found:
        return []
    names = ", ".join(term.title for term in found)
    head = Block("link", names, mark="→", aside="enter explains", target="fold:words")
    return [
        head,
        *(
            Block("detail", f"{term.title}: {term.meaning}", target="fold:words", folded=True)
            for term in found
        ),
    ]


def _words_in(base: KnowledgeBase, said: str) -> list[Term]:
    """The terms of which a form stands in a text, in the order in which they first do."""
    found = []
    for term in base.terms.values():
        forms = "|".join(re.escape(form) for form in (term.title, *term.also))
        match = re.search(rf"(?<!\w)(?:{forms})(?!\w)", said, re.IGNORECASE)
        if match is not None:
            found.append((match.start(), term))
    return [term for _, term in sorted(found, key=lambda pair: pair[0])]
