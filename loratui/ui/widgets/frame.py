"""The first and the last line of every screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from loratui.core.facts import RunFacts
from loratui.ui.keys import SCREENS, footer
from loratui.ui.widgets.row import Row, Span

_FAMILIES = {"sd15": "SD 1.5", "sdxl": "SDXL", "flux": "FLUX", "qwen-image": "Qwen-Image"}


_ALWAYS = ("/", ":", "?", "q")  # stand at the right of every last line


class TopLine(Row):
    """Product, run, trainer and family at the left, the screens at the right."""

    DEFAULT_CSS = """
    TopLine { dock: top; color: $text-muted; }
    """

    def __init__(self, current: str) -> None:
        super().__init__()
        self.current = current
        self.run = ""

    def show_run(self, facts: RunFacts, title: str = "") -> None:
        """Name the run; unknown parts are left out."""
        trainer = "" if facts.trainer == "unknown" else facts.trainer
        family = _FAMILIES.get(facts.family or "", facts.family or "")
        self.run = " · ".join(part for part in (facts.name or title, trainer, family) if part)
        self.rebuild()

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        full = width >= 100
        right: list[Span] = []
        for name, key, title in SCREENS:
            here = name == self.current
            right.append(Span(f"{key} {title}" if full or here else key, "title" if here else ""))
            right.append(Span("  "))
        right.append(Span(" ? help "))
        return [Span(" loratui", "brand"), Span("  "), Span(self.run, "plain")], right


class FooterLine(Row):
    """The keys of the screen, or a sentence until the next key."""

    DEFAULT_CSS = """
    FooterLine { dock: bottom; color: $text-muted; }
    """

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope
        self.message = ""

    def say(self, text: str) -> None:
        """Show `text` instead of the keys; empty brings them back."""
        if text != self.message:
            self.message = text
            self.rebuild()

    def build(self, width: int) -> tuple[Sequence[Span], Sequence[Span]]:
        if self.message:
            return [Span(" "), Span(self.message, "plain")], ()
        spans: list[Span] = []
        tail: list[Span] = []
        used = 1
        entries = footer(self.scope)
        if width < 100:  # the first line says how to get help
            entries = [entry for entry in entries if entry[0] != "?"]
        kept = [entry for entry in entries if entry[0] in _ALWAYS]
        reserved = sum(len(key) + len(text) + 4 for key, text in kept)
        for key, text in entries:
            cells = len(key) + len(text) + 4
            target = tail if (key, text) in kept else spans
            if target is spans:
                if used + cells + reserved > width:
                    continue
                used += cells
            target += [Span(f" {key}", "key"), Span(f" {text}  ")]
        return spans, tail

    def on_click(self, _: events.Click) -> None:
        self.say("")
