"""A fix as it is shown: the general rule made concrete for one user's run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PatchLine:
    """One change of one option, in the trainer's own key.

    `before` is None when the user's value is not known; `file` and `line` when it was read from
    the log and not from a configuration file.
    """

    option: str
    key: str
    before: object | None
    after: object | None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix: what to do, how much work, what it costs, how to see that it worked.

    `commands` are lines for a shell.
    """

    id: str
    text: str
    effort: str = "minutes"
    priority: str = ""
    cost: str = ""
    verify: str = ""
    caveat: str | None = None
    source: str = ""
    patch: tuple[PatchLine, ...] = ()
    commands: tuple[str, ...] = ()
