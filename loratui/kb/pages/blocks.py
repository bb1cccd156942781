"""What a page is made of, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from loratui.core.advice import PatchLine
from loratui.core.units import rate

Role = Literal[
    "title", "note", "meaning", "heading", "para", "text", "seen", "good", "failed", "fix", "patch",
    "command", "caveat", "detail", "link", "table", "example", "source",
    "chart",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that a page says.

    `label` stands in the margin at the start of a section, `mark` before the text (a number, a
    dot), `aside` against the right edge. Blocks with the same `target` (``fix:ID``, ``page:ID``,
    ``item:ID``, ``command:FIX:N``, ``fold:NAME``) are one item. A `folded` block is shown once
    the item `under`, or its own, is opened. A table holds `rows`, the first of them its heading.
    `flush` leaves no room for a label at the left. A chart names its series in `text` and holds
    the `points` (step, value) that were concluded from it, and the step of the `onset`.
    """

    role: Role
    text: str
    label: str = ""
    mark: str = ""
    aside: str = ""
    target: str = ""
    folded: bool = False
    under: str = ""
    flush: bool = False
    rows: tuple[tuple[str, ...], ...] = ()
    points: tuple[tuple[int, float], ...] = ()
    onset: int | None = None


def labelled(label: str, blocks: Sequence[Block]) -> list[Block]:
    """Blocks with the section's name beside the first."""
    return [replace(blocks[0], label=label), *blocks[1:]] if blocks else []


def value_text(value: object) -> str:
    """A setting's value as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return rate(value)
    return str(value)


def patch_text(patch: PatchLine) -> str:
    """``unet_lr  2e-4 → 1e-4``, with where it stands when that is known."""
    values = [value_text(value) for value in (patch.before, patch.after) if value is not None]
    text = f"{patch.key}  {' → '.join(values)}"
    if patch.file:
        text += f"   {patch.file}" + (f":{patch.line}" if patch.line else "")
    return text
