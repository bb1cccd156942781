"""The door between the engine and whatever shows it: pull snapshots, push actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from loratui.core.snapshot import SessionSnapshot


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user did that changes what the session tells: `target` is a finding id."""

    kind: Literal["acknowledge"]
    target: str


class Feed(Protocol):
    """A run that is being watched (or replayed). All methods return at once."""

    def start(self) -> None:
        """Begin reading, in a daemon thread; glances at the end of the log first."""

    def read_history(self) -> None:
        """Called once the first screen is painted: read the whole log and start the detectors."""

    def latest(self) -> SessionSnapshot:
        """The newest snapshot; the same object as before when nothing has changed."""

    def send(self, action: Action) -> None:
        """Queue an action for the session."""

    def give_way(self, seconds: float) -> None:
        """Somebody waits for the screen: leave the processor to it for so long."""

    def stop(self) -> None:
        """Ask the threads to end; never blocks for long."""
