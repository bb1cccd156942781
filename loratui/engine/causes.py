"""Findings joined to one cause: what lies behind them, and which of them are only consequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loratui.core.facts import RunFacts
from loratui.core.findings import Evidence
from loratui.engine.lifecycle import Tracked

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Join


@dataclass(slots=True)
class Cause:
    """What lies behind a finding, in words; fixes that come first; a page of its own, if any.

    `evidence` is that of the findings that it was joined from.
    """

    texts: list[str] = field(default_factory=list)
    fixes: list[str] = field(default_factory=list)
    symptom: str | None = None
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(slots=True)
class Causes:
    """Causes by finding; `silenced` are findings that are only a consequence, of which other."""

    of: dict[str, Cause] = field(default_factory=dict)
    silenced: dict[str, str] = field(default_factory=dict)


def causes_of(kb: KnowledgeBase, tracked: Mapping[str, Tracked], facts: RunFacts) -> Causes:
    """What the joins of the knowledge base say of the findings that fire now."""
    found = Causes()
    firing = {name: known for name, known in tracked.items() if known.firing}
    for join in kb.joins.values():
        if join.finding not in firing or not all(name in firing for name in join.all_of):
            continue
        parts = [firing[name] for name in (join.finding, *join.all_of)]
        if not _together(parts, join.within) or not _holds(join, parts[0], facts):
            continue
        _take(found, join, parts, facts)
    for name in [name for name in found.silenced if name not in firing]:
        del found.silenced[name]
    for name in list(found.silenced):  # a cause that is itself a consequence hands on
        found.silenced[name] = _root(found.silenced, name)
    return found


def _together(parts: Iterable[Tracked], within: int) -> bool:
    """Whether they began within so many steps of each other."""
    onsets = [known.first_step for known in parts if known.first_step is not None]
    return not within or not onsets or max(onsets) - min(onsets) <= within


def _holds(join: Join, finding: Tracked, facts: RunFacts) -> bool:
    from loratui.kb.resolve import proven

    return proven(join.when, facts, finding.verdict.numbers)


def _take(found: Causes, join: Join, parts: list[Tracked], facts: RunFacts) -> None:
    from loratui.kb.resolve import fill

    numbers: dict[str, object] = {"images": facts.images, "family": facts.family}
    numbers.update((name, value.value) for name, value in facts.config.values.items())
    for known in reversed(parts):  # the finding's own numbers win
        numbers.update(known.verdict.numbers)
    cause = found.of.setdefault(join.finding, Cause())
    text = fill(join.cause, numbers)
    if text and text not in cause.texts:
        cause.texts.append(text)
    cause.fixes += [fix for fix in join.fixes if fix not in cause.fixes]
    cause.symptom = cause.symptom or join.symptom
    for known in parts[1:]:
        cause.evidence += [each for each in known.evidence if each not in cause.evidence]
    for name in join.silences:
        found.silenced.setdefault(name, join.finding)


def _root(silenced: Mapping[str, str], name: str) -> str:
    seen = list(_up(silenced, name))
    return seen[-1]


def _up(silenced: Mapping[str, str], name: str) -> Iterator[str]:
    known = {name}
    while (name := silenced.get(name, "")) and name not in known:
        known.add(name)
        yield name
