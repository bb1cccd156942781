"""A fix as it is shown: the general rule made concrete for one user's run."""

from __future__ import annotations

from dataclasses import dataclass

from loratui.core.units import whole


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


@dataclass(frozen=True, slots=True)
class Stopping:
    """Between which steps the best checkpoint is to be expected, and why.

    `low` and `high` are None where nothing bounds the range; `checkpoints` are files in it.
    """

    low: int | None = None
    high: int | None = None
    reasons: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()

    @property
    def span(self) -> str:
        """``steps 800 to 1 600``, ``up to step 800``, ``from step 800``; empty without a bound."""
        if self.low is not None and self.high is not None:
            return f"steps {whole(self.low)} to {whole(self.high)}"
        if self.high is not None:
            return f"up to step {whole(self.high)}"
        return f"from step {whole(self.low)}" if self.low is not None else ""

    @property
    def files(self) -> str:
        """The names of the checkpoints in the range: the first, the last, and how many."""
        paths = (path.replace("\\", "/").rstrip("/") for path in self.checkpoints)
        names = [path.rsplit("/", 1)[-1] for path in paths]
        if len(names) > 2:
            return f"{names[0]} … {names[-1]} ({len(names)} files)"
        return " and ".join(names)
