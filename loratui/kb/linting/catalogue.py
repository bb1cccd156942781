"""Ids, findings and error texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import PAGES, KnowledgeBase
from loratui.kb.linting.faults import Fault, unknown

if TYPE_CHECKING:
    from loratui.kb.schema import Message, Noise


ACTIONS = (
    "stop", "stop-and-use", "stop-at-save", "go-on", "wait", "look", "over", "over-and-use",
    "rescue", "pending", "best-before", "best-by-validation", "best-still-falling", "best-by-views",
    "best-early",
)  # fmt: skip
_SEEN = ("exited-early",)
"""Findings of the family of texts that no text shows."""


def ids(base: KnowledgeBase) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for kind in PAGES:
        for name in getattr(base, kind):
            if name in seen:
                yield Fault(kind, name, ("id",), f"the id is taken by {seen[name]}")
            seen.setdefault(name, kind)
    for name, known in base.findings.items():
        # `explain ID` would have two answers
        if name in seen and known.symptom != name:
            yield Fault(
                "findings", name, ("id",), f"is a page of {seen[name]} that it leads not to"
            )


def findings(base: KnowledgeBase) -> Iterator[Fault]:
    texts = {message.finding for message in base.messages}
    for known in base.findings.values():
        name = known.id
        if known.symptom is not None and known.symptom not in base.symptoms:
            text = unknown("symptom", known.symptom, base.symptoms)
            yield Fault("findings", name, ("symptom",), text)
        if known.symptom is None:
            yield Fault("findings", name, (), "leads to no symptom")
        page = base.symptoms.get(known.symptom or "")
        names = [fix.id for fix in page.fixes] if page is not None else []
        for fix in known.fixes:
            if fix not in names:
                yield Fault("findings", name, ("fixes",), unknown("fix", fix, names))
        if known.built and not known.summary:
            yield Fault("findings", name, (), "is built but has no summary")
        for text in (known.summary or "", *(v.summary for v in known.variants)):
            if text.count("[") != text.count("]") or text.count("{") != text.count("}"):
                yield Fault("findings", name, ("summary",), "a bracket of a summary is not closed")
        if known.family == "text" and known.built and name not in (*texts, *_SEEN):
            yield Fault("findings", name, (), "has no error text in messages/")


def joins(base: KnowledgeBase) -> Iterator[Fault]:
    for join in base.joins.values():
        for key, names in (
            ("finding", (join.finding,)),
            ("all_of", join.all_of),
            ("silences", join.silences),
        ):
            for name in names:
                if name not in base.findings:
                    text = unknown("finding", name, base.findings)
                    yield Fault("joins", join.id, (key,), text)
        known = base.findings.get(join.finding)
        page = join.symptom or (known.symptom if known is not None else None)
        symptom = base.symptoms.get(page or "")
        if symptom is None:
            text = unknown("symptom", str(page), base.symptoms)
            yield Fault("joins", join.id, ("symptom",), text)
            continue
        fixes = [fix.id for fix in symptom.fixes]
        for name in join.fixes:
            if name not in fixes:
                yield Fault("joins", join.id, ("fixes",), unknown("fix", name, fixes))
    for action in ACTIONS:
        if base.findings and action not in base.actions:
            yield Fault("actions", action, (), f"there is no sentence for {action!r}")


def messages(base: KnowledgeBase) -> Iterator[Fault]:
    for message in base.messages:
        name = f"{message.finding}/{message.id}"
        if message.finding not in base.findings:
            yield Fault("messages", name, (), unknown("finding", message.finding, base.findings))
        yield from _matching("messages", name, message)
    for noise in base.noise:
        yield from _matching("noise", noise.id, noise)


def _matching(kind: str, name: str, entry: Message | Noise) -> Iterator[Fault]:
    if entry.needle != entry.needle.lower():
        yield Fault(kind, name, ("needle",), "is not in lower case")
    if len(entry.needle.replace(" ", "")) < 2:
        yield Fault(kind, name, ("needle",), "is too short")
    if entry.needle.replace(" ", "") not in entry.example.lower().replace(" ", ""):
        yield Fault(kind, name, ("needle",), "does not stand in the example")
    if re.search(r"(?<!\\) [*+{]", entry.pattern):
        text = "a blank may not be repeated: it may be missing anyway"
        yield Fault(kind, name, ("pattern",), text)
    try:
        re.compile(entry.pattern)
    except re.error as error:
        yield Fault(kind, name, ("pattern",), f"not a regular expression: {error}")
