"""The state of the run in one row, what matters most kept when room is short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from loratui.core import units
from loratui.core.facts import Machine
from loratui.core.snapshot import Status
from loratui.ui.widgets.gpu_pane import short
from loratui.ui.widgets.row import Row, Span

_DEAD = ("out of memory", "dead worker", "crashed", "killed")
_SIGNS = {"finished": "✔", "waiting": "○", "unknown": "○", "stalled": "!"}
_TRENDS = {1: "▲", -1: "▼"}


class Piece(NamedTuple):
    """A part of the row. The one with the highest `rank` goes first when room is short."""

    text: str
    rank: int
    style: str = ""


def state_style(state: str) -> str:
    if state in _DEAD:
        return "error"
    if state == "stalled":
        return "warning"
    return "good" if state in ("training", "warm-up", "finished") else "title"


def left_words(seconds: float) -> str:
    """The time left in minutes at the finest, so that it changes once a minute at most."""
    return "under 1 min left" if seconds < 60 else f"{units.duration(seconds)} left"


def pieces(status: Status, roomy: bool) -> list[Piece]:
    """The parts of the row, from left to right."""
    sign = "✖" if status.state in _DEAD else _SIGNS.get(status.state, "●")
    row = [Piece(f"{sign} {status.state}", 0, state_style(status.state))]
    if status.step is not None:
        step = units.whole(status.step)
        if status.total:
            total = units.whole(status.total)
            between = " / " if roomy else "/"
            row.append(Piece(f"{step:>{len(total)}}{between}{total}", 1, "title"))
            row.append(Piece(f"{status.step * 100 // status.total:>2} %", 4))
        else:
            row.append(Piece(f"step {step}", 1, "title"))
    words = ", ".join(part for part in (status.advice, status.usual) if part)
    if words:
        row.append(Piece(words, 3, "error" if status.advice == "stop" else "warning"))
    if status.history is not None:
        row.append(Piece(f"history {status.history * 100:.0f} %", 3, "warning"))
    if status.note:
        row.append(Piece(status.note, 8, "muted"))
    if status.epoch is not None:
        of = f"/{status.epochs}" if status.epochs else ""
        row.append(Piece(f"{'epoch' if roomy else 'ep'} {status.epoch}{of}", 7))
    if status.rate is not None:
        row.append(Piece(units.speed(status.rate), 5))
    if status.eta is not None:
        row.append(Piece(left_words(status.eta), 6))
    if status.loss is not None:
        broken = status.loss != status.loss or abs(status.loss) == float("inf")
        trend = _TRENDS.get(status.trend, " ")
        text = f"loss {units.number(status.loss)} {trend}"
        row.append(Piece(text, 2, "error" if broken else "title"))
    if roomy and status.lr is not None:
        row.append(Piece(f"lr {units.rate(status.lr)}", 9))
    return row


def laid(row: Sequence[Piece], width: int, gap: int) -> list[Piece]:
    """The pieces that fit, those of high rank left out first."""
    kept = list(row)
    while len(kept) > 1 and sum(cell_len(p.text) + gap for p in kept) > width:
        kept.remove(max(kept, key=lambda piece: piece.rank))
    return kept


class StatusLine(Row):
    """State, step, speed, time left, loss."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.status = Status()

    def show(self, status: Status) -> None:
        """Show this status."""
        self.status = status
        self.rebuild()

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        roomy = width >= 92
        gap = 3 if roomy else 2
        spans = [Span(" ")]
        for piece in laid(pieces(self.status, roomy), width - 1, gap):
            spans += [Span(piece.text, piece.style), Span(" " * gap)]
        return spans, ()


class Vitals(Row):
    """Learning rate and GPU, beside the sparkline where there are no panes for them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.status = Status()
        self.machine = Machine()

    def show(self, status: Status, machine: Machine) -> None:
        """Show these."""
        self.status, self.machine = status, machine
        self.rebuild()

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        lr = "" if self.status.lr is None else f"  lr {units.rate(self.status.lr)}"
        gpu = f"{short(self.machine)} "
        return [Span(lr if len(lr) + len(gpu) < width else "")], [Span(gpu)]
