"""Checks what no schema can: links between files, ids, reachability, sources, options, patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import KnowledgeBase, Problem
from loratui.kb.marked import nearest

if TYPE_CHECKING:
    from loratui.kb.schema import ChecklistInfo, Symptom, When

EFFORTS = ("minutes", "config", "data", "retrain")
EVENTS = ("event:checkpoint", "event:first-loss", "event:sample", "metric:loss-fell")
"""What a checklist item may be ticked by besides a finding."""

TEXTS = "text"


def check(kb: KnowledgeBase) -> list[Problem]:
    """Every problem of the knowledge base, those found while reading first."""
    return [
        *kb.problems,
        *_findings(kb),
        *_symptoms(kb),
        *_tree(kb),
        *_messages(kb),
        *_checklists(kb),
        *_options(kb),
        *_profiles(kb),
    ]


def _file(folder: str, name: str) -> str:
    return f"{folder}/{name.replace('-', '_')}.yaml"


def _unknown(file: str, key: str, kind: str, name: str, names: Iterable[str]) -> Problem:
    near = nearest(name, names)
    hint = f"; nearest: {near!r}" if near else ""
    return Problem(file, 0, key, f"no {kind} {name!r}{hint}")


def _cited(kb: KnowledgeBase, file: str, key: str, references: Iterable[str]) -> Iterator[Problem]:
    for reference in references:
        name, _, section = reference.partition("#")
        source = kb.sources.get(name)
        if source is None:
            yield _unknown(file, key, "source", name, kb.sources)
        elif section and source.sections and section not in source.sections:
            yield _unknown(file, key, f"section of {name}", section, source.sections)


def _findings(kb: KnowledgeBase) -> Iterator[Problem]:
    for known in kb.findings.values():
        key = known.id
        if known.symptom is not None and known.symptom not in kb.symptoms:
            yield _unknown("findings.yaml", key, "symptom", known.symptom, kb.symptoms)
        if known.built and not known.summary:
            yield Problem("findings.yaml", 0, key, "is built but has no summary")
        if known.built and known.symptom is None:
            yield Problem("findings.yaml", 0, key, "is built but leads to no symptom")
        for text in (known.summary or "", *(v.summary for v in known.variants)):
            if text.count("[") != text.count("]") or text.count("{") != text.count("}"):
                yield Problem("findings.yaml", 0, key, "a bracket of a summary is not closed")
        texts = any(message.finding == known.id for message in kb.messages)
        if known.family == TEXTS and known.built and not texts:
            yield Problem("findings.yaml", 0, key, "has no error text in messages/")


def _symptoms(kb: KnowledgeBase) -> Iterator[Problem]:
    for symptom in kb.symptoms.values():
        file = _file("symptoms", symptom.id)
        yield from _cited(kb, file, "sources", symptom.sources)
        for name in symptom.related:
            if name not in kb.symptoms:
                yield _unknown(file, "related", "symptom", name, kb.symptoms)
        for entry in symptom.check:
            if entry.auto is not None and entry.auto not in kb.findings:
                yield _unknown(file, "check.auto", "finding", entry.auto, kb.findings)
        yield from _fixes(kb, symptom, file)


def _fixes(kb: KnowledgeBase, symptom: Symptom, file: str) -> Iterator[Problem]:
    if not symptom.fixes:
        yield Problem(file, 0, "fixes", "there is none")
        return
    ids = [fix.id for fix in symptom.fixes]
    for name in {name for name in ids if ids.count(name) > 1}:
        yield Problem(file, 0, f"fixes.{name}", "the id is given twice")
    efforts = [EFFORTS.index(fix.effort) for fix in symptom.fixes]
    if efforts != sorted(efforts):
        yield Problem(file, 0, "fixes", "the cheapest do not come first")
    if symptom.fixes[0].caveat is not None:
        yield Problem(file, 0, f"fixes.{ids[0]}", "a fix with a caveat stands first")
    for fix in symptom.fixes:
        key = f"fixes.{fix.id}"
        yield from _cited(kb, file, key, [fix.source])
        if fix.caveat is not None:
            yield from _cited(kb, file, key, [fix.caveat.source])
            if fix.patch:
                yield Problem(file, 0, key, "a fix with a caveat has a patch")
        options = [change.option for change in fix.patch]
        for name in (*options, *_settings(fix.when)):
            if name not in kb.options:
                yield _unknown(file, key, "option", name, kb.options)
        for change in fix.patch:
            if change.op != "set" and not isinstance(change.value, int | float):
                yield Problem(file, 0, key, f"{change.op} needs a number")


def _settings(when: When) -> Iterator[str]:
    yield from (*when.has_option, *when.above, *when.below, *when.values)


def _tree(kb: KnowledgeBase) -> Iterator[Problem]:
    if kb.tree is None:
        yield Problem("tree.yaml", 0, "", "there is no tree")
        return
    questions = {question.id: question for question in kb.tree.questions}
    open_, seen, leaves = [kb.tree.root], set[str](), set[str]()
    while open_:
        name = open_.pop()
        if name in seen:
            yield Problem("tree.yaml", 0, name, "is reached twice")
            continue
        seen.add(name)
        question = questions.get(name)
        if question is None:
            yield _unknown("tree.yaml", name, "question", name, questions)
            continue
        for answer in question.answers:
            key = f"{name}.{answer.id}"
            if (answer.question is None) == (answer.symptom is None):
                yield Problem("tree.yaml", 0, key, "leads to a question or to a symptom, to one")
            elif answer.question is not None:
                open_.append(answer.question)
            elif answer.symptom is None or answer.symptom not in kb.symptoms:
                yield _unknown("tree.yaml", key, "symptom", str(answer.symptom), kb.symptoms)
            else:
                leaves.add(answer.symptom)
    for name in questions.keys() - seen:
        yield Problem("tree.yaml", 0, name, "no answer leads to this question")
    for name in kb.symptoms.keys() - leaves:
        yield Problem("tree.yaml", 0, name, "no answer leads to this symptom")


def _messages(kb: KnowledgeBase) -> Iterator[Problem]:
    for message in kb.messages:
        file, key = _file("messages", message.finding), message.id
        if message.finding not in kb.findings:
            yield _unknown(file, key, "finding", message.finding, kb.findings)
        yield from _cited(kb, file, key, [message.source])
        yield from _pattern(file, key, message.pattern, message.needle, message.example)
    for noise in kb.noise:
        yield from _cited(kb, "noise.yaml", noise.id, [noise.source])
        yield from _pattern("noise.yaml", noise.id, noise.pattern, noise.needle, noise.example)


def _pattern(file: str, key: str, pattern: str, needle: str, example: str) -> Iterator[Problem]:
    if needle != needle.lower():
        yield Problem(file, 0, key, "the needle is not in lower case")
    if len(needle.replace(" ", "")) < 2:
        yield Problem(file, 0, key, "the needle is too short")
    if needle.replace(" ", "") not in example.lower().replace(" ", ""):
        yield Problem(file, 0, key, "the example does not contain the needle")
    if re.search(r"(?<!\\) [*+{]", pattern):
        yield Problem(file, 0, key, "a blank may not be repeated: it may be missing anyway")
    try:
        re.compile(pattern)
    except re.error as error:
        yield Problem(file, 0, key, f"the pattern is not valid: {error}")


def _checklists(kb: KnowledgeBase) -> Iterator[Problem]:
    for checklist in kb.checklists.values():
        file = _file("checklists", checklist.id)
        yield from _cited(kb, file, "sources", checklist.sources)
        yield from _items(kb, checklist, file)
        if checklist.recipe is not None and checklist.recipe not in kb.profiles:
            yield _unknown(file, "recipe", "profile", checklist.recipe, kb.profiles)
        for name in checklist.related:
            if name not in kb.symptoms:
                yield _unknown(file, "related", "symptom", name, kb.symptoms)


def _items(kb: KnowledgeBase, checklist: ChecklistInfo, file: str) -> Iterator[Problem]:
    for item in checklist.items:
        auto = item.auto
        if auto is not None and auto not in EVENTS and auto not in kb.findings:
            yield _unknown(file, item.id, "finding or event", auto, [*EVENTS, *kb.findings])


def _options(kb: KnowledgeBase) -> Iterator[Problem]:
    for name, option in kb.options.items():
        yield from _cited(kb, "options.yaml", name, [option.source])
        for other in option.also:
            if other not in kb.options:
                yield _unknown("options.yaml", name, "option", other, kb.options)


def _profiles(kb: KnowledgeBase) -> Iterator[Problem]:
    for profile in kb.profiles.values():
        file = _file("profiles", profile.id)
        yield from _cited(kb, file, "sources", profile.sources)
        for name in profile.settings:
            if name not in kb.options:
                yield _unknown(file, name, "option", name, kb.options)
        for pattern in profile.patterns:
            if pattern.symptom not in kb.symptoms:
                yield _unknown(file, pattern.name, "symptom", pattern.symptom, kb.symptoms)
