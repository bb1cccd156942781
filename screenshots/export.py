"""Draws every screen from the recorded demos: `python screenshots/export.py [NAME…]`.

Pictures are build output, narrow (80x24) and wide (160x48); nothing in them is made by hand.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from loratui.core.clock import ManualClock
from loratui.core.snapshot import SessionSnapshot
from loratui.engine.demo import ReplayedMachine, open_demo
from loratui.engine.feed import Action
from loratui.engine.session import Session
from loratui.kb import load
from loratui.sources.recording import Replay
from loratui.ui.app import LoratuiApp
from loratui.ui.options import UiOptions

HERE = Path(__file__).parent
SIZES = ((80, 24), (160, 48))


@dataclass(frozen=True)
class Picture:
    """A demo stopped at a time (seconds; None: its end), and the keys that lead to the screen."""

    demo: str | None
    at: float | None = None
    keys: tuple[str, ...] = ()


PICTURES = {
    "live-nan": Picture("nan", 30.0),
    "live-healthy": Picture("healthy", 26.0),
    "live-kohya": Picture("kohya", 400.0),
    "live-crash": Picture("crash"),
    "live-start": Picture(None),
    "diagnose": Picture("nan", 30.0, ("2",)),
    "diagnose-page": Picture("nan", 30.0, ("enter",)),
    "diagnose-guided": Picture(None, None, ("2", "g", "e")),
    "diagnose-protocol": Picture(None, None, ("2", "g", "e", "a")),
    "diagnose-search": Picture("nan", 30.0, ("slash", *"rank")),
    "diagnose-guide": Picture(None, None, ("slash", *"lora-strength", "enter")),
    "machine": Picture("kohya", 400.0, ("5",)),
    "help": Picture("nan", 30.0, ("question_mark",)),
}


class Still:
    """A feed that stands still."""

    def __init__(self, snapshot: SessionSnapshot) -> None:
        self._snapshot = snapshot

    def start(self) -> None: ...

    def read_history(self) -> None: ...

    def give_way(self, seconds: float) -> None: ...

    def latest(self) -> SessionSnapshot:
        return self._snapshot

    def send(self, action: Action) -> None: ...

    def stop(self) -> None: ...


def snapshot(picture: Picture) -> SessionSnapshot:
    """What a session shows of a demo at that time."""
    if picture.demo is None:
        return SessionSnapshot()
    recording = open_demo(picture.demo)
    clock = ManualClock(0.0)
    replay = Replay(recording, 1.0, clock)
    machine = ReplayedMachine(replay)
    path = f"demo {picture.demo}"
    session = Session(replay, lambda _: load(), path=path, machine=machine, clock=clock)
    session.prepare()
    end = recording.length + 1 if picture.at is None else picture.at
    while clock.now() <= end:
        session.step()
        clock.advance(0.25)
    return session.latest()


async def draw(name: str, picture: Picture) -> None:
    """Write the pictures of one screen."""
    shown = snapshot(picture)
    feed = Still(shown) if picture.demo is not None else None
    for size in SIZES:
        title = f"demo: {picture.demo}" if picture.demo else ""
        app = LoratuiApp(feed, UiOptions(remote=False, plain=False, title=title, knowledge=load))
        async with app.run_test(size=size) as pilot:
            for _ in range(3):
                await pilot.pause(0.3)
            for key in picture.keys:
                await pilot.press(key)
                await pilot.pause(0.6)
            svg = app.export_screenshot(title="loratui", simplify=True)
        # the exporter numbers its classes at random: make the same picture the same file
        svg = re.sub(r"terminal-\d+", "terminal-0", svg)
        path = HERE / f"{name}-{size[0]}x{size[1]}.svg"
        path.write_text(svg, encoding="utf-8")
        print(path.name)


def main() -> None:
    chosen = sys.argv[1:] or list(PICTURES)
    for name in chosen:
        asyncio.run(draw(name, PICTURES[name]))


if __name__ == "__main__":
    main()
