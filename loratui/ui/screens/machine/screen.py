"""The machine screen: every GPU, its processes, and the box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from loratui.core.facts import HostReading, Machine
from loratui.core.snapshot import SessionSnapshot
from loratui.ui import keys
from loratui.ui.screens.base import RunScreen
from loratui.ui.screens.machine.readings import machine_lines
from loratui.ui.widgets.lines import Line, LineView


class MachinePane(LineView):
    """All readings; scrolls when there are more GPUs than rows."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.machine = Machine()
        self.host: HostReading | None = None

    def show(self, machine: Machine, host: HostReading | None) -> None:
        """Show new readings; only the cells that differ are painted."""
        self.machine, self.host = machine, host
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        return machine_lines(self.machine, self.host, width)


class MachineScreen(RunScreen):
    """GPUs and host of the machine that the run is on."""

    SCOPE = "machine"
    PURPOSE = (
        "Readings of every GPU as the driver reports them. “Slowed by” names what holds the clock "
        "down, and for how much of the last minute. A dash is a reading that is not to be had."
    )
    CSS_PATH = "screen.tcss"
    BINDINGS = [*keys.bindings("machine")]
    AUTO_FOCUS = "#readings"

    def body(self) -> Iterable[Widget]:
        yield MachinePane(id="readings")

    @property
    def pane(self) -> MachinePane:
        return self.query_one("#readings", MachinePane)

    def show_snapshot(self, snapshot: SessionSnapshot, changed: frozenset[str]) -> None:
        if changed & {"machine", "host"}:
            self.pane.show(snapshot.machine, snapshot.host)

    def copied(self) -> str:
        return "\n".join(
            "".join(span.text for span in row.spans).rstrip()
            for row in machine_lines(self.pane.machine, self.pane.host, 100)
        )

    def action_step(self, by: int) -> None:
        self.pane.step(by)

    def action_page(self, by: int) -> None:
        self.pane.page(by)

    def action_ends(self, by: int) -> None:
        self.pane.to_end(by)
