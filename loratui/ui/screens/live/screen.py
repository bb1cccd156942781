"""Live: how the run is doing and what is going wrong, on one screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import events, on
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from loratui.core.snapshot import SessionSnapshot
from loratui.ui import keys
from loratui.ui.bridge import SECTIONS
from loratui.ui.messages import Act, OpenSymptom, Say
from loratui.ui.screens.base import RunScreen
from loratui.ui.screens.live import words
from loratui.ui.screens.live.curves import Choice, chosen, companion, kind_of, ordered
from loratui.ui.widgets.checklist_pane import ChecklistPane
from loratui.ui.widgets.findings_pane import FindingsPane
from loratui.ui.widgets.gpu_pane import GpuPane
from loratui.ui.widgets.lines import LineView
from loratui.ui.widgets.log_pane import LogPane
from loratui.ui.widgets.loss_chart import LossChart
from loratui.ui.widgets.sparkline import Sparkline
from loratui.ui.widgets.status_line import StatusLine, Vitals
from loratui.ui.widgets.tab_row import TabRow

if TYPE_CHECKING:
    from loratui.ui.screens.live.metric_picker import MetricPicker
    from loratui.ui.widgets.window import Window

WIDE, TALL = 110, 24
PANES = ("findings", "chart", "checklist", "gpu", "log")


class LiveScreen(RunScreen):
    """Status, chart, findings, checklist, GPUs and log of one run."""

    SCOPE = "live"
    AUTO_FOCUS = "#findings"
    BINDINGS = [*keys.bindings("live")]

    def __init__(self, size: Size, ascii_only: bool = False) -> None:
        super().__init__(classes="-ascii" if ascii_only else None)
        self.folded = False
        self.front = "findings"
        self.wanted: Choice | None = None  # what the chart is to draw, once somebody has chosen
        self._picker: MetricPicker | None = None
        self._scales: dict[str, bool] = {}  # group of series -> logarithmic, where that was changed
        self.snapshot = SessionSnapshot()
        self._titles: dict[str, str] = {}
        self.status = StatusLine(id="status")
        self.sparkline = Sparkline(ascii_only, id="sparkline")
        self.vitals = Vitals(id="vitals")
        self.tabs = TabRow(id="tabs")
        self.chart = LossChart(ascii_only, id="chart")
        self.findings = FindingsPane(id="findings", classes="side")
        self.checklist = ChecklistPane(id="checklist", classes="side")
        self.gpu = GpuPane(id="gpu", classes="side")
        self.log_pane = LogPane(id="log", classes="side")
        self.panes: dict[str, Widget] = {
            "findings": self.findings,
            "chart": self.chart,
            "checklist": self.checklist,
            "gpu": self.gpu,
            "log": self.log_pane,
        }
        self.upper = Horizontal(self.chart, self.findings, id="upper")
        self.lower = Horizontal(self.checklist, self.gpu, self.log_pane, id="lower")
        # arranged before the first layout: arranging later would lay out and paint twice
        self._arrange(size)

    def body(self) -> Iterable[Widget]:
        self.show_snapshot(self.owner.snapshot, SECTIONS)  # for the first painting
        yield Container(self.status, self.sparkline, self.vitals, id="head")
        yield self.tabs
        yield self.upper
        yield self.lower

    # -- layout --------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        if self.folded != _folds(event.size):
            self._arrange(event.size)

    def _arrange(self, size: Size) -> None:
        """All panes side by side where there is room, else one of them behind tabs."""
        self.folded = _folds(size)
        if self.has_class("-folded") != self.folded:
            self.set_class(self.folded, "-folded")
        shown = {name for name in PANES if not self.folded or name == self.front}
        for name, pane in self.panes.items():
            _display(pane, name in shown)
        _display(self.upper, bool(shown & {"findings", "chart"}))
        _display(self.lower, bool(shown - {"findings", "chart"}))
        _display(self.vitals, self.folded)
        _display(self.tabs, self.folded)
        self._title()

    def _title(self) -> None:
        """The names of the panes with what they hold, as tabs and as titles."""
        now = self.snapshot
        named = words.pane_names(now, self.log_pane.errors_only)
        self.tabs.show([(name, named[name]) for name in PANES], self.front)
        for name, pane in self.panes.items():
            title = "" if self.folded or name == "chart" else named[name]
            if self._titles.get(name, "") != title:
                self._titles[name] = title
                pane.border_title = Content(title)

    def _bring(self, name: str) -> None:
        self.front = name
        if self.folded:
            self._arrange(self.size)
        self.panes[name].focus(scroll_visible=False)

    @on(TabRow.Chosen)
    def _tab_chosen(self, message: TabRow.Chosen) -> None:
        self._bring(message.name)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id in PANES:
            self.front = event.widget.id

    # -- news ----------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        before, self.snapshot = self.snapshot, snapshot
        longer = snapshot.status.total != before.status.total
        if snapshot.path != before.path or (before.run and snapshot.run != before.run):
            self.chart.another_run()
        if changed & {"status", "machine"}:
            self.status.show(snapshot.status)
            self.vitals.show(snapshot.status, snapshot.machine)
        if "series" in changed:
            self.sparkline.show(snapshot.series.get("loss"))
        if longer or changed & {"series", "findings", "facts", "epoch_marks"}:
            self._draw_chart()
            if self._picker is not None and self._picker in self.app.screen_stack:
                self._picker.show_snapshot(snapshot)
        if changed & words.FINDINGS:
            self.findings.show(snapshot)
        if changed & {"checklist", "run"}:
            self._show_checklist()
        if "machine" in changed:
            self.gpu.show(snapshot.machine)
        if changed & {"log", "log_count"}:
            self.log_pane.show(snapshot.log, snapshot.log_count)
        self._title()

    def _show_checklist(self) -> None:
        """The list of this phase with what was ticked by hand for this run."""
        now = self.snapshot
        if now.checklist.items:
            ticked = self.owner.notebook.ticked(now.run_key)
            self.checklist.show(now.checklist.with_ticks(ticked))
        else:
            self.checklist.show(now.checklist)

    @property
    def drawn(self) -> Choice:
        """What the chart draws: what was chosen, as far as this run has it."""
        return chosen(self.wanted, self.snapshot.series)

    def _draw_chart(self) -> None:
        drawn = self.drawn
        kind = kind_of(drawn.first)
        self.chart.show(
            **words.chart_fields(self.snapshot, drawn), log=self._scales.get(kind.group, kind.log)
        )

    # -- keys ----------------------------------------------------------------------------------

    def action_pane(self, by: int) -> None:
        self._bring(PANES[(PANES.index(self.front) + by) % len(PANES)])

    def action_open(self) -> None:
        if self.front == "checklist":
            self.action_tick()
        elif self.front == "gpu":
            self.app.call_later(self.owner.action_show, "machine")
        elif self.front != "log":
            self._open()

    @on(LineView.Chosen, "#findings")
    def _open(self) -> None:
        finding = self.findings.selected
        if finding is None:
            self.post_message(Say("no finding to open; 2 goes through the symptoms"))
        elif finding.symptom is None:
            self.post_message(Say("this finding has no page; s shows what to do"))
        else:
            self.post_message(OpenSymptom(finding.symptom, finding))

    def action_now(self) -> None:
        from loratui.ui.overlays import Sheet

        finding, now = self.findings.selected, self.snapshot
        self.app.push_screen(
            Sheet("What to do now", lambda width: words.sheet_lines(finding, now, width))
        )

    def action_acknowledge(self) -> None:
        if (finding := self.findings.selected) is not None:
            self.post_message(Act("acknowledge", finding.id))
            self.post_message(Say(f"acknowledged: {finding.title or finding.id}"))

    def action_tick(self) -> None:
        item = self.checklist.selected
        if self.front == "checklist" and item is not None and item.state != "failed":
            run, name = self.snapshot.run_key, f"{self.snapshot.checklist.id}/{item.id}"
            self.owner.notebook.tick(run, name)
            self._show_checklist()
            self._title()
            self.post_message(Say(self.owner.notebook.problem))

    # -- keys of the chart ---------------------------------------------------------------------

    def _to_chart(self) -> bool:
        """Bring the chart into view; whether it draws anything."""
        if self.folded and self.front != "chart":
            self._bring("chart")
        if self.chart.data.last is None:
            self.post_message(Say("there is no curve yet: the trainer has printed no numbers"))
            return False
        return True

    def action_metric(self) -> None:
        from loratui.ui.screens.live.metric_picker import MetricPicker

        if not self.snapshot.series:
            self.post_message(Say("there is no curve yet: the trainer has printed no numbers"))
            return
        self._picker = MetricPicker(self.snapshot, self.drawn)
        self.app.push_screen(self._picker, self._picked)

    def _picked(self, choice: Choice | None) -> None:
        if choice is not None:
            self._want(choice)

    def _want(self, choice: Choice) -> None:
        self.wanted = choice
        self._draw_chart()
        self._to_chart()

    def action_next_metric(self) -> None:
        names = ordered(self.snapshot.series)
        if len(names) < 2:
            self.post_message(Say("the trainer gives no other series to draw"))
            return
        at = names.index(self.drawn.first) if self.drawn.first in names else -1
        self._want(companion(names[(at + 1) % len(names)], names))

    def action_zoom(self) -> None:
        if self._to_chart():
            self.chart.next_zoom()

    def action_nearer(self, nearer: bool) -> None:
        if self._to_chart():
            self.post_message(Say(self.chart.zoom(nearer=nearer)))

    def action_move(self, by: int) -> None:
        if self._to_chart():
            self.post_message(Say(self.chart.move(by)))

    def action_read(self, by: int) -> None:
        if self._to_chart():
            self.post_message(Say(self.chart.read(by)))

    def action_whole(self) -> None:
        if self._to_chart():
            self.chart.whole()

    def action_range(self) -> None:
        from loratui.ui.screens.live.steps_prompt import StepsPrompt

        data = self.chart.data
        if self._to_chart() and data.last is not None:
            prompt = StepsPrompt(data.window, data.last, data.total, data.unit)
            self.app.push_screen(prompt, self._ranged)

    def _ranged(self, window: Window | None) -> None:
        if window is not None:
            self.chart.show(window=window)

    def action_scale(self) -> None:
        if self._to_chart():
            self._scales[kind_of(self.drawn.first).group] = not self.chart.data.log
            self._draw_chart()

    # -- keys of the other panes ---------------------------------------------------------------

    def action_errors(self) -> None:
        self.log_pane.toggle_errors()
        self._title()

    def action_step(self, by: int) -> None:
        if isinstance(pane := self.panes[self.front], LineView):
            pane.step(by)

    def action_page(self, by: int) -> None:
        if isinstance(pane := self.panes[self.front], LineView):
            pane.page(by)

    def action_ends(self, by: int) -> None:
        if isinstance(pane := self.panes[self.front], LineView):
            pane.to_end(by)

    # -- for the app ---------------------------------------------------------------------------

    def help_for(self) -> tuple[str, str]:
        return words.HELP[self.front]

    def copied(self) -> str:
        if self.front == "log":
            entry = self.log_pane.selected
            return "" if entry is None else entry.text
        if self.front == "checklist":
            item = self.checklist.selected
            return "" if item is None else f"{item.text}: {item.evidence or item.state}"
        if self.front == "gpu":
            return words.plain(self.gpu.build(100))
        if self.front == "chart" and (reading := self.chart.copied()):
            return reading
        finding = self.findings.selected
        return "" if finding is None else words.finding_text(finding)


def _folds(size: Size) -> bool:
    return size.width < WIDE or size.height < TALL


def _display(widget: Widget, shown: bool) -> None:
    if widget.display != shown:
        widget.display = shown
