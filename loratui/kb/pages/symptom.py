"""The page of a symptom: meaning, evidence, fixes made concrete, proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from loratui.core.advice import Fix, PatchLine
from loratui.core.facts import RunFacts
from loratui.core.findings import Finding
from loratui.core.units import whole
from loratui.kb import resolve
from loratui.kb.pages.blocks import Block, labelled, patch_text, value_text
from loratui.kb.pages.case import Case, Trial
from loratui.kb.pages.figure import figure_blocks

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Check, FixRule, PatchRule, Proof


def symptom_page(base: KnowledgeBase, id: str, case: Case) -> list[Block]:
    """The page of a symptom, or of a finding for which there is none."""
    symptom = base.symptoms.get(id)
    finding = case.finding
    if symptom is None:
        return _finding_only(id, case)
    rules = {rule.id: rule for rule in symptom.fixes}
    blocks = [_title(symptom.title, finding), Block("meaning", symptom.meaning)]
    checks = labelled("Check", [_check(check, case) for check in symptom.check])
    causes = [Block("text", cause, mark="·") for cause in symptom.causes]
    checks += labelled("Causes", causes)
    if finding is not None:  # what is seen needs no checking: the fixes come first
        blocks += labelled("Seen", seen_blocks(finding))
        blocks += chart_blocks(finding)
        if finding.now and finding.state == "firing":
            blocks += labelled("Now", [Block("seen", finding.now, mark="▸")])
    else:
        blocks += checks
    fixes = tuple(
        replace(
            fix,
            # what the page says below need not stand under every fix
            verify="" if fix.verify == symptom.verify.passes else fix.verify,
            source="" if len(symptom.sources) == 1 and rules[fix.id].source in symptom.sources
            else fix.source,
        )
        if fix.id in rules else fix
        for fix in fixes_for(base, id, case)
    )  # fmt: skip
    blocks += labelled("Fix", _numbered(fixes, rules, id, case))
    blocks += _proof(symptom.verify)
    if finding is not None:
        blocks += labelled("Rule", rule_blocks(base, finding))
        blocks += checks
    blocks += labelled("Figures", figure_blocks(base, symptom.figures, case))
    return blocks


def fixes_for(base: KnowledgeBase, id: str, case: Case) -> tuple[Fix, ...]:
    """The fixes of a symptom for the case; where a value is not known, the rule as it stands."""
    if case.fixes:
        return case.fixes
    if case.finding is not None and case.finding.fixes:
        return case.finding.fixes
    return symptom_fixes(base, id, case.facts)


def _title(title: str, finding: Finding | None) -> Block:
    aside = f"evidence: {since_text(finding)}" if finding is not None else ""
    return Block("title", title, aside=aside)


def _finding_only(id: str, case: Case) -> list[Block]:
    finding = case.finding
    if finding is None:
        return [Block("title", id), Block("note", "The knowledge base has no page of this name.")]
    blocks = [_title(finding.title or finding.id, finding)]
    blocks += labelled("Seen", seen_blocks(finding))
    return blocks + labelled("Fix", _numbered(case.fixes or finding.fixes, {}, id, case))


def _proof(proof: Proof) -> list[Block]:
    """The test that shows the cure: what to generate and what must be seen."""
    parts = []
    if proof.images is not None:
        parts.append(f"{proof.images} image{'s' if proof.images != 1 else ''}")
    if proof.strength:
        parts.append(f"at strength {proof.strength}")
    blocks = [Block("text", proof.passes, "Cured if")]
    if parts:
        blocks.insert(0, Block("text", f"Generate {' '.join(parts)}.", "Test"))
    prompts = " · ".join(f"“{prompt}”" for prompt in proof.prompts)
    if prompts:
        block = Block("text", f"Prompts: {prompts}", "" if parts else "Test")
        blocks.insert(len(blocks) - 1, block)
    return blocks


def _check(check: Check, case: Case) -> Block:
    if check.auto is not None and check.auto in case.firing:
        return Block("seen", check.text, mark="●", aside="seen in this run")
    state, evidence = case.judged.get(check.auto or "", ("", ""))
    if state == "done":
        return Block("good", check.text, mark="✔", aside=evidence or "not in this run")
    return Block("text", check.text, mark="·")


# -- fixes ---------------------------------------------------------------------------------------


def _numbered(
    fixes: Sequence[Fix], rules: Mapping[str, FixRule], symptom: str, case: Case
) -> list[Block]:
    blocks: list[Block] = []
    for number, fix in enumerate(fixes, 1):
        diagnosis = rules[fix.id].diagnosis if fix.id in rules else ""
        trials = [t for t in case.trials if (t.symptom, t.fix) == (symptom, fix.id)]
        blocks += fix_blocks(number, fix, diagnosis, trials[-1] if trials else None, case)
    return blocks


def fix_blocks(
    number: int, fix: Fix, diagnosis: str = "", trial: Trial | None = None, case: Case | None = None
) -> list[Block]:
    """A fix with its patch and caveat; cost, proof and source are folded."""
    target = f"fix:{fix.id}"
    aside = " · ".join(part for part in (fix.priority, fix.effort) if part)
    mark = str(number)
    if trial is not None:
        mark, aside = "✔", f"tried {trial.day}"
    blocks = [Block("fix", fix.text, mark=mark, aside=aside, target=target)]
    if trial is not None:
        blocks += [Block("detail", f"your note: {trial.note}", target=target)] if trial.note else []
        outcome = _outcome(trial, case)
        blocks += [Block("detail", outcome, target=target)] if outcome else []
    blocks += [Block("patch", patch_text(patch), target=target) for patch in fix.patch]
    if diagnosis:
        blocks.append(Block("detail", f"if: {diagnosis}", target=target))
    if fix.caveat:
        blocks.append(Block("caveat", fix.caveat, mark="!", target=target))
    details = (("costs", fix.cost), ("worked if", fix.verify), ("source", fix.source))
    blocks += [
        Block("detail", f"{name}: {text}", target=target, folded=True)
        for name, text in details
        if text
    ]
    return blocks + [
        Block("command", f"$ {command}", target=f"command:{fix.id}:{at}")
        for at, command in enumerate(fix.commands)
    ]


def _outcome(trial: Trial, case: Case | None) -> str:
    """Whether the finding went away in a later run than the one in which the fix was tried."""
    if case is None or not case.run or case.run == trial.run:
        return ""
    if any(found.symptom == trial.symptom and found.state == "firing" for found in case.findings):
        return "the run that is shown now still has it"
    return "not seen so far in the run that is shown now"


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
    if patch.op == "keep-product":
        return f"raise it as {patch.value} falls"
    words = {"multiply": "×", "at-most": "at most", "at-least": "at least"}
    return f"{words[patch.op]} {value_text(patch.value)}"


def copied(fix: Fix) -> str:
    """A fix as plain lines for the clipboard."""
    return "\n".join([fix.text, *(patch_text(patch) for patch in fix.patch), *fix.commands])


# -- evidence ------------------------------------------------------------------------------------


def seen_blocks(finding: Finding) -> list[Block]:
    """What the run shows, with its numbers."""
    blocks = [Block("seen", finding.summary, mark="●")] if finding.summary else []
    blocks += [Block("seen", cause, mark="←") for cause in finding.causes]
    return blocks + [
        Block("text", evidence.text, mark="·")
        for evidence in finding.evidence
        if evidence.text and evidence.text != finding.summary
    ]


def chart_blocks(finding: Finding) -> list[Block]:
    """The curve that a finding was seen in."""
    for evidence in finding.evidence:
        data = evidence.data
        steps, values = data.get("steps"), data.get("values")
        if evidence.kind != "series" or not isinstance(steps, list) or not steps:
            continue
        if not isinstance(values, list) or len(values) != len(steps):
            continue
        points = tuple((int(step), float(value)) for step, value in zip(steps, values, strict=True))
        name = str(data.get("name") or "loss")
        return [Block("chart", name, points=points, onset=finding.first_step)]
    return []


def rule_blocks(base: KnowledgeBase, finding: Finding) -> list[Block]:
    """When the program says so, and when that is a mistake."""
    known = base.findings.get(finding.id)
    texts = (known.rule, known.wrong) if known is not None else ()
    return [Block("text", text, mark="·") for text in texts if text]


def since_text(finding: Finding) -> str:
    """``this run, since step 1 010``, or that it is over."""
    text = "this run" if finding.state == "firing" else "earlier in this run, gone now"
    if finding.first_step is not None:
        text += f", since step {whole(finding.first_step)}"
    return text
