"""From a finding to words and fixes: fills sentences, chooses fixes, computes values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from loratui.core.advice import Fix, PatchLine
from loratui.core.facts import ConfigValue, RunFacts

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import FixRule, PatchRule, Symptom, When

RATES = ("learning_rate", "unet_lr", "text_encoder_lr")
"""Options that an adaptive optimizer wants left at 1.0."""

_ADAPTIVE = ("prodigy", "dadapt", "d-adapt")
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_SPACES = re.compile(r"  +")


def describe(
    kb: KnowledgeBase, finding_id: str, numbers: Mapping[str, object]
) -> tuple[str, str, str | None]:
    """Title, filled summary and symptom of a finding; an unknown id is its own title."""
    known = kb.findings.get(finding_id)
    if known is None:
        return finding_id.replace("-", " ").capitalize(), "", None
    template = known.summary or ""
    for variant in known.variants:
        if _holds(variant.when, numbers):
            template = variant.summary
            break
    symptom = known.symptom if known.symptom in kb.symptoms else None
    return known.title, fill(template, numbers), symptom


def undecided(
    kb: KnowledgeBase, finding_id: str, reason: str, numbers: Mapping[str, object]
) -> tuple[str, str]:
    """The question of a finding and why it has no answer; both empty when there is no such text."""
    known = kb.findings.get(finding_id)
    if known is None or reason not in known.reasons:
        return "", ""
    return known.question, fill(known.reasons[reason], numbers)


def recommend(
    kb: KnowledgeBase, finding_id: str, facts: RunFacts, numbers: Mapping[str, object]
) -> tuple[Fix, ...]:
    """The fixes for a finding that fit this run, cheapest first, with concrete values."""
    known = kb.findings.get(finding_id)
    symptom = kb.symptoms.get(known.symptom) if known is not None and known.symptom else None
    return fixes(kb, symptom, facts, numbers) if symptom is not None else ()


def fixes(
    kb: KnowledgeBase,
    symptom: Symptom,
    facts: RunFacts,
    numbers: Mapping[str, object] | None = None,
) -> tuple[Fix, ...]:
    """The fixes of a symptom that fit this run; without facts all of them, without values."""
    chosen: list[Fix] = []
    for rule in symptom.fixes:
        if not _fits(rule.when, facts, numbers):
            continue
        lines = _lines(kb, rule, facts)
        if lines is not None:
            chosen.append(_fix(kb, rule, symptom, lines, numbers or {}))
    return tuple(chosen)


def fill(template: str, numbers: Mapping[str, object]) -> str:
    """`template` with its numbers; a part in square brackets goes when one in it is missing."""
    text, _, _ = _filled(template, 0, numbers)
    return _SPACES.sub(" ", text).strip()


def _filled(template: str, at: int, numbers: Mapping[str, object]) -> tuple[str, int, bool]:
    """The text up to the bracket that ends this part, where it ends, whether it is complete."""
    parts: list[str] = []
    complete = True
    while at < len(template):
        char = template[at]
        if char == "[":
            inner, at, whole = _filled(template, at + 1, numbers)
            parts.append(inner if whole else "")
        elif char == "]":
            return "".join(parts), at + 1, complete
        elif char == "{" and (found := _FIELD.match(template, at)):
            name = found.group(1)
            value = numbers.get(name)
            if value is None or (name == "count" and value == 1):
                complete = False  # that something was seen once goes without saying
                parts.append("?" if value is None else "1")
            else:
                parts.append(_shown(value, found.group(2) or ""))
            at = found.end()
        else:
            parts.append(char)
            at += 1
    return "".join(parts), at, complete


def _shown(value: object, spec: str) -> str:
    if isinstance(value, str) and value and "\n" in value:
        value = " ".join(value.split())
    try:
        return format(value, spec)
    except (TypeError, ValueError):
        return str(value)


def _holds(conditions: Mapping[str, object], numbers: Mapping[str, object]) -> bool:
    """Whether every condition is met; a boolean is never equal to a number here."""
    return all(
        name in numbers and any(_same(numbers[name], each) for each in _several(value))
        for name, value in conditions.items()
    )


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


# which fixes fit


def _fits(when: When, facts: RunFacts, numbers: Mapping[str, object] | None) -> bool:
    """Whether nothing that is known speaks against it; `numbers` is None without a finding."""
    card = facts.card
    capability = card.capability if card is not None else None
    if capability is not None:
        number = capability[0] + capability[1] / 10
        if when.capability is not None and number < when.capability:
            return False
        if when.capability_below is not None and number >= when.capability_below:
            return False
    if when.platforms and facts.platform and facts.platform not in when.platforms:
        return False
    if when.images_below is not None and (facts.images or 0) >= when.images_below:
        return False
    if when.trainers and facts.trainer != "unknown" and facts.trainer not in when.trainers:
        return False
    if when.families and facts.family is not None and facts.family not in when.families:
        return False
    if not all(facts.config.get(name) is not None for name in when.has_option):
        return False
    if when.optimizer is not None and (when.optimizer == "adaptive") != adaptive(facts):
        return False
    if when.numbers and numbers is not None and not _holds(when.numbers, numbers):
        return False
    for name, least in when.above.items():
        value = facts.config.number(name)
        if value is not None and value <= least:
            return False
    for name, most in when.below.items():
        value = facts.config.number(name)
        if value is not None and value >= most:
            return False
    for name, allowed in when.values.items():
        setting = facts.config.get(name)
        if setting is not None and str(setting).lower() not in [str(v).lower() for v in allowed]:
            return False
    return True


def proven(when: When, facts: RunFacts, numbers: Mapping[str, object]) -> bool:
    """Whether everything that it asks for is known, and so: what a cause needs."""
    config = facts.config
    return (
        _fits(when, facts, numbers)
        and not (when.trainers and facts.trainer == "unknown")
        and not (when.families and facts.family is None)
        and not (when.platforms and not facts.platform)
        and not (when.images_below is not None and facts.images is None)
        and not (when.optimizer is not None and config.get("optimizer") is None)
        and all(config.number(name) is not None for name in (*when.above, *when.below))
        and all(config.get(name) is not None for name in when.values)
        and (
            (when.capability is None and when.capability_below is None)
            or (facts.card is not None and facts.card.capability is not None)
        )
    )


def adaptive(facts: RunFacts) -> bool:
    """Whether the optimizer finds the learning rate by itself, with 1.0 as its right setting."""
    name = str(facts.config.get("optimizer") or "").lower().replace("_", "-")
    return any(known in name for known in _ADAPTIVE)


# what to change


def _lines(kb: KnowledgeBase, rule: FixRule, facts: RunFacts) -> tuple[PatchLine, ...] | None:
    """The changes for this run; None when the run already is as the fix wants it."""
    lines: list[PatchLine] = []
    settled = 0
    for change in rule.patch:
        if change.option in RATES and change.op != "set" and adaptive(facts):
            continue
        for option, found in _targets(kb, change, facts):
            line = _line(kb, rule, change, option, found, facts)
            if line is None:
                continue
            if line.before is not None and line.before == line.after:
                settled += 1
            else:
                lines.append(line)
    return None if settled and not lines else tuple(lines)


def _targets(
    kb: KnowledgeBase, change: PatchRule, facts: RunFacts
) -> Iterator[tuple[str, ConfigValue | None]]:
    """The option itself, and each set option that overrides it."""
    values = facts.config.values
    known = kb.options.get(change.option)
    also = [name for name in (known.also if known is not None else ()) if name in values]
    if change.option in values or not also:
        yield change.option, values.get(change.option)
    for name in also:
        yield name, values[name]


def _line(
    kb: KnowledgeBase,
    rule: FixRule,
    change: PatchRule,
    option: str,
    found: ConfigValue | None,
    facts: RunFacts,
) -> PatchLine | None:
    key = (found.key if found is not None else "") or kb.key(option, facts.trainer)
    if not key:
        return None  # this trainer has no such option
    known = kb.options.get(option)
    before = None if found is None else _number_or(found.value)
    if found is None and known is not None and _configured(facts):
        before = known.defaults.get(facts.trainer)  # type: ignore[call-overload]
    whole = known is not None and known.kind == "integer"
    if change.op == "keep-product":
        after = _kept_product(rule, change, before, facts)
    else:
        after = _after(change, before, whole=whole)
    if after is None:
        return None
    if known is not None and not isinstance(after, bool):
        words = known.values.get(facts.trainer)  # type: ignore[call-overload]
        after = words.get(str(after), after) if words else after
    if found is None:
        return PatchLine(option, key, before, after)
    shown = before if isinstance(before, type(after)) or _numeric(before) else found.value
    return PatchLine(option, key, shown, after, found.file, found.line)


def _configured(facts: RunFacts) -> bool:
    """Whether the run's own settings were read, so that what is not among them is not set."""
    return any(value.file or value.key.startswith("--") for value in facts.config.values.values())


def _kept_product(
    rule: FixRule, change: PatchRule, before: object, facts: RunFacts
) -> object | None:
    """The value by which the product with the other option stays what it is."""
    other = str(change.value)
    now = facts.config.number(other)
    made = next((each for each in rule.patch if each.option == other), None)
    if now is None or made is None:
        return None
    new = _after(made, now, whole=True)
    own = before if isinstance(before, int | float) and _numeric(before) else 1
    if not isinstance(new, int | float) or new <= 0 or now <= new:
        return None
    return max(1, round(own * now / new))


def _after(change: PatchRule, before: object, *, whole: bool) -> object | None:
    """The new value; None when it cannot be computed from what is known."""
    value = change.value
    if change.op == "set":
        return value
    if not isinstance(value, int | float):
        return None
    if not _numeric(before):
        return None if change.op == "multiply" or before is not None else value
    assert isinstance(before, int | float)
    if change.op == "multiply":
        if before == 0:
            return None
        product = float(f"{before * value:.6g}")
        return max(1, round(product)) if whole else product
    return min(before, value) if change.op == "at-most" else max(before, value)


def _numeric(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_or(value: object) -> object:
    """The value as a number where its text is one, else as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    lowered = value.strip().lower()
    return lowered == "true" if lowered in ("true", "false") else value


def _fix(
    kb: KnowledgeBase,
    rule: FixRule,
    symptom: Symptom,
    lines: Iterable[PatchLine],
    numbers: Mapping[str, object],
) -> Fix:
    caveat = rule.caveat
    return Fix(
        id=rule.id,
        text=fill(rule.do, numbers) if "{" in rule.do else rule.do,
        effort=rule.effort,
        priority=rule.priority,
        cost=rule.cost,
        verify=rule.verify or symptom.verify.passes,
        caveat=None if caveat is None else f"{caveat.text} ({kb.cite(caveat.source)})",
        source=kb.cite(rule.source),
        patch=tuple(lines),
        commands=rule.commands,
    )
