"""The files of numbers beside a log, polled together; new ones are noticed while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loratui.core.clock import Clock, SystemClock
from loratui.core.events import Batch, Checkpoint, Metrics, Sample, SourceChange
from loratui.engine.attach import Follower, Found, beside, follow
from loratui.sources.artefacts import Artefacts
from loratui.sources.base import Source
from loratui.sources.tail import Tail
from loratui.trainers.artefacts import named

LOOK = 30.0
"""Seconds between looks for files that a trainer begins to write later than its log."""

_IDLE = 2
"""Polls without anything new after which a finished file is read."""


class Followers:
    """All files of numbers of one run.

    `left` is true until all that was there at the start has been read; `void` once a file was
    written anew, so that what it said before no longer counts.
    """

    def __init__(
        self,
        numbers: Sequence[Path],
        log: Path | None = None,
        clock: Clock | None = None,
        folder: Path | None = None,
        output: Artefacts | None = None,
        *,
        certain: bool = False,
    ) -> None:
        self._output = output
        self._certain = certain  # the folder was named by the run itself
        self._clock = clock or SystemClock()
        self._log = log
        self._folder = folder
        self._looked = float("-inf")
        self._idle = 0
        self._told: list[tuple[str, str]] = []
        self.void = False
        self.files: list[Follower] = [follow(path, self._clock) for path in numbers]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(place, sentence) for everything that could not be read."""
        return [*self._told, *(problem for file in self.files for problem in file.problems)]

    @property
    def left(self) -> bool:
        return (self._log is not None or bool(self.files)) and self._idle < _IDLE

    def files_written(self) -> list[Checkpoint | Sample]:
        """Checkpoints and samples that have appeared in the run's output since the last poll."""
        found: list[Checkpoint | Sample] = []
        for file in self._output.poll() if self._output is not None else ():
            what = named(file.path)
            if what is not None and what.kind == "checkpoint":
                found.append(Checkpoint(file.path, 0, file.path, what.step, file.size))
            elif what is not None:
                found.append(Sample(file.path, 0, what.step))
        return found

    def watches(self, output: object) -> bool:
        """Whether the folder that the run saves to is known to be watched."""
        if self._output is None:
            return False
        if self._certain:
            return True
        path = Path(output) if isinstance(output, str) and output else None
        if path is None or not path.is_absolute():
            return False
        return any(path == place or place in path.parents for place in self._output.folders)

    def poll(self, now: float) -> list[Metrics]:
        """The points that came since the last poll."""
        if self._log is not None and not self.files and now - self._looked >= LOOK:
            self._looked = now
            found_now = beside(self._log, self._folder)
            self.files = [follow(path, self._clock) for path in found_now]
        found: list[Metrics] = []
        for file in self.files:
            for item in file.poll():
                if isinstance(item, Metrics):
                    found.append(item)
                else:
                    self._note(item)
        waiting = found or self.share() is not None
        self._idle = 0 if waiting else self._idle + 1
        return found

    def share(self) -> float | None:
        """How much of what was there at the start has been read; None once all is."""
        shares = [share for file in self.files if (share := file.share()) is not None]
        return min(shares, default=None)

    def renew(self) -> None:
        """Another run has begun in the same log: look for its own files."""
        if self._log is not None:
            self.close()
            self.files = []
            self._looked = float("-inf")

    def close(self) -> None:
        for file in self.files:
            file.close()

    def _note(self, change: SourceChange) -> None:
        self.void = self.void or change.kind in ("truncated", "replaced")
        self._told = [told for told in self._told if told[0] != change.source]
        if change.kind != "back" and change.detail:
            self._told.append((change.source, change.detail))


class Silence:
    """Stands where a run has no console log: its files of numbers say everything."""

    def __init__(self, name: str, followers: Followers) -> None:
        self.name = name
        self._followers = followers

    def poll(self) -> list[Batch | SourceChange]:
        return []

    def share(self) -> float | None:
        return None

    def over(self) -> bool:
        return False

    def close(self) -> None:
        self._followers.close()


def opened(
    found: Found, clock: Clock | None = None, output: Artefacts | None = None
) -> tuple[Source, Followers]:
    """The source of a run's console, silence where there is none, and the files beside it.

    Of a run folder the files are watched that appear from now on: which of the older ones are
    this run's nothing tells.
    """
    clock = clock or SystemClock()
    certain = output is not None
    if output is None and found.top is not None:
        output = Artefacts([found.top], clock.now(), clock)
    followers = Followers(found.numbers, found.log, clock, found.top, output, certain=certain)
    if found.log is not None and found.log.suffix == ".ipynb":
        from loratui.sources.cells import Cells

        return Cells(found.log, clock), followers
    if found.log is not None:
        return Tail(found.log, clock), followers
    return Silence(found.name, followers), followers
