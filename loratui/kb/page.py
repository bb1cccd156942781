"""A page about a symptom or a finding as a list of blocks, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loratui.core.advice import Fix, PatchLine
from loratui.core.findings import Finding
from loratui.core.units import rate, whole

Role = Literal[
    "title", "note", "text", "seen", "clear", "fix", "patch", "caveat", "detail", "link", "source"
]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that a page says.

    `label` stands in the margin at the start of a section, `mark` before the text (a number, a
    dot), `aside` against the right edge. Blocks with the same `target` (``fix:ID``,
    ``symptom:ID``) are one item. A `folded` block is shown once its item is opened.
    """

    role: Role
    text: str
    label: str = ""
    mark: str = ""
    aside: str = ""
    target: str = ""
    folded: bool = False


def value_text(value: object) -> str:
    """A setting's value as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return rate(value)
    return str(value)


def patch_text(patch: PatchLine) -> str:
    """``unet_lr  2e-4 → 1e-4``, with where it stands when that is known."""
    after = "remove it" if patch.after is None else value_text(patch.after)
    change = after if patch.before is None else f"{value_text(patch.before)} → {after}"
    text = f"{patch.key}  {change}"
    if patch.file:
        text += f"   {patch.file}" + (f":{patch.line}" if patch.line else "")
    return text


def fix_blocks(number: int, fix: Fix) -> list[Block]:
    """A fix with its patch and caveat; cost, proof and source are folded."""
    target = f"fix:{fix.id}"
    aside = " · ".join(part for part in (fix.priority, fix.effort) if part)
    blocks = [Block("fix", fix.text, mark=str(number), aside=aside, target=target)]
    blocks += [Block("patch", patch_text(patch), target=target) for patch in fix.patch]
    if fix.caveat:
        blocks.append(Block("caveat", fix.caveat, mark="!", target=target))
    details = (("costs", fix.cost), ("worked if", fix.verify), ("source", fix.source))
    blocks += [
        Block("detail", f"{name}: {text}", target=target, folded=True)
        for name, text in details
        if text
    ]
    return blocks


def copied(fix: Fix) -> str:
    """A fix as plain lines for the clipboard."""
    return "\n".join([fix.text, *(patch_text(patch) for patch in fix.patch)])


def seen_blocks(finding: Finding) -> list[Block]:
    """What the run shows, with its numbers."""
    blocks = [Block("seen", finding.summary, mark="●")] if finding.summary else []
    return blocks + [
        Block("text", evidence.text, mark="·")
        for evidence in finding.evidence
        if evidence.text and evidence.text != finding.summary
    ]


def since_text(finding: Finding) -> str:
    """``this run, since 1 010`` or that it is over."""
    text = "this run"
    if finding.state == "resolved":
        text = "earlier in this run, gone now"
    if finding.first_step is not None:
        text += f", since step {whole(finding.first_step)}"
    return text


def labelled(label: str, blocks: list[Block]) -> list[Block]:
    """Blocks with the section's name beside the first."""
    if not blocks:
        return []
    first = blocks[0]
    head = Block(first.role, first.text, label, first.mark, first.aside, first.target, first.folded)
    return [head, *blocks[1:]]
