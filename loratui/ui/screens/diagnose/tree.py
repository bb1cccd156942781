"""The decision tree as a flat list of rows; only what is opened exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loratui.core.findings import Finding
from loratui.ui.widgets.lines import Line, LineView, Span, line, wrap

_SEEN = "seen/"  # prefix of rows in the section of what this run shows


@dataclass(frozen=True, slots=True)
class Node:
    """An answer. `id` is the way from the root; a leaf has a symptom, the rest a next question."""

    id: str
    text: str
    symptom: str = ""
    question: str = ""
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class TreePane(LineView):
    """Questions and symptoms; what the run's findings support stands on top."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.heading = ""
        self.nodes: Sequence[Node] = ()
        self.titles: Mapping[str, str] = {}
        self.found: Mapping[str, Finding] = {}
        self.notes: Sequence[str] = ()
        self.opened: set[str] = set()

    def show(
        self,
        heading: str,
        nodes: Sequence[Node],
        titles: Mapping[str, str],
        notes: Sequence[str] = (),
    ) -> None:
        """Show a tree; `titles` names symptoms, `notes` are sentences about the knowledge base."""
        self.heading, self.nodes, self.titles, self.notes = heading, nodes, titles, notes
        self.opened |= {node.id for node in nodes[:1] if node.children}
        self.rebuild()

    def mark(self, found: Mapping[str, Finding]) -> None:
        """Mark the symptoms (by id) that findings of the live run support."""
        if list(found.items()) != list(self.found.items()):
            self.found = found
            self.rebuild()

    # -- what the cursor stands on -------------------------------------------------------------

    def symptom_at(self, target: str) -> str:
        """The symptom of a row, or nothing for a question."""
        if target.startswith(_SEEN):
            return target.removeprefix(_SEEN)
        node = self.node(target)
        return node.symptom if node else ""

    def node(self, target: str) -> Node | None:
        """The node of a row."""
        for root in self.nodes:
            for node in root.walk():
                if node.id == target:
                    return node
        return None

    def point_at_symptom(self, symptom: str) -> None:
        """Put the cursor on a symptom, opening the way to it."""
        if symptom in self.found:
            self.point_at(_SEEN + symptom)
            return
        for root in self.nodes:
            for node in root.walk():
                if node.symptom == symptom:
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
            for symptom, finding in self.found.items():
                aside = "gone now" if finding.state == "resolved" else ""
                text = self.titles.get(symptom) or finding.title
                rows += _row("● ", text, aside, _SEEN + symptom, 0, width, "warning")
            rows.append(line())
        rows += [line(row, "title") for row in wrap(self.heading, width)]
        for node in self.nodes:
            rows += self._branch(node, 0, width)
        return rows

    def _branch(self, node: Node, depth: int, width: int) -> list[Line]:
        if node.symptom:
            if node.symptom in self.found:
                return _row("● ", node.text, "this run", node.id, depth, width, "warning")
            return _row("· ", node.text, "", node.id, depth, width, "muted")
        shown = node.id in self.opened
        inside = any(leaf.symptom in self.found for leaf in node.walk() if leaf.symptom)
        aside = "this run" if inside and not shown else ""
        rows = _row("▾ " if shown else "▸ ", node.text, aside, node.id, depth, width, "muted")
        if shown:
            for child in node.children:
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
