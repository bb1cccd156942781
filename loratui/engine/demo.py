"""The recorded real runs that ship with the package."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from loratui import paths
from loratui.core.facts import HostReading, Machine
from loratui.errors import LoratuiError
from loratui.sources.recording import Recording, Replay, read

DEFAULT = "nan"


def names() -> list[str]:
    """Demos in the package, the default first."""
    found = sorted(path.name.split(".")[0] for path in paths.recordings().glob("*.jsonl*"))
    return sorted(found, key=lambda name: name != DEFAULT)


def open_demo(name: str) -> Recording:
    """A shipped demo by name, or any recording by path."""
    path = Path(name)
    if not path.is_file():
        matches = list(paths.recordings().glob(f"{name}.jsonl*"))
        if not matches:
            raise LoratuiError(
                "No such demo", f"There is no demo {name!r}.", f"There are: {', '.join(names())}."
            )
        path = matches[0]
    return read(path)


class ReplayedMachine:
    """Machine readings of a recording, at the moment that its replay has reached."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def start(self) -> None:
        """The replay itself drives it."""

    def latest(self) -> Machine:
        return self._replay.machine

    def host(self) -> HostReading | None:
        """A recording holds no host."""
        return None

    def narrow(self, own: Collection[int]) -> None:
        """A recording shows what was recorded."""

    def stop(self) -> None:
        """Nothing runs."""
