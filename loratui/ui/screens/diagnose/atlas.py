"""What the screen needs of the knowledge base, made ready off the start path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from loratui.core.advice import Fix
from loratui.kb.base import KnowledgeBase
from loratui.kb.pages.blocks import Block
from loratui.kb.pages.case import Case
from loratui.kb.pages.page import page_of
from loratui.kb.search import Index, index_of
from loratui.ui.screens.diagnose.guided import FAILS, HOLDS
from loratui.ui.screens.diagnose.tree import Node

if TYPE_CHECKING:
    from loratui.kb.schema import ChecklistInfo, Item


@dataclass(frozen=True)
class Atlas:
    """The tree, the search and the pages; `problems` are sentences for the user."""

    base: KnowledgeBase
    root: Node
    index: Index = field(default_factory=lambda: Index(()))
    problems: Sequence[str] = ()

    @property
    def heading(self) -> str:
        return self.root.question

    @property
    def nodes(self) -> Sequence[Node]:
        return self.root.children

    def title(self, page: str) -> str:
        """The title of a page; with ``options/`` and the like before it, of such an entry."""
        kind, _, name = page.rpartition("/")
        entry = getattr(self.base, kind, {}).get(name) if kind else None
        return entry.title if entry is not None else self.base.title(name)

    def kind(self, page: str) -> str:
        """What kind of page it is, in a word; empty for symptoms."""
        kind, _, name = page.rpartition("/")
        return _KINDS.get(kind or self.base.pages.get(name, ""), "")

    def page(self, page: str, case: Case) -> Sequence[Block]:
        """A page for the reader's own case."""
        found = page_of(self.base, page, case)
        if found is None:
            said = f"The knowledge base has no page {page!r}; / searches."
            return [Block("title", page), Block("note", said)]
        return found

    def fixes(self, page: str, case: Case) -> Sequence[Fix]:
        """The fixes that a page shows."""
        from loratui.kb.pages.symptom import fixes_for

        return fixes_for(self.base, page, case)

    def protocol(self, page: str) -> Node | None:
        """The steps of an ordered checklist, as questions one behind the other."""
        checklist = self.base.checklists.get(page)
        if checklist is None or not checklist.ordered:
            return None
        last = Node("end", "Every step is done", checklist.id)
        for node in self.root.walk():
            if node.asks and node.asks == checklist.then:
                last = node
        return _steps(checklist, last)

    def cleared(self, judged: Mapping[str, tuple[str, str]]) -> list[str]:
        """Symptoms that the run shows it does not have: no finding that leads there is seen."""
        states: dict[str, list[str]] = {}
        for name, info in self.base.findings.items():
            if info.built and info.symptom is not None:
                states.setdefault(info.symptom, []).append(judged.get(name, ("", ""))[0])
        return [page for page, seen in states.items() if set(seen) == {"done"}]

    def overview(self, node: Node) -> list[Block]:
        """What lies behind a question, as links."""
        blocks = [Block("title", node.text)]
        if node.question and node.question != node.text:
            blocks.append(Block("meaning", node.question))
        if node.hint:
            blocks.append(Block("text", node.hint))
        for page in dict.fromkeys(leaf.page for leaf in node.walk() if leaf.page):
            label = "" if blocks[-1].role == "link" else "Leads to"
            link = Block("link", self.title(page), label, "→", self.kind(page), f"page:{page}")
            blocks.append(link)
        return blocks


_KINDS = {
    "checklists": "checklist", "guides": "guide", "profiles": "profile", "figures": "figure",
    "options": "option", "terms": "word", "gpus": "card", "findings": "finding",
}  # fmt: skip


def read_atlas(load: Callable[[], Any] | None) -> Atlas:
    """Load the knowledge base; what is wrong with it ends up in `problems`, never raised."""
    try:
        return atlas_of((load or _packaged)())
    except Exception as error:
        text = f"The knowledge base could not be read: {type(error).__name__}: {error}"
        return Atlas(KnowledgeBase(), Node("", ""), problems=(text,))


def _packaged() -> KnowledgeBase:
    from loratui.kb import load

    return load()


def atlas_of(base: KnowledgeBase) -> Atlas:
    """Everything the screen asks of a knowledge base."""
    problems = [f"{problem.where}: {problem.text}" for problem in base.problems]
    return Atlas(base, _root(base), index_of(base), problems)


def _root(base: KnowledgeBase) -> Node:
    tree = base.tree
    if tree is None or tree.root is None:
        return Node("", "")
    questions = {question.id: question for question in tree.questions}
    if tree.root not in questions:
        return Node("", "")

    def answers(name: str, way: str, above: frozenset[str]) -> tuple[Node, ...]:
        nodes = []
        for answer in questions[name].answers:
            node = f"{way}/{answer.id}" if way else answer.id
            if answer.page:
                problem = answer.symptom is not None
                nodes.append(Node(node, answer.text, answer.page, problem=problem))
            elif answer.question in questions and answer.question not in above:
                next_ = questions[answer.question]
                children = answers(next_.id, node, above | {next_.id})
                found = Node(node, answer.text, "", next_.text, children, next_.hint)
                nodes.append(replace(found, asks=next_.id))
        return tuple(nodes)

    first = questions[tree.root]
    return Node("", "", "", first.text, answers(first.id, "", frozenset({first.id})), first.hint)


def _steps(checklist: ChecklistInfo, last: Node) -> Node:
    """The first step; each leads to the next where it holds, to a page where it does not."""
    node = last
    total = len(checklist.items)
    for at in range(total - 1, -1, -1):
        item = checklist.items[at]
        failed = Node(f"{item.id}/fails", _otherwise(item), item.otherwise or checklist.id)
        holds = replace(node, id=f"{item.id}/holds", text=HOLDS)
        node = Node(
            item.id,
            item.text,
            question=_asked(item, at + 1, total),
            children=(holds, failed),
            hint=item.how,
            step=f"{checklist.id}/{item.id}",
        )
    return node


def _asked(item: Item, number: int, total: int) -> str:
    group = f"{item.group}: " if item.group else ""
    wanted = f" ({item.requirement})" if item.requirement else ""
    return f"{number} of {total} · {group}{item.text}{wanted}"


def _otherwise(item: Item) -> str:
    return f"{FAILS}: {item.remedy}" if item.remedy else FAILS
