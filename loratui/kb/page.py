"""Pages about symptoms, findings and checklists as blocks, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from loratui.core.advice import Fix, PatchLine
from loratui.core.facts import RunFacts
from loratui.core.findings import Finding
from loratui.core.units import rate, whole
from loratui.kb import resolve

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Check, FixRule, PatchRule, Symptom

Role = Literal[
    "title", "note", "meaning", "text", "seen", "fix", "patch", "caveat", "detail", "link",
    "source",
]  # fmt: skip


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


# -- pages ---------------------------------------------------------------------------------------


def symptom_page(
    base: KnowledgeBase,
    id: str,
    finding: Finding | None = None,
    fixes: Sequence[Fix] | None = None,
    firing: frozenset[str] = frozenset(),
) -> list[Block]:
    """The page of a symptom, or of a finding for which there is none.

    `fixes` are those made concrete for the user's run; without them the rules are shown as they
    stand. `firing` are the ids of findings that the run shows now.
    """
    symptom = base.symptoms.get(id)
    if symptom is None:
        return _finding_only(id, finding, fixes)
    rules = {rule.id: rule for rule in symptom.fixes}
    if fixes is None:
        fixes = finding.fixes if finding is not None else ()
    fixes = fixes or symptom_fixes(base, id, RunFacts())
    blocks = _head(symptom.title, finding)
    blocks.append(Block("meaning", symptom.meaning))
    checks = seen_blocks(finding) if finding is not None else []
    checks += [_check(check, firing) for check in symptom.check]
    blocks += labelled("Check", checks)
    blocks += labelled("Causes", [Block("text", cause, mark="·") for cause in symptom.causes])
    blocks += labelled("Fix", _numbered(fixes, rules))
    blocks.append(Block("text", symptom.verify, "Cured if"))
    blocks += labelled("Related", _links(base, symptom))
    sources = [Block("source", base.cite(reference)) for reference in symptom.sources]
    return blocks + labelled("Source", sources)


def _head(title: str, finding: Finding | None) -> list[Block]:
    aside = f"evidence: {since_text(finding)}" if finding is not None else ""
    return [Block("title", title, aside=aside)]


def _finding_only(id: str, finding: Finding | None, fixes: Sequence[Fix] | None) -> list[Block]:
    if finding is None:
        return [Block("title", id), Block("note", "The knowledge base has no page of this name.")]
    blocks = _head(finding.title or finding.id, finding)
    blocks += labelled("Check", seen_blocks(finding))
    return blocks + labelled("Fix", _numbered(fixes or finding.fixes, {}))


def _numbered(fixes: Sequence[Fix], rules: Mapping[str, FixRule]) -> list[Block]:
    return [
        block
        for number, fix in enumerate(fixes, 1)
        for block in fix_blocks(number, fix, rules[fix.id].diagnosis if fix.id in rules else "")
    ]


def _check(check: Check, firing: frozenset[str]) -> Block:
    if check.auto is not None and check.auto in firing:
        return Block("seen", check.text, mark="●", aside="seen in this run")
    return Block("text", check.text, mark="·")


def _links(base: KnowledgeBase, symptom: Symptom) -> list[Block]:
    return [
        Block("link", base.symptoms[name].title, mark="→", target=f"symptom:{name}")
        for name in symptom.related
        if name in base.symptoms
    ]


# -- parts ---------------------------------------------------------------------------------------


def fix_blocks(number: int, fix: Fix, diagnosis: str = "") -> list[Block]:
    """A fix with its patch and caveat; cost, proof and source are folded."""
    target = f"fix:{fix.id}"
    aside = " · ".join(part for part in (fix.priority, fix.effort) if part)
    blocks = [Block("fix", fix.text, mark=str(number), aside=aside, target=target)]
    blocks += [Block("patch", patch_text(patch), target=target) for patch in fix.patch]
    if diagnosis:
        blocks.append(Block("detail", f"if: {diagnosis}", target=target))
    if fix.caveat:
        blocks.append(Block("caveat", fix.caveat, mark="!", target=target))
    details = (("costs", fix.cost), ("worked if", fix.verify), ("source", fix.source))
    return blocks + [
        Block("detail", f"{name}: {text}", target=target, folded=True)
        for name, text in details
        if text
    ]


def symptom_fixes(base: KnowledgeBase, id: str, facts: RunFacts) -> tuple[Fix, ...]:
    """The fixes of a symptom for a run; where a value is not known, the rule as it stands."""
    symptom = base.symptoms.get(id)
    if symptom is None:
        return ()
    rules = {rule.id: rule for rule in symptom.fixes}
    return tuple(
        fix if fix.patch else replace(fix, patch=_rule_patch(base, rules[fix.id], facts))
        for fix in resolve.fixes(base, symptom, facts)
    )


def _rule_patch(base: KnowledgeBase, rule: FixRule, facts: RunFacts) -> tuple[PatchLine, ...]:
    return tuple(
        PatchLine(patch.option, key, None, _change(patch))
        for patch in rule.patch
        if (key := base.key(patch.option, facts.trainer)) is not None
        and not (patch.option in resolve.RATES and resolve.adaptive(facts))
    )


def _change(patch: PatchRule) -> object:
    if patch.op == "set":
        return patch.value
    words = {"multiply": "×", "at-most": "at most", "at-least": "at least"}
    return f"{words[patch.op]} {value_text(patch.value)}"


def seen_blocks(finding: Finding) -> list[Block]:
    """What the run shows, with its numbers."""
    blocks = [Block("seen", finding.summary, mark="●")] if finding.summary else []
    return blocks + [
        Block("text", evidence.text, mark="·")
        for evidence in finding.evidence
        if evidence.text and evidence.text != finding.summary
    ]


def labelled(label: str, blocks: list[Block]) -> list[Block]:
    """Blocks with the section's name beside the first."""
    return [replace(blocks[0], label=label), *blocks[1:]] if blocks else []


# -- words ---------------------------------------------------------------------------------------


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


def copied(fix: Fix) -> str:
    """A fix as plain lines for the clipboard."""
    return "\n".join([fix.text, *(patch_text(patch) for patch in fix.patch)])


def since_text(finding: Finding) -> str:
    """``this run, since step 1 010``, or that it is over."""
    text = "this run" if finding.state == "firing" else "earlier in this run, gone now"
    if finding.first_step is not None:
        text += f", since step {whole(finding.first_step)}"
    return text
