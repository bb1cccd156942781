"""What a trainer's file says about its output, so that the shared reader can read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Literal

from loratui.core.events import Checkpoint, Config, Ended, Event, Phase, PhaseName, Sample
from loratui.core.facts import LossKind

Role = Literal["training", "epoch", "validation", "other"]
"""What a bar counts: training steps, epochs around them, steps of a validation, something else."""

Handler = Callable[[re.Match[str], int], Iterable[Event]]
"""Makes events of a matched line; gets the match and the line's byte offset."""


class Trainer(ABC):
    """One trainer's console output.

    `metrics` maps a series name to the text before its value in the bar's postfix (a bytes
    pattern); `signs` are texts that only this trainer prints, with a weight (10 settles it);
    `rules` pair a pattern, searched in each line, with what it means; `starts` are the first
    lines that a fresh process prints unbuffered, `late_starts` such lines that buffering may
    delay, so that they alone do not prove a new run.

    `validation` is the text before the loss in the postfix of a bar whose role that is. `bars`
    pair the description of another bar with the phase it stands for, where it does not say so
    itself. `desc_epoch` finds `epoch` and `epochs` in the training bar's description. `steps` are
    lines that state a step (see `reading/steplines.py`), for trainers whose bar does not.
    `stopped` is an exception that means the user has ended the run, as `Type: message`.
    """

    id: ClassVar[str]
    title: ClassVar[str]
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
    stopped: ClassVar[str] = r"^KeyboardInterrupt$"
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


def sample(_found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line says that sample images are being made."""
    return Phase("", offset, "sampling"), Sample("", offset)


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
