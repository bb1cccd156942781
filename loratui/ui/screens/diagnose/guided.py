"""Guided questions: one at a time, with what each answer leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.message import Message

from loratui.core.findings import Finding
from loratui.ui.screens.diagnose.tree import Node
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

LETTERS = "abcdefghijklm"
UNSURE = "n"  # a letter that no answer bears


class Walk:
    """The way through the tree: nodes that were answered, and whether one was left open."""

    def __init__(self, root: Node) -> None:
        self.path: list[Node] = [root]
        self.unsure = False

    @property
    def question(self) -> Node:
        return self.path[-1]

    @property
    def choices(self) -> Sequence[Node]:
        """The answers to choose from; after "not sure" every symptom that is still possible."""
        if not self.unsure:
            return self.question.children
        leaves: dict[str, Node] = {}
        for node in self.question.walk():
            if node.symptom:
                leaves.setdefault(node.symptom, node)
        return tuple(leaves.values())

    def answer(self, index: int) -> str:
        """Take an answer; the symptom when that ends the questions, else nothing."""
        node = self.choices[index]
        if node.symptom:
            return node.symptom
        self.path.append(node)
        self.unsure = False
        return ""

    def skip(self) -> None:
        """Not sure: leave the question open and choose among what it would have told apart."""
        self.unsure = True

    def back(self) -> bool:
        """To the question before; False at the first."""
        if self.unsure:
            self.unsure = False
            return True
        if len(self.path) == 1:
            return False
        self.path.pop()
        return True


def symptoms_below(node: Node) -> set[str]:
    """The symptoms that an answer leaves possible."""
    return {found.symptom for found in node.walk() if found.symptom}


class GuidedPane(LineView):
    """One question; letters or the cursor answer it."""

    class Reached(Message):
        """The answers lead to a symptom."""

        def __init__(self, symptom: str) -> None:
            super().__init__()
            self.symptom = symptom

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.walk: Walk | None = None
        self.found: Mapping[str, Finding] = {}

    def begin(self, root: Node, found: Mapping[str, Finding]) -> None:
        """Ask from the first question on."""
        self.walk, self.found = Walk(root), found
        self._asked()

    def mark(self, found: Mapping[str, Finding]) -> None:
        """Mark the answers that findings of the live run support."""
        if list(found.items()) != list(self.found.items()):
            self.found = found
            self.rebuild()

    def choose(self, target: str = "") -> None:
        """Take the answer `target`, or the one under the cursor."""
        if self.walk is None:
            return
        key = target or self.target
        if key == UNSURE:
            self.walk.skip()
        elif symptom := self.walk.answer(int(key)):
            self.post_message(self.Reached(symptom))
            return
        self._asked()

    def back(self) -> bool:
        """To the question before; False when there is none."""
        if self.walk is None or not self.walk.back():
            return False
        self._asked()
        return True

    def _asked(self) -> None:
        self.target = ""
        self.rebuild()
        self.scroll_to(y=0, animate=False)

    def on_key(self, event: events.Key) -> None:
        if self.walk is None or len(event.key) != 1:
            return
        index = LETTERS.find(event.key)
        if 0 <= index < len(self.walk.choices):
            self.choose(str(index))
        elif event.key == UNSURE and not self.walk.unsure:
            self.choose(UNSURE)
        else:
            return
        event.stop()
        event.prevent_default()

    def build(self, width: int) -> Sequence[Line]:
        if self.walk is None:
            return ()
        walk = self.walk
        way = " › ".join(node.text for node in walk.path[1:])
        rows = [line(f"Question {len(walk.path)}", "muted")]
        rows += [line(row, "muted") for row in wrap(way, width)] if way else []
        rows.append(line())
        question = _NEAREST if walk.unsure else _question(walk.question)
        rows += [line(row, "title") for row in wrap(question, width)]
        rows.append(line())
        everything = symptoms_below(walk.question)
        for index, node in enumerate(walk.choices):
            rows += self._choice(index, node, len(everything), width)
        if not walk.unsure:
            aside = f"shows all {len(everything)}"
            rows.append(_choice_line(UNSURE, "Not sure", aside, UNSURE))
        rows += [line(), *(line(row, "muted") for row in wrap(_HOW, width))]
        return rows

    def _choice(self, index: int, node: Node, possible: int, width: int) -> list[Line]:
        left = len(symptoms_below(node))
        out = possible - left
        seen = any(symptom in self.found for symptom in symptoms_below(node))
        parts = ("this run" if seen else "", f"rules out {out} of {possible}" if out else "")
        aside = " · ".join(part for part in parts if part)
        letter = LETTERS[index] if index < len(LETTERS) else " "
        rows = []
        for at, part in enumerate(wrap(node.text, width - 3 - len(aside) - 2)):
            rows.append(
                _choice_line(letter, part, aside, str(index), seen=seen)
                if at == 0
                else Line((Span("   " + part),), target=str(index))
            )
        return rows


_HOW = "A letter answers, or ↑↓ and enter.  ← one question back.  g leaves the questions."
_NEAREST = "Which of these is nearest to what you see?"


def _question(node: Node) -> str:
    return node.question or node.text


def _choice_line(letter: str, text: str, aside: str, target: str, *, seen: bool = False) -> Line:
    return Line(
        (Span(f"{letter}  ", "key"), Span(text)),
        (Span(aside, "warning" if seen else "muted"),) if aside else (),
        target,
    )
