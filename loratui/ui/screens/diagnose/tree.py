"""The decision tree as a flat list of rows; only what is opened exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from loratui.core.findings import Finding
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_SEEN = "seen/"  # prefix of rows in the section of what this run shows
_MARKED = "marked/"  # prefix of rows of bookmarks
_NAMED = 5  # pages that are named as not in this run


@dataclass(frozen=True, slots=True)
class Node:
    """An answer. `id` is the way from the root; a leaf has a page, the rest a next question.

    `asks` is the question's own id, `hint` helps to answer it. A `step` is one of a protocol
    (``LIST/ITEM``). A page that is a `problem` can be ruled out; a guide cannot.
    """

    id: str
    text: str
    page: str = ""
    question: str = ""
    children: tuple[Node, ...] = ()
    hint: str = ""
    step: str = ""
    problem: bool = False
    asks: str = ""

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class TreePane(LineView):
    """Questions and pages; what the run's findings support stands on top, then bookmarks."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.heading = ""
        self.nodes: Sequence[Node] = ()
        self.title_of: Callable[[str], str] = str
        self.found: Mapping[str, Finding] = {}
        self.bookmarks: Sequence[str] = ()
        self.cleared: Sequence[str] = ()
        self.notes: Sequence[str] = ()
        self.opened: set[str] = set()
        self._by_id: dict[str, Node] = {}

    def show(
        self,
        heading: str,
        nodes: Sequence[Node],
        title_of: Callable[[str], str] = str,
        notes: Sequence[str] = (),
    ) -> None:
        """Show a tree; `title_of` names pages, `notes` are sentences about the knowledge base."""
        self.heading, self.nodes, self.title_of, self.notes = heading, nodes, title_of, notes
        self._by_id = {node.id: node for root in nodes for node in root.walk()}
        self.rebuild()

    def mark(
        self,
        found: Mapping[str, Finding],
        cleared: Sequence[str] = (),
        bookmarks: Sequence[str] = (),
    ) -> None:
        """Mark the pages that findings of the run support, that it rules out, and the user's."""
        now = (list(found.items()), list(cleared), list(bookmarks))
        if now != (list(self.found.items()), list(self.cleared), list(self.bookmarks)):
            self.found, self.cleared, self.bookmarks = found, cleared, bookmarks
            self.rebuild()

    # -- what the cursor stands on -------------------------------------------------------------

    def page_at(self, target: str) -> str:
        """The page of a row, or nothing for a question."""
        for prefix in (_SEEN, _MARKED):
            if target.startswith(prefix):
                return target.removeprefix(prefix)
        node = self.node(target)
        return node.page if node else ""

    def node(self, target: str) -> Node | None:
        """The node of a row."""
        return self._by_id.get(target)

    def point_at_page(self, page: str) -> None:
        """Put the cursor on a page, opening the way to it."""
        if page in self.found:
            self.point_at(_SEEN + page)
            return
        for node in self._by_id.values():
            if node.page == page:
                parts = node.id.split("/")
                self.opened |= {"/".join(parts[:end]) for end in range(1, len(parts))}
                self.rebuild()
                self.point_at(node.id)
                return

    def toggle(self) -> None:
        """Open or close the question under the cursor."""
        self.opened ^= {self.target}
        self.rebuild()

    def open(self) -> bool:
        """Open the question under the cursor, or step into it when it is open."""
        node = self.node(self.target)
        if node is None or not node.children:
            return False
        if node.id in self.opened:
            self.point_at(node.children[0].id)
        else:
            self.toggle()
        return True

    def open_way(self, ids: Sequence[str]) -> None:
        """Open these questions, as far as there are such."""
        self.opened |= {name for name in ids if name in self._by_id}
        self.rebuild()

    def close(self) -> bool:
        """Close the question under the cursor, or go to the one it belongs to."""
        if self.target in self.opened:
            self.toggle()
            return True
        parent, _, _ = self.target.rpartition("/")
        if not parent or self.node(parent) is None:
            return False
        self.point_at(parent)
        return True

    # -- painting ------------------------------------------------------------------------------

    def build(self, width: int) -> Sequence[Line]:
        rows: list[Line] = []
        for note in self.notes:
            rows += [line(row, "warning") for row in wrap(note, width)]
        if self.notes:
            rows.append(line())
        if self.found:
            rows.append(line("Seen in this run", "title"))
            for page, finding in self.found.items():
                aside = "gone now" if finding.state == "resolved" else ""
                text = self.title_of(page)
                text = finding.title if text == page else text
                rows += _row("● ", text, aside, _SEEN + page, 0, width, "warning")
            rows.append(line())
        if self.bookmarks:
            rows.append(line("Bookmarks", "title"))
            for page in self.bookmarks:
                rows += _row("» ", self.title_of(page), "", _MARKED + page, 0, width, "muted")
            rows.append(line())
        rows += [line(row, "title") for row in wrap(self.heading, width)]
        for node in self._ordered(self.nodes):
            rows += self._branch(node, 0, width)
        return rows + self._ruled_out(width)

    def _ruled_out(self, width: int) -> list[Line]:
        if not self.cleared:
            return []
        named = ", ".join(self.title_of(page) for page in self.cleared[:_NAMED])
        more = f" and {len(self.cleared) - _NAMED} more" if len(self.cleared) > _NAMED else ""
        text = f"Not in this run so far: {named}{more}"
        return [line(), *(line(row, "muted") for row in wrap(text, width))]

    def _supported(self, node: Node) -> bool:
        """Whether findings of the run lead to it or to anything below."""
        return bool(self.found) and any(leaf.page in self.found for leaf in node.walk())

    def _ordered(self, nodes: Sequence[Node]) -> Sequence[Node]:
        """What the run supports comes first."""
        return sorted(nodes, key=lambda node: not self._supported(node)) if self.found else nodes

    def _branch(self, node: Node, depth: int, width: int) -> list[Line]:
        if node.page:
            if node.page in self.found:
                return _row("● ", node.text, "this run", node.id, depth, width, "warning")
            return _row("· ", node.text, "", node.id, depth, width, "muted")
        shown = node.id in self.opened
        aside = "this run" if not shown and self._supported(node) else ""
        rows = _row("▾ " if shown else "▸ ", node.text, aside, node.id, depth, width, "muted")
        if shown:
            for child in self._ordered(node.children):
                rows += self._branch(child, depth + 1, width)
        return rows


def _row(
    sign: str, text: str, aside: str, target: str, depth: int, width: int, style: str
) -> list[Line]:
    """A row, its text folded under itself."""
    indent = " " * (2 * depth)
    room = width - len(indent) - 2 - (len(aside) + 1 if aside else 0)
    rows = []
    for at, part in enumerate(wrap(text, room)):
        head = (Span(indent), Span(sign, style)) if at == 0 else (Span(indent + "  "),)
        right = (Span(aside, "warning"),) if aside and at == 0 else ()
        rows.append(Line((*head, Span(part)), right, target))
    return rows
