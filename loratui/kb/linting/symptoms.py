"""Symptoms and their fixes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import KnowledgeBase
from loratui.kb.linting.faults import Fault, figured, linked, unknown

if TYPE_CHECKING:
    from loratui.kb.schema import Symptom, When

EFFORTS = ("minutes", "config", "data", "retrain")


def symptoms(base: KnowledgeBase) -> Iterator[Fault]:
    for symptom in base.symptoms.values():
        name = symptom.id
        yield from linked(base, "symptoms", name, "related", symptom.related)
        yield from figured(base, "symptoms", name, symptom.figures)
        for at, entry in enumerate(symptom.check):
            if entry.auto is not None and entry.auto not in base.findings:
                text = unknown("finding", entry.auto, base.findings)
                yield Fault("symptoms", name, ("check", at, "auto"), text)
        yield from _fixes(base, symptom)


def _fixes(base: KnowledgeBase, symptom: Symptom) -> Iterator[Fault]:
    name = symptom.id
    if not symptom.fixes:
        yield Fault("symptoms", name, ("fixes",), "there is none")
        return
    ids = [fix.id for fix in symptom.fixes]
    efforts = [EFFORTS.index(fix.effort) for fix in symptom.fixes]
    if efforts != sorted(efforts):
        text = "the cheapest do not come first"
        yield Fault("symptoms", name, ("fixes",), text, untidy=True)
    if symptom.fixes[0].caveat is not None:
        yield Fault("symptoms", name, ("fixes", 0), "a fix with a caveat stands first")
    for at, fix in enumerate(symptom.fixes):
        way = ("fixes", at)
        if ids.index(fix.id) != at:
            yield Fault("symptoms", name, (*way, "id"), f"the id {fix.id!r} is given twice")
        if fix.caveat is not None and fix.patch:
            yield Fault("symptoms", name, (*way, "patch"), "a fix with a caveat has a patch")
        options = [change.option for change in fix.patch]
        for option in (*options, *_settings(fix.when)):
            if option not in base.options:
                yield Fault("symptoms", name, way, unknown("option", option, base.options))
        for change in fix.patch:
            if change.op == "keep-product":
                if change.value not in options or change.value == change.option:
                    text = "keep-product names another option that the same fix changes"
                    yield Fault("symptoms", name, way, text)
            elif change.op != "set" and not isinstance(change.value, int | float):
                yield Fault("symptoms", name, way, f"{change.op} needs a number")


def _settings(when: When) -> Iterator[str]:
    yield from (*when.has_option, *when.above, *when.below, *when.values)
