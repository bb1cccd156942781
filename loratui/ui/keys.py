"""The one table of keys: bindings, the last line, help, palette and README come from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """One thing that can be done.

    `keys` are Textual's names, separated by commas. `scope` is ``app``, a screen, or
    ``screen.pane``. `short` is the text in the last line; empty keeps it out of there. `shown` is
    how the key is written.
    """

    id: str
    keys: str
    scope: str
    short: str
    help: str
    action: str
    shown: str = ""

    @property
    def label(self) -> str:
        return self.shown or self.keys.split(",")[0]


KEYS: tuple[Key, ...] = (
    # Live
    Key("live.open", "enter", "live", "open finding",
        "Open the page of the selected finding: causes, checks and fixes.", "open"),
    Key("live.now", "s", "live", "what to do now",
        "Say what to do now: every fix of the selected finding, cheapest first.", "now"),
    Key("live.metric", "t", "live", "metric",
        "Choose what the chart draws: every series of the run with its newest value; space puts a "
        "second one beside it.", "metric"),
    Key("live.next-metric", "T", "live", "", "Draw the next series.", "next_metric"),
    Key("live.zoom", "z", "live", "zoom",
        "Zoom the chart: the whole run, its last third, its last 300 steps.", "zoom"),
    Key("live.range", "Z", "live", "",
        "Show the steps that you type: 1200-1800, 1200-, -500, 50%-.", "range"),
    Key("live.nearer", "plus,equals_sign", "live", "",
        "Show half as many steps, around the reading mark or at the end.", "nearer(True)", "+"),
    Key("live.wider", "minus", "live", "", "Show twice as many steps.", "nearer(False)", "-"),
    Key("live.earlier", "left_square_bracket,shift+left", "live", "",
        "Show earlier steps.", "move(-1)", "["),
    Key("live.later", "right_square_bracket,shift+right", "live", "",
        "Show later steps; at the newest one the chart goes along again.", "move(1)", "]"),
    Key("live.whole", "0", "live", "",
        "Show the whole run again, without a reading mark.", "whole"),
    Key("live.read-left", "comma", "live", "",
        "Read the curve: put a mark on it and move it to the left.", "read(-1)", ","),
    Key("live.read-right", "full_stop", "live", "",
        "Move the reading mark to the right; past either end it goes away.", "read(1)", "."),
    Key("live.read-far-left", "less_than_sign", "live", "",
        "Move the reading mark ten cells to the left.", "read(-10)", "<"),
    Key("live.read-far-right", "greater_than_sign", "live", "",
        "Move the reading mark ten cells to the right.", "read(10)", ">"),
    Key("live.scale", "l", "live", "log/linear",
        "Switch the chart between a logarithmic and a linear axis.", "scale"),
    Key("live.errors", "e", "live", "errors only",
        "Show only warnings and errors in the log, or every line again.", "errors"),
    Key("live.acknowledge", "a", "live", "acknowledge",
        "Mark the selected finding as seen; it stays in the list, dimmed.", "acknowledge"),
    Key("live.up", "up", "live", "",
        "Select the item above, or scroll up.", "step(-1)", "↑"),
    Key("live.down", "down", "live", "",
        "Select the item below, or scroll down.", "step(1)", "↓"),
    Key("live.page-up", "pageup", "live", "", "Scroll up by a page.", "page(-1)", "page up"),
    Key("live.page-down", "pagedown", "live", "", "Scroll down by a page.", "page(1)", "page down"),
    Key("live.first", "home", "live", "", "Go to the first line.", "ends(-1)"),
    Key("live.last", "end", "live", "",
        "Go to the last line; the log then follows new lines again.", "ends(1)"),
    Key("live.tick", "space", "live", "",
        "Tick an item of the checklist that only you can judge.", "tick"),
    Key("live.next", "tab,right", "live", "next pane", "Go to the next pane.", "pane(1)"),
    Key("live.previous", "shift+tab,left", "live", "", "Go to the pane before.", "pane(-1)"),
    # Diagnose
    Key("diagnose.up", "up", "diagnose", "", "Go to the line above.", "step(-1)", "↑"),
    Key("diagnose.down", "down", "diagnose", "", "Go to the line below.", "step(1)", "↓"),
    Key("diagnose.open", "right,enter", "diagnose", "open",
        "Open the branch, the page, or what is folded under an item.", "open", "→"),
    Key("diagnose.close", "left", "diagnose", "", "Close the branch.", "close", "←"),
    Key("diagnose.back", "q", "diagnose", "back",
        "Go back: from a page to the tree, from the tree to Live.", "back"),
    Key("diagnose.guided", "g", "diagnose", "questions",
        "Answer one question after the other until a page is found; on the page of a protocol, "
        "walk it step by step.", "guided"),
    Key("diagnose.tried", "t", "diagnose", "tried it",
        "Mark the selected fix as tried, with a note if you like; the next run shows whether the "
        "finding went away. Again: take the mark back.", "tried"),
    Key("diagnose.bookmark", "b", "diagnose", "bookmark",
        "Mark the page that is shown, so that it stands above the tree, or take the mark away.",
        "bookmark"),
    Key("diagnose.tick", "space", "diagnose", "",
        "Tick an item of a checklist, or take the tick away; kept for each run.", "tick"),
    Key("diagnose.next", "tab", "diagnose", "",
        "Go to the page, or back to the tree.", "app.focus_next"),
    Key("diagnose.page-up", "pageup", "diagnose", "", "Go up by a page.", "page(-1)", "page up"),
    Key("diagnose.page-down", "pagedown", "diagnose", "", "Go down by a page.", "page(1)",
        "page down"),
    Key("diagnose.first", "home", "diagnose", "", "Go to the first line.", "ends(-1)"),
    Key("diagnose.last", "end", "diagnose", "", "Go to the last line.", "ends(1)"),
    # Machine
    Key("machine.up", "up", "machine", "", "Scroll up.", "step(-1)", "↑"),
    Key("machine.down", "down", "machine", "", "Scroll down.", "step(1)", "↓"),
    Key("machine.page-up", "pageup", "machine", "", "Scroll up by a page.", "page(-1)", "page up"),
    Key("machine.page-down", "pagedown", "machine", "", "Scroll down by a page.", "page(1)",
        "page down"),
    Key("machine.first", "home", "machine", "", "Go to the first line.", "ends(-1)"),
    Key("machine.last", "end", "machine", "", "Go to the last line.", "ends(1)"),
    # everywhere
    Key("app.copy", "y", "app", "copy",
        "Copy the selected finding, fix or line to the clipboard of your own machine and to a "
        "file whose path is shown.", "app.copy"),
    Key("app.search", "slash", "app", "search",
        "Search all pages, options and error texts; paste a line of a log.", "app.search", "/"),
    Key("app.commands", "colon,ctrl+p", "app", "commands",
        "Find a command by its name.", "app.command_palette", ":"),
    Key("app.help", "question_mark", "app", "help",
        "Show the keys of the pane you are in.", "app.help", "?"),
    Key("app.runs", "r", "app", "",
        "List the training runs found on this box and the logs watched before.", "app.runs"),
    Key("app.quit", "q", "app", "quit", "Go back, or quit.", "app.back"),
    Key("app.live", "1", "app", "", "Go to Live: how the run is doing.", "app.show('live')"),
    Key("app.diagnose", "2", "app", "", "Go to Diagnose: from what you see to what to change.",
        "app.show('diagnose')"),
    Key("app.machine", "5", "app", "", "Go to Machine: GPUs, processes and the box.",
        "app.show('machine')"),
)  # fmt: skip

SCREENS: tuple[tuple[str, str, str], ...] = (
    ("live", "1", "Live"),
    ("diagnose", "2", "Diagnose"),
    ("machine", "5", "Machine"),
)
"""The screens that can be shown: name, key, title."""


def keys_of(*scopes: str) -> Iterator[Key]:
    """The rows of these scopes in the order of the table."""
    return (key for key in KEYS if key.scope in scopes)


def bindings(scope: str) -> list[Binding]:
    """What a screen, a pane or the app puts into its BINDINGS."""
    return [
        Binding(key.keys, key.action, key.help, show=bool(key.short), id=key.id)
        for key in keys_of(scope)
    ]


def footer(scope: str) -> list[tuple[str, str]]:
    """Key and text for the last line of a screen."""
    own = {key.label: key.short for key in keys_of(scope) if key.short}
    everywhere = {key.label: key.short for key in keys_of("app") if key.short}
    return [*own.items(), *((key, text) for key, text in everywhere.items() if key not in own)]


def markdown() -> str:
    """The table for the README."""
    rows = ["| key | where | what it does |", "| --- | --- | --- |"]
    for key in KEYS:
        shown = key.label.replace("|", "\\|")
        where = "everywhere" if key.scope == "app" else key.scope.capitalize()
        rows.append(f"| `{shown}` | {where} | {key.help} |")
    return "\n".join(rows) + "\n"
