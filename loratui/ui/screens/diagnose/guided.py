"""Guided questions: one at a time, with what each answer leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.message import Message

from loratui.core.findings import Finding
from loratui.ui.screens.diagnose.tree import Node
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

LETTERS = "abcdefghijklm"
UNSURE = "n"  # a letter that no answer bears
HOLDS, FAILS = "It holds", "It does not hold"
_NAMED = 12  # pages that are named as ruled out; of more only the number is told


class Walk:
    """The way through the tree: nodes that were answered, and whether one was left open."""

    def __init__(self, root: Node, found: Mapping[str, Finding] | None = None) -> None:
        self.path: list[Node] = [root]
        self.unsure = False
        self.found = found or {}

    @property
    def question(self) -> Node:
        return self.path[-1]

    @property
    def choices(self) -> Sequence[Node]:
        """The answers to choose from, those first that the run supports.

        After "not sure" it is every page that is still possible.
        """
        if not self.unsure:
            answers: Sequence[Node] = self.question.children
        else:
            leaves: dict[str, Node] = {}
            for node in self.question.walk():
                if node.page:
                    leaves.setdefault(node.page, node)
            answers = tuple(leaves.values())
        if self.question.step:
            return answers
        return sorted(answers, key=lambda node: not pages_below(node) & self.found.keys())

    def answer(self, index: int) -> str:
        """Take an answer; the page when that ends the questions, else nothing."""
        node = self.choices[index]
        if node.page:
            return node.page
        self.go_on(node)
        return ""

    def go_on(self, node: Node) -> None:
        """Ask what stands behind an answer."""
        self.path.append(node)
        self.unsure = False

    def skip(self) -> str:
        """Not sure: choose among what the question would have told apart; a step is passed over.

        The page when that ends the questions, else nothing.
        """
        if self.question.step:
            return self.answer(0)
        self.unsure = True
        return ""

    def back(self) -> bool:
        """To the question before; False at the first."""
        if self.unsure:
            self.unsure = False
            return True
        if len(self.path) == 1:
            return False
        self.path.pop()
        return True

    def ruled_out(self) -> list[str]:
        """The problems that were possible at the first question and are no longer."""
        left = problems_below(self.question)
        first = dict.fromkeys(node.page for node in self.path[0].walk() if node.problem)
        return [page for page in first if page not in left] if len(self.path) > 1 else []

    def follow(self, way: Sequence[str]) -> None:
        """Take the answers with these ids again, as far as there are such."""
        for name in way:
            node = next((n for n in self.question.children if n.id == name and not n.page), None)
            if node is None:
                return
            self.go_on(node)


def pages_below(node: Node) -> set[str]:
    """The pages that an answer leaves possible."""
    return {found.page for found in node.walk() if found.page}


def problems_below(node: Node) -> set[str]:
    """The problems among them."""
    return {found.page for found in node.walk() if found.problem}


class GuidedPane(LineView):
    """One question; letters or the cursor answer it."""

    class Reached(Message):
        """The answers lead to a page."""

        def __init__(self, page: str) -> None:
            super().__init__()
            self.page = page

    class Stepped(Message):
        """A step of a protocol (``LIST/ITEM``) was found to hold."""

        def __init__(self, item: str) -> None:
            super().__init__()
            self.item = item

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.walk: Walk | None = None
        self.found: Mapping[str, Finding] = {}
        self.title_of: Callable[[str], str] = str

    def begin(
        self, root: Node, found: Mapping[str, Finding], title_of: Callable[[str], str]
    ) -> None:
        """Ask from the first question on."""
        self.walk, self.found, self.title_of = Walk(root, found), found, title_of
        self._asked()

    def resume(self, way: Sequence[str]) -> None:
        """Go on where the user was."""
        if self.walk is not None:
            self.walk.follow(way)
            self._asked()

    def way(self) -> tuple[str, ...]:
        """The answers given since the first question of the tree; none inside a protocol."""
        path = self.walk.path if self.walk is not None else []
        return tuple(node.id for node in path[1:]) if path and path[0].id == "" else ()

    def mark(self, found: Mapping[str, Finding]) -> None:
        """Mark the answers that findings of the live run support."""
        if list(found.items()) != list(self.found.items()):
            self.found = found
            if self.walk is not None:
                self.walk.found = found
            self.rebuild()

    def choose(self, target: str = "") -> None:
        """Take the answer `target`, or the one under the cursor."""
        if self.walk is None:
            return
        key = target or self.target
        step = self.walk.question.step
        page = self.walk.skip() if key == UNSURE else self.walk.answer(int(key))
        if step and key == "0":
            self.post_message(self.Stepped(step))
        if page:
            self.post_message(self.Reached(page))
        else:
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

    # -- painting ------------------------------------------------------------------------------

    def build(self, width: int) -> Sequence[Line]:
        if self.walk is None:
            return ()
        walk = self.walk
        question = walk.question
        way = " › ".join(n.text for n in walk.path[1:] if not n.step and n.text != HOLDS)
        number = sum(not node.step for node in walk.path)
        rows = [line("Step by step" if question.step else f"Question {number}", "muted")]
        rows += [line(row, "muted") for row in wrap(way, width)] if way else []
        rows.append(line())
        asked = _NEAREST if walk.unsure else question.question or question.text
        rows += [line(row, "title") for row in wrap(asked, width)]
        if question.hint and not walk.unsure:
            rows += [line(), *(line(row) for row in wrap(question.hint, width))]
        rows.append(line())
        possible = len(problems_below(question))
        for index, node in enumerate(walk.choices):
            rows += self._choice(index, node, possible, width)
        if not walk.unsure:
            text, aside = "Not sure", f"shows all {len(pages_below(question))}"
            if question.step:
                text, aside = "I cannot tell now", "leaves it open"
            rows.append(_choice_line(UNSURE, text, aside, UNSURE))
        rows += [line(), *(line(row, "muted") for row in wrap(_HOW, width))]
        return rows + self._ruled_out(width)

    def _ruled_out(self, width: int) -> list[Line]:
        assert self.walk is not None
        out = [] if self.walk.question.step else self.walk.ruled_out()
        if not out:
            return []
        named = ", ".join(self.title_of(page) for page in out[:_NAMED])
        more = f" and {len(out) - _NAMED} more" if len(out) > _NAMED else ""
        text = f"Ruled out so far ({len(out)}): {named}{more}"
        return [line(), *(line(row, "muted") for row in wrap(text, width))]

    def _choice(self, index: int, node: Node, possible: int, width: int) -> list[Line]:
        below = pages_below(node)
        left = len(problems_below(node))
        out = possible - left if left else 0  # something to read rules nothing out
        step = self.walk is not None and bool(self.walk.question.step)
        seen = bool(below & self.found.keys()) and not step
        parts = ("this run" if seen else "", f"rules out {out} of {possible}" if out else "")
        aside = "" if step else " · ".join(part for part in parts if part)
        letter = LETTERS[index] if index < len(LETTERS) else " "
        rows = []
        for at, part in enumerate(wrap(node.text, width - 3 - len(aside) - 2)):
            rows.append(
                _choice_line(letter, part, aside, str(index), seen=seen)
                if at == 0
                else Line((Span("   " + part),), target=str(index))
            )
        return rows


_HOW = "A letter answers, or ↑↓ and enter.  ← goes one question back, from the first one out."
_NEAREST = "Which of these is nearest to what you see?"


def _choice_line(letter: str, text: str, aside: str, target: str, *, seen: bool = False) -> Line:
    return Line(
        (Span(f"{letter}  ", "key"), Span(text)),
        (Span(aside, "warning" if seen else "muted"),) if aside else (),
        target,
    )
