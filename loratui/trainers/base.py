"""What a trainer's file says about its output, so that the shared reader can read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from loratui.core.events import (
    Checkpoint,
    Config,
    Ended,
    Event,
    Phase,
    PhaseName,
    Removed,
    Resumed,
)
from loratui.core.facts import LossKind, SavesSaid
from loratui.trainers.reading.listing import Listing

Role = Literal["training", "epoch", "validation", "other"]
"""What a bar counts: training steps, epochs around them, steps of a validation, something else."""

Handler = Callable[[re.Match[str], int], Iterable[Event]]
"""Makes events of a matched line; gets the match and the line's byte offset."""


@dataclass(frozen=True, slots=True)
class Script:
    """A command line that starts a trainer; all that is given must hold.

    `name` is a pattern for the whole name of the Python file or installed command, or of the
    module behind ``-m``. `path` is searched in its full path, in lower case and with `/`. `flags`
    must all be given, of `one_of` one; `word` is a pattern for a whole argument. `beside` are
    folders next to the script. Of several that fit, the one with the greatest weight counts. A
    `starter` hands the training on to a process of its own.
    """

    name: str
    module: bool = False
    path: str = ""
    flags: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    word: str = ""
    beside: tuple[str, ...] = ()
    starter: bool = False
    weight: int = 10


class Trainer(ABC):
    """One trainer's command lines and console output.

    `scripts` are what it is started by.

    `metrics` maps a series name to the text before its value in the bar's postfix (a bytes
    pattern); `signs` are texts that only this trainer prints, with a weight (10 settles it);
    `rules` pair a pattern, searched in each line, with what it means; `starts` are the first
    lines that a fresh process prints unbuffered, `late_starts` such lines that buffering may
    delay, so that they alone do not prove a new run.

    `validation` is the text before the loss in the postfix of a bar whose role that is. `bars`
    pair the description of another bar with the phase it stands for, where it does not say so
    itself. `desc_epoch` finds `epoch` and `epochs` in the training bar's description. `steps` are
    lines that state a step (see `reading/steplines.py`), for trainers whose bar does not.
    `saves` says when a line about a checkpoint can be read (`core.facts.RunFacts`). `stopped` is
    an exception that means the user has ended the run, as `Type: message`.
    `survived` are texts in the line before or behind a traceback which say that the run goes on
    all the same. `evaluated` finds the results of a validation in a line, each with its `tag` (see
    `tags.py`) and `loss`. `listing` reads what is said of the images over several lines.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    scripts: ClassVar[tuple[Script, ...]] = ()
    loss_kind: ClassVar[LossKind] = "raw"
    metrics: ClassVar[Mapping[str, bytes]] = {}
    signs: ClassVar[tuple[tuple[str, int], ...]] = ()
    rules: ClassVar[tuple[tuple[str, Handler], ...]] = ()
    starts: ClassVar[tuple[str, ...]] = ()
    late_starts: ClassVar[tuple[str, ...]] = ()
    validation: ClassVar[bytes] = b""
    bars: ClassVar[tuple[tuple[str, PhaseName], ...]] = ()
    desc_epoch: ClassVar[str] = ""
    steps: ClassVar[tuple[str, ...]] = ()
    saves: ClassVar[SavesSaid] = "late"
    stopped: ClassVar[str] = r"^KeyboardInterrupt$"
    survived: ClassVar[tuple[str, ...]] = ()
    evaluated: ClassVar[str] = ""
    listing: ClassVar[type[Listing] | None] = None
    nested: ClassVar[bool] = False
    """True when the training bar restarts every epoch inside an epoch bar."""

    @abstractmethod
    def role(self, desc: str, postfix: bytes, job: str) -> Role:
        """What a bar with this description and postfix counts; `job` is the run's name if known."""

    @abstractmethod
    def weight(self, desc: str, postfix: bytes) -> int:
        """How surely a bar with this description and postfix is this trainer's (10 settles it)."""


# What rules are made of. Each names the group it reads from the pattern.


def phase(name: PhaseName) -> Handler:
    """The line announces a phase."""

    def handle(_found: re.Match[str], offset: int) -> Iterable[Event]:
        return (Phase("", offset, name),)

    return handle


def setting(option: str, kind: Callable[[str], object] = int) -> Handler:
    """The line states a setting in its group `value`."""

    def handle(found: re.Match[str], offset: int) -> Iterable[Event]:
        raw = found.group("value")
        try:
            return (Config("", offset, option, "", kind(raw), raw),)
        except ValueError:
            return ()

    return handle


def checkpoint(found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line names a file that is being saved in its group `path`."""
    return (
        Phase("", offset, "saving"),
        Checkpoint("", offset, found.group("path").strip()),
    )


def resumed(found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line says from what the run goes on, in its groups `path`, `step` and `epoch`.

    Without a step of its own the name of what was loaded may carry it: sd-scripts'
    ``name-step00000800-state`` and ``name-000004-state``, ``checkpoint-800``, OneTrainer's
    ``…-backup-800-4-0``.
    """
    said = found.groupdict()
    path = (said.get("path") or "").strip().rstrip("'\"")
    step, epoch = said.get("step"), said.get("epoch")
    if step is None and epoch is None:
        named = _SAVED_AT.search(path.replace("\\", "/").rstrip("/"))
        if named is not None:
            step = named.group("step") or named.group("saved") or named.group("numbered")
            epoch = named.group("epoch")
    yield Phase("", offset, "loading")
    yield Resumed("", offset, int(step) if step else None, int(epoch) if epoch else None, path)


_SAVED_AT = re.compile(
    r"step(?P<step>\d+)(?:-state)?$|-(?P<epoch>\d{6})-state$"
    r"|(?:checkpoint-|-backup-)(?P<saved>\d+)(?:-[-\w]*)?$|_(?P<numbered>\d{9})\.\w+$"
)


def removed(found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line names an old checkpoint that is being deleted in its group `path`.

    A group `paths` holds several, with commas between.
    """
    said = found.groupdict()
    for path in said["paths"].split(", ") if "paths" in said else [said["path"]]:
        yield Removed("", offset, path.strip())


def sample(_found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line says that sample images are being made."""
    return (Phase("", offset, "sampling"),)


def ended(how: Literal["finished", "failed", "killed", "stopped"]) -> Handler:
    """The line says that the process is over; a group `code` or `why` says more."""

    def handle(found: re.Match[str], offset: int) -> Iterable[Event]:
        said = found.groupdict()
        code, why = said.get("code"), said.get("why") or ""
        return (Ended("", offset, how, int(code) if code else None, why.strip()),)

    return handle


def exit_code(found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line states the process's exit code in its group `code`."""
    code = int(found.group("code"))
    how: Literal["finished", "failed", "killed", "stopped"] = "failed"
    if code in (0, -2, 130):
        how = "stopped" if code else "finished"
    elif code in (-9, -15, 137, 143):
        how = "killed"
    return (Ended("", offset, how, code, found.group().strip()),)


def finished(_found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line says that training is over and went well."""
    return Phase("", offset, "finished"), Ended("", offset, "finished")
