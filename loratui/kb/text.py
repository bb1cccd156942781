"""The knowledge base as plain text, for screens and for commands alike."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loratui.core.findings import Finding
from loratui.core.plain import printable
from loratui.kb.page import Block, labelled, symptom_page

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Message

_MARGIN = 10  # columns of the names of sections
_UNDER = ("patch", "caveat", "detail")  # roles that stand under the text of a fix


def render_blocks(blocks: Sequence[Block], width: int = 88) -> str:
    """A page as plain text; nothing is folded."""
    rows: list[str] = []
    for block in blocks:
        if rows and (block.label or block.role == "meaning"):
            rows.append("")
        head = "" if block.role in ("title", "note", "meaning") else block.label.ljust(_MARGIN)
        if head or block.mark:
            head += block.mark.ljust(2) if block.mark or block.role in _UNDER else ""
        text = printable(block.text) + (f"  ({block.aside})" if block.aside else "")
        under = " " * len(head)
        rows += textwrap.wrap(
            text, width, initial_indent=head, subsequent_indent=under, break_on_hyphens=False
        ) or [head.rstrip()]
    return "\n".join(rows).rstrip() + "\n"


def render_tree(base: KnowledgeBase) -> str:
    """The whole decision tree; a question that was printed before is only named."""
    tree = base.tree
    if tree is None:
        return ""
    questions = {question.id: question for question in tree.questions}
    rows: list[str] = []
    printed: set[str] = set()

    def ask(name: str, depth: int) -> None:
        indent = "  " * depth
        rows.append(f"{indent}{printable(questions[name].text)}")
        printed.add(name)
        for answer in questions[name].answers:
            text = f"{indent}- {printable(answer.text)}"
            if answer.symptom is not None:
                symptom = base.symptoms.get(answer.symptom)
                title = printable(symptom.title) if symptom is not None else ""
                rows.append(f"{text}  → {title} [{answer.symptom}]")
            elif answer.question in printed:
                rows.append(f"{text}  → {printable(questions[answer.question].text)} (see above)")
            else:
                rows.append(text)
                if answer.question in questions:
                    ask(answer.question, depth + 2)

    if tree.root in questions:
        ask(tree.root, 0)
    return "\n".join(rows) + "\n"


def render_symptom(
    base: KnowledgeBase,
    id: str,
    finding: Finding | None = None,
    width: int = 88,
) -> str:
    """The page of a symptom, with the evidence of a finding where there is one."""
    return render_blocks(symptom_page(base, id, finding), width)


def render_finding(base: KnowledgeBase, id: str, width: int = 88) -> str:
    """What a finding is, and the page of its symptom."""
    info = base.findings[id]
    blocks = [Block("title", info.title, aside=f"{info.id}, {info.severity}")]
    if info.question:
        blocks.append(Block("text", info.question, "Question"))
    examples = [Block("text", message.example, mark="·") for message in _messages(base, id)]
    blocks += labelled("Log says", examples)
    reasons = [Block("text", reason, mark="·") for reason in info.reasons.values()]
    blocks += labelled("No answer", reasons)
    text = render_blocks(blocks, width)
    if info.symptom is not None and info.symptom in base.symptoms:
        text += "\n" + render_symptom(base, info.symptom, width=width)
    return text


def render_checklist(base: KnowledgeBase, id: str, width: int = 88) -> str:
    """A checklist to print and tick."""
    checklist = base.checklists[id]
    blocks = [Block("title", checklist.title)]
    if checklist.intro:
        blocks.append(Block("meaning", checklist.intro))
    items = [
        Block("text", item.text + (f": {item.requirement}" if item.requirement else ""), mark="○")
        for item in checklist.items
    ]
    blocks += labelled("Check", items)
    sources = [Block("source", base.cite(name)) for name in checklist.sources]
    return render_blocks(blocks + labelled("Source", sources), width)


def render_option(base: KnowledgeBase, name: str, width: int = 88) -> str:
    """An option and how each trainer spells it."""
    option = base.options[name]
    blocks = [Block("title", option.title, aside=name), Block("meaning", option.meaning)]
    keys = [
        Block("text", f"{trainer}: {base.styles.get(trainer, '{key}').format(key=key)}", mark="·")
        for trainer, known in option.keys.items()
        for key in known[:1]
    ]
    notes = [Block("text", f"{name}: {note}", mark="·") for name, note in option.notes.items()]
    blocks += labelled("Spelling", keys) + labelled("Mind", notes)
    source = labelled("Source", [Block("source", base.cite(option.source))])
    return render_blocks(blocks + source, width)


def explain(base: KnowledgeBase, name: str, width: int = 88) -> str | None:
    """The text about a finding, symptom, option or checklist; None when nothing has that name."""
    if name in base.findings:
        return render_finding(base, name, width)
    if name in base.symptoms:
        return render_symptom(base, name, width=width)
    if name in base.options:
        return render_option(base, name, width)
    return render_checklist(base, name, width) if name in base.checklists else None


def _messages(base: KnowledgeBase, finding: str) -> list[Message]:
    return [message for message in base.messages if message.finding == finding]
