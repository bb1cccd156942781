"""What flows from a source through a trainer's reader into the session.

Every value is frozen and says where it came from: `source` (a path, or ``-``) and `offset`
(byte offset in that source), so that any claim can be traced back to its line. They are named
tuples and not data classes because sixteen of those take a noticeable part of the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

PhaseName = Literal[
    "loading", "caching", "training", "sampling", "saving", "validating", "finished"
]
Level = Literal["", "info", "warning", "error"]


class Batch(NamedTuple):
    """Bytes as a source read them, cut anywhere.

    `time` is the wall clock in seconds at which they were read (for a recording: were written).
    `fresh` is true when the bytes arrived while we watched, false for what was there before.
    """

    source: str
    offset: int
    data: bytes
    time: float
    fresh: bool = False


class SourceChange(NamedTuple):
    """Something happened to the source itself; `detail` is a sentence for the user."""

    source: str
    kind: Literal["truncated", "replaced", "gone", "back", "unreadable", "end"]
    time: float
    detail: str = ""


class LogLine(NamedTuple):
    """A line of output that is not progress, without prefixes, escapes and wrapping.

    `traced` lines belong to a traceback, which comes as a `Failure` as well.
    """

    source: str
    offset: int
    text: str
    level: Level = ""
    traced: bool = False


class Progress(NamedTuple):
    """The newest state of the training bar. `elapsed` is the bar's own clock in seconds.

    `loss` and `lr` are what the bar shows at this moment: good for a status line, while `Metrics`
    hold each step once and with its own value.
    """

    source: str
    offset: int
    step: int
    total: int | None = None
    elapsed: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    lr: float | None = None


class Metrics(NamedTuple):
    """One series as columns of equal length, steps ascending within one event.

    Names: ``loss`` ``smooth_loss`` ``lr`` ``grad_norm`` ``val_loss`` ``elapsed`` (seconds on the
    bar's own clock). Values may be NaN or infinite.
    """

    source: str
    offset: int
    name: str
    steps: Sequence[int]
    values: Sequence[float]
    offsets: Sequence[int] = ()


class Phase(NamedTuple):
    """The trainer began something; `step` is the last training step seen before it."""

    source: str
    offset: int
    name: PhaseName
    step: int | None = None
    detail: str = ""


class Checkpoint(NamedTuple):
    """A checkpoint that the log says was written, or that appeared; `size` in bytes if known."""

    source: str
    offset: int
    path: str
    step: int | None = None
    size: int | None = None


class Removed(NamedTuple):
    """An old checkpoint that the log says was deleted."""

    source: str
    offset: int
    path: str


class Sample(NamedTuple):
    """Sample images that the log says were generated."""

    source: str
    offset: int
    step: int | None = None


class Config(NamedTuple):
    """A setting as the log shows it.

    `key` is the trainer's own key; `option` our name for it, or empty when only the key is known.
    """

    source: str
    offset: int
    option: str
    key: str
    value: object
    raw: str = ""


class Failure(NamedTuple):
    """A traceback. `frames` are "file:line function", innermost last; `rank` if one was printed."""

    source: str
    offset: int
    type: str
    message: str
    frames: tuple[str, ...] = ()
    rank: int | None = None


class Resumed(NamedTuple):
    """The run goes on with an earlier one.

    `step` is the step at which that one was saved, `epoch` the same in epochs, each None where it
    is not said; `path` is what was loaded.
    """

    source: str
    offset: int
    step: int | None = None
    epoch: int | None = None
    path: str = ""


class Counting(NamedTuple):
    """The training bar begins to count, at `first`.

    `proven` is true where that is the run's own beginning and not that of a log cut in the middle:
    what a trainer prints before it was read, and the bar's clock stands at zero.
    """

    source: str
    offset: int
    first: int
    proven: bool = False


class RunBegan(NamedTuple):
    """A new run begins at `offset`; what stands before it belongs to an earlier one.

    The event may come later than lines of the new run: a beginning is sometimes only certain once
    the bar restarts.
    """

    source: str
    offset: int
    name: str = ""


class Ended(NamedTuple):
    """The log itself says that the process is over. `code` is its exit code where known."""

    source: str
    offset: int
    how: Literal["finished", "failed", "killed", "stopped"]
    code: int | None = None
    detail: str = ""


Event = (
    LogLine
    | Progress
    | Metrics
    | Phase
    | Checkpoint
    | Removed
    | Sample
    | Config
    | Failure
    | Resumed
    | Counting
    | RunBegan
    | Ended
)
