"""Ids, findings and error texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import PAGES, KnowledgeBase
from loratui.kb.linting.faults import Fault, unknown

if TYPE_CHECKING:
    from loratui.kb.schema import Message, Noise


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
        if known.built and not known.summary:
            yield Fault("findings", name, (), "is built but has no summary")
        for text in (known.summary or "", *(v.summary for v in known.variants)):
            if text.count("[") != text.count("]") or text.count("{") != text.count("}"):
                yield Fault("findings", name, ("summary",), "a bracket of a summary is not closed")
        if known.family == "text" and known.built and name not in texts:
            yield Fault("findings", name, (), "has no error text in messages/")


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
