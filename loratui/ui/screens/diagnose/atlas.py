"""What the screen needs of the knowledge base, made ready off the start path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loratui.core.advice import Fix
from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot
from loratui.kb.page import Block, symptom_fixes, symptom_page
from loratui.ui.screens.diagnose.search import Entry, Index
from loratui.ui.screens.diagnose.tree import Node

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase

PageOf = Callable[[str, Finding | None, SessionSnapshot], Sequence[Block]]
FixesOf = Callable[[str, Finding | None, SessionSnapshot], Sequence[Fix]]

_WEIGHTS = {"title": 3.0, "see": 2.5, "finding": 2.5, "option": 2.0, "fix": 1.5, "message": 1.5,
            "cause": 1.2, "means": 0.8}  # fmt: skip


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
            blocks.append(Block("meaning", node.question))
        leaves = dict.fromkeys(leaf.symptom for leaf in node.walk() if leaf.symptom)
        for name in leaves:
            label = "" if blocks[-1].role == "link" else "Leads to"
            title = self.titles.get(name, name)
            blocks.append(Block("link", title, label, "→", target=f"symptom:{name}"))
        return blocks


def read_atlas(load: Callable[[], Any] | None) -> Atlas:
    """Load the knowledge base; what is wrong with it ends up in `problems`, never raised."""
    try:
        return atlas_of((load or _packaged)())
    except Exception as error:
        text = f"The knowledge base could not be read: {type(error).__name__}: {error}"
        return Atlas(Node("", ""), {}, lambda *_: (), lambda *_: (), problems=(text,))


def _packaged() -> KnowledgeBase:
    from loratui.kb import load

    return load()


def atlas_of(base: KnowledgeBase) -> Atlas:
    """Everything the screen asks of a knowledge base."""

    def fixes(symptom: str, finding: Finding | None, snapshot: SessionSnapshot) -> Sequence[Fix]:
        if finding is not None and finding.fixes:
            return finding.fixes
        return symptom_fixes(base, symptom, snapshot.facts)

    def page(symptom: str, finding: Finding | None, snapshot: SessionSnapshot) -> Sequence[Block]:
        firing = frozenset(seen.id for seen in snapshot.findings if seen.state == "firing")
        return symptom_page(base, symptom, finding, fixes(symptom, finding, snapshot), firing)

    return Atlas(
        root=_root(base),
        titles={name: symptom.title for name, symptom in base.symptoms.items()},
        page=page,
        fixes=fixes,
        index=Index(_entries(base), _recogniser(base)),
        problems=[f"{problem.where}: {problem.text}" for problem in base.problems],
    )


def _root(base: KnowledgeBase) -> Node:
    tree = base.tree
    if tree is None:
        return Node("", "")
    questions = {question.id: question for question in tree.questions}

    def answers(name: str, way: str, above: frozenset[str]) -> tuple[Node, ...]:
        nodes = []
        for answer in questions[name].answers:
            node = f"{way}/{answer.id}" if way else answer.id
            if answer.symptom is not None:
                nodes.append(Node(node, answer.text, answer.symptom))
            elif answer.question in questions and answer.question not in above:
                children = answers(answer.question, node, above | {answer.question})
                text = questions[answer.question].text
                nodes.append(Node(node, answer.text, question=text, children=children))
        return tuple(nodes)

    root = tree.root
    if root not in questions:
        return Node("", "")
    children = answers(root, "", frozenset({root}))
    return Node("", "", question=questions[root].text, children=children)


def _entries(base: KnowledgeBase) -> Iterable[Entry]:
    for name, symptom in base.symptoms.items():
        texts: list[tuple[str, str]] = [("title", symptom.title), ("means", symptom.meaning)]
        texts += [("see", text) for text in symptom.see]
        texts += [("cause", text) for text in symptom.causes]
        for fix in symptom.fixes:
            texts.append(("fix", fix.do))
            for patch in fix.patch:
                texts.append(("option", patch.option))
                if (option := base.options.get(patch.option)) is not None:
                    keys = {key for trainer in option.keys.values() for key in trainer}
                    texts += [("option", key) for key in sorted(keys - {patch.option})]
        for kind, text in dict.fromkeys(texts):
            yield Entry(name, kind, text, _WEIGHTS[kind])
    for name, info in base.findings.items():
        if info.symptom is not None:
            yield Entry(info.symptom, "finding", name, _WEIGHTS["finding"])
            yield Entry(info.symptom, "finding", info.title, _WEIGHTS["finding"])
    for message in base.messages:
        if (symptom_id := _symptom_of(base, message.finding)) is not None:
            yield Entry(symptom_id, "message", message.example, _WEIGHTS["message"])


def _symptom_of(base: KnowledgeBase, finding: str) -> str | None:
    info = base.findings.get(finding)
    return None if info is None else info.symptom


def _recogniser(base: KnowledgeBase) -> Callable[[str], Sequence[Entry]]:
    """Says which symptoms the error patterns see in a pasted line."""
    patterns = []
    for message in base.messages:
        symptom = _symptom_of(base, message.finding)
        if symptom is not None:
            weight = 1.0 if message.fallback else 2.0
            entry = Entry(symptom, "message", message.example, weight)
            patterns.append((message.needle, re.compile(message.pattern), entry))

    def recognise(text: str) -> Sequence[Entry]:
        low = text.lower()
        return [entry for needle, regex, entry in patterns if needle in low and regex.search(text)]

    return recognise
