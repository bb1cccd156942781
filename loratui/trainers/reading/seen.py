"""What was recognised in a console, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field

MANY = 3
"""Bars of something else that are kept by name."""


@dataclass(slots=True)
class Seen:
    """`bar` is the training bar's description, None without one; `stated` says that lines named a
    step and its loss. `fields` are the names of series as they came, `lines` the lines of text,
    `others` descriptions of bars that were not the training's.
    """

    bar: str | None = None
    stated: bool = False
    fields: dict[str, None] = field(default_factory=dict)
    lines: int = 0
    others: dict[str, None] = field(default_factory=dict)

    def aside(self, desc: str) -> None:
        """A bar that counts something else."""
        if desc and len(self.others) < MANY:
            self.others[desc] = None
