"""Verdicts of detectors and the findings that the session makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from loratui.core.advice import Fix


class Severity(IntEnum):
    """How bad: worth knowing, costs quality or time, no usable result, stop now."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen. `data` holds JSON values: steps, numbers, path, offset, line."""

    kind: Literal["series", "log", "file", "config", "image", "number"]
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector says after a batch.

    `numbers` fill the sentences of `knowledge/findings.yaml`; detectors hold no advice text.
    `since` is the step at which the trouble begins. `reason` names, for "too-early" and
    "cannot-tell", the sentence that explains it (a key of the finding's `reasons`).
    `severity` overrides the catalogue's default.
    """

    state: Literal["firing", "clear", "too-early", "cannot-tell"]
    since: int | None = None
    confidence: float = 1.0
    severity: Severity | None = None
    numbers: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""


CLEAR = Verdict("clear")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its evidence, words and fixes, as screens and JSON show it.

    `causes` say what lies behind it, joined from other findings and settings; `silenced_by` names
    the finding of which it is only a consequence; `now` says what to do with the run at once.
    """

    id: str
    severity: Severity
    state: Literal["firing", "resolved"]
    first_step: int | None = None
    fired_step: int | None = None
    last_step: int | None = None
    confidence: float = 1.0
    title: str = ""
    summary: str = ""
    evidence: tuple[Evidence, ...] = ()
    numbers: Mapping[str, object] = field(default_factory=dict)
    symptom: str | None = None
    fixes: tuple[Fix, ...] = ()
    acknowledged: bool = False
    causes: tuple[str, ...] = ()
    silenced_by: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that cannot be answered yet, or not from this signal at all."""

    id: str
    state: Literal["too-early", "cannot-tell"]
    question: str
    why: str
