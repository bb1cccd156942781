"""The knowledge base as plain text, for screens and for commands alike."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loratui.core.findings import Finding
from loratui.core.plain import printable
from loratui.kb.pages.blocks import Block
from loratui.kb.pages.case import Case
from loratui.kb.pages.page import page_of
from loratui.kb.tables import drawn

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase

_MARGIN = 10  # columns of the names of sections
_UNDER = ("patch", "caveat", "detail", "command")  # roles that stand under the text of a fix
_WHOLE = ("title", "note", "meaning", "heading", "para")  # roles that use the whole width


def render_blocks(blocks: Sequence[Block], width: int = 88) -> str:
    """A page as plain text; nothing is folded."""
    rows: list[str] = []
    for block in blocks:
        if rows and (block.label or block.role in ("meaning", "heading", "table", "example")):
            rows.append("")
        if block.role == "table":
            rows += [printable(text) for text, _ in drawn(block.rows, width)]
            continue
        if block.role == "chart":
            continue  # what it shows stands in words beside it
        if block.role == "example":
            rows += [f"    {printable(text)}" for text in block.text.split("\n")]
            continue
        margin = 0 if block.role in _WHOLE or block.flush else _MARGIN
        head = block.label.ljust(margin)
        if head or block.mark or block.role in _UNDER:
            head += f"{block.mark} ".ljust(2) if block.mark or block.role in _UNDER else ""
        text = printable(block.text) + (f"  ({block.aside})" if block.aside else "")
        under = " " * len(head)
        rows += textwrap.wrap(
            text, width, initial_indent=head, subsequent_indent=under, break_on_hyphens=False
        ) or [head.rstrip()]
    return "\n".join(rows).rstrip() + "\n"


def render_tree(base: KnowledgeBase) -> str:
    """The whole decision tree; a question that was printed before is only named."""
    tree = base.tree
    if tree is None or tree.root is None:
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
            if answer.page:
                rows.append(f"{text}  → {printable(base.title(answer.page))} [{answer.page}]")
            elif answer.question in printed:
                rows.append(f"{text}  → {printable(questions[answer.question].text)} (see above)")
            else:
                rows.append(text)
                if answer.question in questions:
                    ask(answer.question, depth + 2)

    if tree.root in questions:
        ask(tree.root, 0)
    return "\n".join(rows) + "\n"


def render_page(
    base: KnowledgeBase, id: str, finding: Finding | None = None, width: int = 88
) -> str:
    """The page of an id, with the evidence of a finding where there is one."""
    return render_blocks(page_of(base, id, Case(finding=finding)) or [], width)


def explain(base: KnowledgeBase, name: str, width: int = 88) -> str | None:
    """The text about anything that has an id; None when nothing has that one.

    A finding of the same name as a page is told first, then the page that it leads to.
    """
    info = base.findings.get(name)
    if info is None:
        blocks = page_of(base, name)
        return None if blocks is None else render_blocks(blocks, width)
    from loratui.kb.pages.reference import finding_page

    text = render_blocks(finding_page(base, name), width)
    if info.symptom is not None and info.symptom in base.symptoms:
        text += "\n" + render_page(base, info.symptom, width=width)
    return text
