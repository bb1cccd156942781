"""What the screen needs of the knowledge base, made ready off the start path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loratui.core.advice import Fix
from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot
from loratui.kb.page import Block
from loratui.ui.screens.diagnose.search import Index
from loratui.ui.screens.diagnose.tree import Node

PageOf = Callable[[str, Finding | None, SessionSnapshot], Sequence[Block]]
FixesOf = Callable[[str, Finding | None, SessionSnapshot], Sequence[Fix]]


@dataclass(frozen=True)
class Atlas:
    """The tree, the titles, the search and the pages; `problems` are sentences for the user."""

    root: Node
    titles: Mapping[str, str]
    page: PageOf
    fixes: FixesOf
    index: Index = field(default_factory=lambda: Index(()))
    problems: Sequence[str] = ()

    @property
    def heading(self) -> str:
        return self.root.question

    @property
    def nodes(self) -> Sequence[Node]:
        return self.root.children

    def overview(self, node: Node) -> list[Block]:
        """What lies behind a question, as links."""
        blocks = [Block("title", node.text)]
        if node.question and node.question != node.text:
            blocks.append(Block("text", node.question))
        seen: set[str] = set()
        for leaf in node.walk():
            if leaf.symptom and leaf.symptom not in seen:
                seen.add(leaf.symptom)
                title = self.titles.get(leaf.symptom, leaf.text)
                label = "Leads to" if len(seen) == 1 else ""
                blocks.append(
                    Block("link", title, label, mark="→", target=f"symptom:{leaf.symptom}")
                )
        return blocks


def read_atlas(load: Callable[[], object] | None) -> Atlas:
    base = load()
    assert isinstance(base, Atlas)
    return base
