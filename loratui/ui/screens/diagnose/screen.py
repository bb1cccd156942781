"""Diagnose: from what one sees to what to change."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot
from loratui.kb.page import copied
from loratui.kb.text import render_blocks
from loratui.ui import keys
from loratui.ui.messages import Act, Say
from loratui.ui.screens.base import RunScreen
from loratui.ui.screens.diagnose.atlas import Atlas, read_atlas
from loratui.ui.screens.diagnose.guided import GuidedPane
from loratui.ui.screens.diagnose.page import PagePane
from loratui.ui.screens.diagnose.results import QueryLine, ResultsPane
from loratui.ui.screens.diagnose.tree import TreePane
from loratui.ui.widgets.lines import LineView

WIDE = 110  # columns from which tree and page stand side by side
_READING = "reading the knowledge base…"


class DiagnoseScreen(RunScreen):
    """The symptom tree at the left; a page, or one question at a time, at the right."""

    SCOPE = "diagnose"
    PURPOSE = (
        "The tree goes from what you see to a symptom; its page says what it means, how to check "
        "it and what to change, cheapest first. What the run being watched shows stands on top."
    )
    CSS_PATH = "screen.tcss"
    BINDINGS = [*keys.bindings("diagnose")]
    AUTO_FOCUS = "#tree"

    class Read(Message):
        """The knowledge base has been read, or could not be."""

        def __init__(self, atlas: Atlas) -> None:
            super().__init__()
            self.atlas = atlas

    def __init__(self) -> None:
        super().__init__()
        self.query_line = QueryLine(id="query")
        self.results = ResultsPane(id="results")
        self.tree_pane = TreePane(id="tree")
        self.guided = GuidedPane(id="guided")
        self.page = PagePane(id="page")
        self.atlas: Atlas | None = None
        self.snapshot = SessionSnapshot()
        self.found: dict[str, Finding] = {}
        self.shown: tuple[str, Finding | None] = ("", None)
        self.trail: list[tuple[str, Finding | None]] = []
        self.right = False  # which side has the keys, and is the one shown when folded
        self.asking = False  # the right side asks questions instead of showing a page
        self.asked = False  # the page was reached by questions: back leads to them
        self.searching = False
        self._wanted: tuple[str, Finding | None] | None = None

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="columns"):
            with Vertical(id="left"):
                yield self.query_line
                yield self.results
                yield self.tree_pane
            with Vertical(id="right"):
                yield self.guided
                yield self.page

    @property
    def folded(self) -> bool:
        """Whether only one of the two sides fits."""
        return self.size.width < WIDE

    # -- beginning -----------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.tree_pane.show(_READING, (), {})
        self._arrange()
        self.call_after_refresh(self._read)  # reading takes the processor: show the screen first

    def _read(self) -> None:
        load = self.owner.options.knowledge
        # A daemon thread: a worker's thread would hold up the way out on a slow disk.
        threading.Thread(
            target=lambda: self.post_message(self.Read(read_atlas(load))),
            name="knowledge",
            daemon=True,
        ).start()

    @on(Read)
    def _have_atlas(self, message: Read) -> None:
        self.atlas = atlas = message.atlas
        self.tree_pane.show(atlas.heading, atlas.nodes, atlas.titles, atlas.problems)
        self._mark()
        self._searched()
        if self._wanted is not None:
            symptom, finding = self._wanted
            self._wanted = None
            self.show_symptom(symptom, finding)
        else:
            self._follow()

    def show_snapshot(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        self.snapshot = snapshot
        if changed & {"findings", "facts", "undecided"}:
            self._mark()
            if self.shown[0]:
                symptom, finding = self.shown
                self._fill(symptom, self.found.get(symptom, finding), afresh=False)
            elif not self.right:
                self._follow()

    def _mark(self) -> None:
        found: dict[str, Finding] = {}
        for finding in self.snapshot.findings:
            if finding.symptom:
                found.setdefault(finding.symptom, finding)
        self.found = found
        self.tree_pane.mark(found)
        self.guided.mark(found)

    # -- what is shown -------------------------------------------------------------------------

    def show_symptom(self, symptom: str, finding: Finding | None = None) -> None:
        """Show the page of a symptom (or of a finding that has none) and give it the keys."""
        if self.atlas is None:
            self._wanted = (symptom, finding)
            return
        self.trail.clear()
        self.asking = self.asked = False
        self.tree_pane.point_at_symptom(symptom)
        self._fill(symptom, finding or self.found.get(symptom), afresh=True)
        self._give_keys(right=True)

    def _fill(self, symptom: str, finding: Finding | None, *, afresh: bool) -> None:
        if self.atlas is None:
            return
        self.shown = (symptom, finding)
        blocks = self.atlas.page(symptom, finding, self.snapshot)
        self.page.show(blocks, afresh=afresh)

    def _follow(self) -> None:
        """Let the page follow the cursor at the left where both are in view."""
        if self.atlas is None or self.folded or self.asking:
            return
        if self.searching:
            symptom = self.results.target
        else:
            symptom = self.tree_pane.symptom_at(self.tree_pane.target)
        if symptom:
            if self.shown[0] != symptom:
                self.trail.clear()
                self._fill(symptom, self.found.get(symptom), afresh=True)
        elif not self.searching and (node := self.tree_pane.node(self.tree_pane.target)):
            self.shown = ("", None)
            self.page.show(self.atlas.overview(node), afresh=True)

    def _give_keys(self, *, right: bool) -> None:
        self.right = right
        self._arrange()
        if right:
            (self.guided if self.asking else self.page).focus()
        elif self.searching:
            self.query_line.focus()
        else:
            self.tree_pane.focus()

    def _arrange(self) -> None:
        self.set_class(self.folded, "-folded")
        self.query_one("#left").display = not self.folded or not self.right
        self.query_one("#right").display = not self.folded or self.right
        self.query_line.display = self.results.display = self.searching
        self.tree_pane.display = not self.searching
        self.guided.display = self.asking
        self.page.display = not self.asking

    def on_resize(self, _: events.Resize) -> None:
        self._arrange()
        self._follow()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.right = event.widget.id in ("page", "guided")

    # -- keys ----------------------------------------------------------------------------------

    def _active(self) -> LineView:
        if self.right:
            return self.guided if self.asking else self.page
        return self.results if self.searching else self.tree_pane

    def action_step(self, by: int) -> None:
        self._active().step(by)

    def action_page(self, by: int) -> None:
        self._active().page(by)

    def action_ends(self, by: int) -> None:
        self._active().to_end(by)

    def action_open(self) -> None:
        view = self._active()
        if view is self.guided:
            self.guided.choose()
        elif view is self.page:
            kind, _, name = self.page.target.partition(":")
            if kind == "symptom":
                self.trail.append(self.shown)
                self._fill(name, self.found.get(name), afresh=True)
            elif kind == "fix":
                self.page.toggle()
        elif view is self.results:
            if self.results.target:
                self._open_page(self.results.target)
        elif symptom := self.tree_pane.symptom_at(self.tree_pane.target):
            self._open_page(symptom)
        else:
            self.tree_pane.open()

    def _open_page(self, symptom: str) -> None:
        self.asking = self.asked = False
        self.trail.clear()
        if self.shown[0] != symptom:
            self._fill(symptom, self.found.get(symptom), afresh=True)
        self._give_keys(right=True)

    def action_close(self) -> None:
        if not self.back():
            self.tree_pane.close()

    async def action_back(self) -> None:
        if not self.back():
            await self.owner.action_back()

    def action_pane(self) -> None:
        self._give_keys(right=not self.right)

    def back(self) -> bool:
        """One step back inside the screen; False when there is none."""
        if not self.right:
            if self.searching:
                self._end_search()
                return True
            return False
        if self.asking:
            if not self.guided.back():
                self.asking = False
                self._give_keys(right=False)
                self._follow()
        elif self.trail:
            self._fill(*self.trail.pop(), afresh=True)
        elif self.asked:
            self.asking = True
            self._give_keys(right=True)
        else:
            self._give_keys(right=False)
        return True

    def action_guided(self) -> None:
        if self.atlas is None or not self.atlas.nodes:
            return
        if self.asking:
            self.asking = False
            self._give_keys(right=False)
            self._follow()
            return
        self.asking, self.asked = True, False
        self._give_keys(right=True)
        self.guided.begin(self.atlas.root, self.found)

    @on(GuidedPane.Reached)
    def _reached(self, message: GuidedPane.Reached) -> None:
        symptom = message.symptom
        self.tree_pane.point_at_symptom(symptom)
        self.trail.clear()
        self._fill(symptom, self.found.get(symptom), afresh=True)
        self.asking, self.asked = False, True
        self._give_keys(right=True)

    def action_tried(self) -> None:
        kind, _, fix = self.page.target.partition(":")
        if not self.right or self.asking or kind != "fix":
            self.post_message(Say("select a fix on the page first: → opens it, ↓ goes to a fix"))
            return
        self.page.tried.add(self.page.target)
        self.page.rebuild()
        self.post_message(Act("tried", fix))
        self.post_message(Say("marked as tried; the next run shows whether the finding is gone"))

    def copied(self) -> str:
        """The fix under the cursor, else the whole page."""
        if self.atlas is None:
            return ""
        kind, _, name = self.page.target.partition(":")
        if self.right and kind == "fix":
            symptom, finding = self.shown
            for fix in self.atlas.fixes(symptom, finding, self.snapshot):
                if fix.id == name:
                    return copied(fix)
        return render_blocks(self.page.blocks)

    # -- search --------------------------------------------------------------------------------

    def open_search(self) -> None:
        """Begin to search."""
        self.searching = True
        self.asking = False
        self._give_keys(right=False)

    def _end_search(self) -> None:
        self.searching = False
        self.query_line.value = ""
        self._give_keys(right=False)
        self._follow()

    @on(Input.Changed, "#query")
    def _searched(self) -> None:
        if self.atlas is not None and self.searching:
            query = self.query_line.value
            self.results.show(query, self.atlas.index.search(query), self.atlas.titles)
            self._follow()

    @on(Input.Submitted, "#query")
    def _submitted(self) -> None:
        self.action_open()

    @on(QueryLine.Closed)
    def _search_closed(self) -> None:
        self._end_search()

    @on(LineView.Moved)
    def _moved(self, message: LineView.Moved) -> None:
        if message.view in (self.tree_pane, self.results):
            self._follow()

    @on(LineView.Chosen)
    def _chosen(self, message: LineView.Chosen) -> None:
        message.view.focus()
        self.right = message.view.id in ("page", "guided")
        self.action_open()
