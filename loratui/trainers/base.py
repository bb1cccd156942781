"""What a trainer's file says about its output, so that the shared reader can read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Literal

from loratui.core.events import Checkpoint, Config, Ended, Event, Phase, PhaseName, Sample
from loratui.core.facts import LossKind

Role = Literal["training", "epoch", "other"]
"""What a progress bar counts: training steps, epochs around them, or something else."""

Handler = Callable[[re.Match[str], int], Iterable[Event]]
"""Makes events of a matched line; gets the match and the line's byte offset."""


class Trainer(ABC):
    """One trainer's console output.

    `metrics` maps a series name to the text before its value in the bar's postfix (a bytes
    pattern); `signs` are texts that only this trainer prints, with a weight (10 settles it);
    `rules` pair a pattern, searched in each line, with what it means; `starts` are the first
    lines that a fresh process prints unbuffered, `late_starts` such lines that buffering may
    delay, so that they alone do not prove a new run.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    loss_kind: ClassVar[LossKind] = "raw"
    metrics: ClassVar[Mapping[str, bytes]] = {}
    signs: ClassVar[tuple[tuple[str, int], ...]] = ()
    rules: ClassVar[tuple[tuple[str, Handler], ...]] = ()
    starts: ClassVar[tuple[str, ...]] = ()
    late_starts: ClassVar[tuple[str, ...]] = ()
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


def finished(_found: re.Match[str], offset: int) -> Iterable[Event]:
    """The line says that training is over and went well."""
    return Phase("", offset, "finished"), Ended("", offset, "finished")
