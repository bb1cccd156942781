"""What there is to read at a path: a console log, and the files of numbers beside it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from loratui.core.clock import Clock
from loratui.core.events import Metrics, SourceChange
from loratui.errors import LoratuiError

LOGS = ("console.log", "log.txt", "train.log", "training.log", "nohup.out", "output.log")
"""Names that a console's log usually has."""

DEEP, MANY = 5, 3000
"""How far below a run folder its files are looked for, and how many entries are looked at."""

NEAR = 900.0
"""Seconds that the last changes of a log and of its run's events may lie apart."""

_EVENTS = re.compile(r"events\.out\.tfevents\.(\d+)")
_TABLES = (".csv", ".jsonl")
_STATE = "trainer_state.json"
_LOSS_LOG = "loss_log.db"
_SHARED = frozenset((Path("/"), Path.home(), Path(tempfile.gettempdir())))
"""Folders in which anything may lie."""

_SKIPPED = frozenset((".git", "__pycache__", "node_modules", "_latent_cache", "_t_e_cache"))


class Follower(Protocol):
    """A file of numbers beside the log. `problems` are (place, sentence)."""

    name: str

    @property
    def problems(self) -> list[tuple[str, str]]: ...

    def poll(self) -> list[Metrics | SourceChange]: ...

    def share(self) -> float | None: ...

    def over(self) -> bool: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Found:
    """The log to read, if there is one, the files of numbers of the same run, and its folder."""

    log: Path | None = None
    numbers: list[Path] = field(default_factory=list)
    top: Path | None = None

    @property
    def folder(self) -> Path:
        """The run folder, in which a configuration may lie."""
        if self.top is not None:
            return self.top
        path = self.log or self.numbers[0]
        return path if path.is_dir() else path.parent

    @property
    def name(self) -> str:
        """What the run is known by."""
        return str(self.log or (self.numbers[0] if self.numbers else ""))


def look_at(path: Path) -> Found:
    """What stands at `path`: a log, a file of numbers, or a run folder with either.

    The numbers beside a log are looked for later: a folder may be large or slow. Raises
    LoratuiError when there is nothing to read.
    """
    if not path.is_dir():
        if is_numbers(path):
            return Found(None, [path])
        from loratui.sources.tail import check_readable

        check_readable(path)
        return Found(path)
    log = _newest_log(path)
    if log is not None:
        from loratui.sources.tail import check_readable

        check_readable(log)
        return Found(log, [], path)
    numbers = _of_one_run(list(_numbers_below(path)))
    if not numbers:
        raise LoratuiError(
            "Nothing to read",
            f"{path} holds no log (.log, log.txt, nohup.out) and no TensorBoard, CSV, JSONL or "
            "loss_log.db file.",
            "Name the file that the trainer's output goes to, or pipe it: TRAINER 2>&1 | loratui "
            "watch -",
        )
    return Found(None, numbers, path)


def beside(log: Path, folder: Path | None = None) -> list[Path]:
    """The files of numbers that belong to the run of `log`.

    They lie in its folder or below, and were written until about when the log was: whatever is
    older is another run's. Beside a log in no `folder` of its own there must be only one such
    run; which of several it is nothing tells.
    """
    place = folder or log.parent
    if folder is None and place.resolve() in _SHARED:
        return []
    try:
        written = log.stat().st_mtime
    except OSError:
        return []
    found = [p for p in _numbers_below(place) if _near(p, written)]
    runs = {path.parent for path in found if _EVENTS.search(path.name)}
    if folder is None and len({_top(path) for path in runs}) > 1:
        return []
    return _of_one_run(found)


def _top(path: Path) -> Path:
    """A folder of events without the ones that trackers make below it for hyperparameters."""
    return path.parent if re.fullmatch(r"\d{9,}\.\d+", path.name) else path


def is_numbers(path: Path) -> bool:
    """Whether the name is that of a TensorBoard, CSV, JSONL, state or loss_log.db file."""
    named = _EVENTS.search(path.name) is not None or path.name in (_STATE, _LOSS_LOG)
    return named or path.suffix.lower() in _TABLES


def follow(path: Path, clock: Clock | None = None) -> Follower:
    """A follower of a file of numbers, or of a folder of TensorBoard's with what is added to it."""
    if path.is_dir():
        from loratui.sources.tfevents import EventFolder

        return EventFolder(path, clock)
    if _EVENTS.search(path.name):
        from loratui.sources.tfevents import EventFile

        return EventFile(path, clock)
    if path.suffix == ".db":
        from loratui.sources.sqlite import LossLog

        return LossLog(path, clock)
    from loratui.sources.tables import open_table

    return open_table(path, clock)


def _newest_log(folder: Path) -> Path | None:
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise LoratuiError(
            "Not readable", f"{folder}: {error.strerror or error}.", "Check its permissions."
        ) from None
    logs = [p for p in names if p.is_file() and (p.suffix in (".log", ".out") or p.name in LOGS)]
    named = [p for p in logs if p.name in LOGS]
    return max(named or logs, key=lambda p: p.stat().st_mtime, default=None)


def _numbers_below(folder: Path) -> Iterator[Path]:
    """Files of numbers below a folder, bounded in depth and in number of entries."""
    left = MANY
    open_ = [(folder, 0)]
    while open_ and left > 0:
        place, depth = open_.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            continue
        for entry in entries:
            left -= 1
            if left <= 0:
                return
            try:
                if entry.is_symlink():
                    continue
                if entry.is_dir():
                    if depth < DEEP and entry.name not in _SKIPPED:
                        open_.append((entry, depth + 1))
                elif _is_log_of_numbers(entry):
                    yield entry
            except OSError:
                continue


def _is_log_of_numbers(path: Path) -> bool:
    """Like `is_numbers`, but in a run folder a table must be named as one of metrics."""
    if path.suffix.lower() in _TABLES:
        return "metric" in path.stem.lower() or path.stem.lower() in ("log", "training_log")
    return is_numbers(path)


def _near(path: Path, written: float) -> bool:
    try:
        return abs(path.stat().st_mtime - written) <= NEAR
    except OSError:
        return False


def _of_one_run(paths: list[Path]) -> list[Path]:
    """The folder of events that was begun last, and the newest of each other kind."""
    folders: dict[Path, int] = {}
    others: dict[str, Path] = {}
    for path in paths:
        found = _EVENTS.search(path.name)
        if found is not None:
            folders[path.parent] = max(folders.get(path.parent, 0), int(found.group(1)))
        else:
            known = others.get(path.name)
            if known is None or _changed(path) > _changed(known):
                others[path.name] = path
    chosen: list[Path] = []
    if folders:
        # a tracker keeps hyperparameters in a folder of their own below that of the scalars
        chosen = [max(folders, key=lambda place: (folders[place], -len(place.parts)))]
    return chosen + sorted(others.values())


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
