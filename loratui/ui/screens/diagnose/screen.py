"""Diagnose: from what one sees to what to change."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from loratui.core.findings import Finding
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.notebook import case_of
from loratui.kb.text import render_blocks
from loratui.ui import keys
from loratui.ui.messages import Say
from loratui.ui.screens.base import RunScreen
from loratui.ui.screens.diagnose.atlas import Atlas, read_atlas
from loratui.ui.screens.diagnose.guided import GuidedPane
from loratui.ui.screens.diagnose.notes import NoteLine, Notes, Place, copied, fix_of
from loratui.ui.screens.diagnose.page import PagePane
from loratui.ui.screens.diagnose.results import QueryLine, ResultsPane
from loratui.ui.screens.diagnose.tree import TreePane
from loratui.ui.widgets.lines import LineView

WIDE = 110  # columns from which tree and page stand side by side
_READING = "reading the knowledge base…"
_NEWS = frozenset(("findings", "facts", "undecided", "judged", "run", "path", "machine", "host"))


class DiagnoseScreen(RunScreen):
    """The tree at the left; a page, or one question at a time, at the right."""

    SCOPE = "diagnose"
    PURPOSE = (
        "The tree goes from what you see to a page that says what it means, how to check it and "
        "what to change, cheapest first. What the run being watched shows stands on top, then your "
        "bookmarks. g asks one question after the other; / searches pages, options and error texts."
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
        self.note_line = NoteLine(id="note")
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
                yield self.note_line

    @property
    def folded(self) -> bool:
        """Whether only one of the two sides fits."""
        return self.size.width < WIDE

    # -- beginning and end ---------------------------------------------------------------------

    def on_mount(self) -> None:
        self.tree_pane.show(_READING, ())
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
        problem = self.owner.notebook.problem
        notes = [*atlas.problems, *([problem] if problem else [])]
        self.tree_pane.show(atlas.heading, atlas.nodes, atlas.title, notes)
        self._mark()
        self._searched()
        if self._wanted is not None:
            page, finding = self._wanted
            self._wanted = None
            self.show_symptom(page, finding)
        else:
            self._return(Place.read(self.owner.notebook.position))
            self._follow()

    def _return(self, place: Place) -> None:
        """To where the user was the last time, as far as that is still there."""
        assert self.atlas is not None
        self.tree_pane.open_way(place.opened)
        if place.page:
            self.tree_pane.point_at_page(place.page)
        if place.way and self.atlas.nodes:
            self.asking = True
            self.guided.begin(self.atlas.root, self.found, self.atlas.title)
            self.guided.resume(place.way)
            self._give_keys(right=not self.folded or self.right)

    def _leave(self) -> None:
        """Write down where the user is."""
        if self.atlas is None:
            return
        page = self.tree_pane.page_at(self.tree_pane.target) or self.shown[0]
        way = self.guided.way() if self.asking else ()
        self.owner.notebook.stay(Place(page, tuple(sorted(self.tree_pane.opened)), way).written())

    def on_screen_suspend(self) -> None:
        self._leave()

    def on_unmount(self) -> None:
        self._leave()

    # -- news ----------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        if "run" in changed and snapshot.run and not self.snapshot.run:
            self.owner.notebook.adopt(self.snapshot.run_key, snapshot.run_key)
        self.snapshot = snapshot
        if changed & _NEWS:
            self._mark()
            if self.shown[0]:
                page, finding = self.shown
                self._fill(page, self.found.get(page, finding), afresh=False)
            elif not self.right:
                self._follow()

    def _mark(self) -> None:
        found: dict[str, Finding] = {}
        for finding in self.snapshot.findings:
            if finding.symptom:
                found.setdefault(finding.symptom, finding)
        self.found = found
        cleared = self.atlas.cleared(self.snapshot.judged) if self.atlas is not None else ()
        self.tree_pane.mark(found, cleared, self.owner.notebook.bookmarks)
        self.guided.mark(found)

    # -- what is shown -------------------------------------------------------------------------

    def show_symptom(self, page: str, finding: Finding | None = None) -> None:
        """Show a page (or a finding that has none) and give it the keys."""
        if self.atlas is None:
            self._wanted = (page, finding)
            return
        self.trail.clear()
        self.asking = self.asked = False
        self.tree_pane.point_at_page(page)
        self._fill(page, finding or self.found.get(page), afresh=True)
        self._give_keys(right=True)

    def _fill(self, page: str, finding: Finding | None, *, afresh: bool) -> None:
        if self.atlas is None:
            return
        self.shown = (page, finding)
        case = case_of(self.snapshot, self.owner.notebook, finding)
        self.page.show(self.atlas.page(page, case), afresh=afresh, series=self.snapshot.series)

    def _refill(self) -> None:
        self._fill(*self.shown, afresh=False)

    def _follow(self) -> None:
        """Let the page follow the cursor at the left where both are in view."""
        if self.atlas is None or self.folded or self.asking:
            return
        if self.searching:
            page = self.results.target
        else:
            page = self.tree_pane.page_at(self.tree_pane.target)
        if page:
            if self.shown[0] != page:
                self.trail.clear()
                self._fill(page, self.found.get(page), afresh=True)
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
        self.note_line.display = self.note_line.fix != ""

    def on_resize(self, _: events.Resize) -> None:
        self._arrange()
        self._follow()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.right = event.widget.id in ("page", "guided", "note")

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
            if kind == "page":
                self.trail.append(self.shown)
                self._fill(name, self.found.get(name), afresh=True)
            elif kind in ("fix", "item", "fold"):
                self.page.toggle()
        elif view is self.results:
            if self.results.target:
                self._open_page(self.results.target)
        elif page := self.tree_pane.page_at(self.tree_pane.target):
            self._open_page(page)
        else:
            self.tree_pane.open()

    def _open_page(self, page: str) -> None:
        self.asking = self.asked = False
        self.trail.clear()
        if self.shown[0] != page:
            self._fill(page, self.found.get(page), afresh=True)
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

    # -- questions -----------------------------------------------------------------------------

    def action_guided(self) -> None:
        if self.atlas is None or not self.atlas.nodes:
            return
        if self.asking:
            self.asking = False
            self._give_keys(right=False)
            self._follow()
            return
        protocol = self.atlas.protocol(self.shown[0]) if self.right else None
        self._ask(protocol or self.atlas.root)

    def _ask(self, root: Any) -> None:
        assert self.atlas is not None
        self.asking, self.asked = True, False
        self._give_keys(right=True)
        self.guided.begin(root, self.found, self.atlas.title)

    @on(GuidedPane.Reached)
    def _reached(self, message: GuidedPane.Reached) -> None:
        assert self.atlas is not None
        walk = self.guided.walk
        protocol = self.atlas.protocol(message.page)
        if protocol is not None and walk is not None and not walk.question.step:
            walk.go_on(protocol)  # a protocol is walked; its list is shown at its end
            self.guided.rebuild()
            return
        self.tree_pane.point_at_page(message.page)
        self.trail.clear()
        self._fill(message.page, self.found.get(message.page), afresh=True)
        self.asking, self.asked = False, True
        self._give_keys(right=True)

    @on(GuidedPane.Stepped)
    def _stepped(self, message: GuidedPane.Stepped) -> None:
        self.notes.hold(message.item)

    # -- notes ---------------------------------------------------------------------------------

    @property
    def notes(self) -> Notes:
        """What the user writes down about the page that is shown."""
        return Notes(self.owner.notebook, self.snapshot.run_key, self.shown[0])

    def action_tried(self) -> None:
        fix = fix_of(self.page.target) if self.right and not self.asking else ""
        if not fix:
            self.post_message(Say("select a fix on the page first: → opens it, ↓ goes to a fix"))
            return
        tried, said = self.notes.tried(fix)
        self._refill()
        if tried:
            self.note_line.ask(fix)
            self._arrange()
            self.note_line.focus()
        self.post_message(Say(said))

    @on(NoteLine.Done)
    def _noted(self, message: NoteLine.Done) -> None:
        self.notes.note(message.fix, message.text)
        self._refill()
        self._give_keys(right=True)

    def action_tick(self) -> None:
        kind, _, item = self.page.target.partition(":")
        if not self.right or self.asking or kind != "item":
            self.post_message(Say("select an item of a checklist first"))
            return
        said = self.notes.tick(item)
        self._refill()
        self.post_message(Say(said))

    def action_bookmark(self) -> None:
        if not self.shown[0] or self.asking:
            self.post_message(Say("open a page first; b then marks it"))
            return
        said = self.notes.bookmark()
        self._mark()
        self.post_message(Say(said))

    def copied(self) -> str:
        """The fix or command under the cursor, else the whole page."""
        if self.atlas is None:
            return ""
        if self.right and not self.asking and fix_of(self.page.target):
            page, finding = self.shown
            case = case_of(self.snapshot, self.owner.notebook, finding)
            if said := copied(self.atlas.fixes(page, case), self.page.target):
                return said
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
            hits = self.atlas.index.search(query)
            self.results.show(query, hits, self.atlas.title, self.atlas.kind)
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
