"""The decision tree: where each answer leads, and whether every page can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from loratui.kb.base import KnowledgeBase
from loratui.kb.linting.faults import Fault, unknown

if TYPE_CHECKING:
    from loratui.kb.schema import Answer

DEEPEST = 5
"""Answers from the first question to a symptom."""

LETTERS = 8
"""Answers of one question that have a letter of their own, a to h."""


def tree(base: KnowledgeBase) -> Iterator[Fault]:
    if base.tree is None:
        yield Fault("tree", "", (), "there is no tree")
        return
    questions = {question.id: question for question in base.tree.questions}
    depths: dict[str, int] = {}
    seen: set[str] = set()
    for question in questions.values():
        if len(question.answers) > LETTERS:
            text = f"has {len(question.answers)} answers; only {LETTERS} get a letter"
            yield Fault("tree", question.id, (), text, untidy=True)
        for answer in question.answers:
            text = _answer(base, answer) or (
                unknown("question", answer.question, questions)
                if answer.question is not None and answer.question not in questions
                else ""
            )
            if text:
                yield Fault("answers", f"{question.id}/{answer.id}", (), text)
    open_ = [(base.tree.root or "", 1)]
    while open_:
        name, depth = open_.pop()
        if name not in questions:
            continue
        if name in seen:
            yield Fault("tree", name, (), "is reached twice")
            continue
        seen.add(name)
        for answer in questions[name].answers:
            if answer.question is not None:
                open_.append((answer.question, depth + 1))
            elif answer.page:
                depths[answer.page] = min(depth, depths.get(answer.page, depth))
    if base.tree.root not in questions:
        yield Fault("tree", "", (), unknown("question", base.tree.root or "", questions))
    for name in questions.keys() - seen:
        yield Fault("tree", name, (), "no answer leads to this question", untidy=True)
    for name in base.symptoms:
        if name not in depths:
            yield Fault("symptoms", name, (), "no answer of the tree leads here", untidy=True)
        elif depths[name] > DEEPEST:
            text = f"{depths[name]} answers away from the first question, more than {DEEPEST}"
            yield Fault("symptoms", name, (), text, untidy=True)
    yield from _reachable(base, depths)


def _answer(base: KnowledgeBase, answer: Answer) -> str:
    """What is wrong with an answer, or nothing."""
    aims = (answer.question, answer.symptom, answer.checklist, answer.guide, answer.profile)
    if sum(aim is not None for aim in aims) != 1:
        return "leads to a question, symptom, checklist, guide or profile: to exactly one"
    for aim, what, known in (
        (answer.symptom, "symptom", base.symptoms),
        (answer.checklist, "checklist", base.checklists),
        (answer.guide, "guide", base.guides),
        (answer.profile, "profile", base.profiles),
    ):
        if aim is not None and aim not in known:
            return unknown(what, aim, known)
    return ""


def _reachable(base: KnowledgeBase, answers: Iterable[str]) -> Iterator[Fault]:
    """Every page can be reached from the tree, by answers and then by related pages."""
    seen: set[str] = set()
    open_ = list(answers)
    while open_:
        name = open_.pop()
        if name not in seen:
            seen.add(name)
            open_ += links_of(base, name)
    for name, kind in base.pages.items():
        if name not in seen and kind != "symptoms":
            text = "no page that the tree leads to is related to it"
            yield Fault(kind, name, (), text, untidy=True)


def links_of(base: KnowledgeBase, page: str) -> list[str]:
    """The pages to which a page leads."""
    if (symptom := base.symptoms.get(page)) is not None:
        return [*symptom.related, *symptom.figures]
    if (checklist := base.checklists.get(page)) is not None:
        recipe = [checklist.recipe] if checklist.recipe else []
        others = [item.otherwise for item in checklist.items if item.otherwise]
        return [*checklist.related, *others, *recipe, *checklist.figures]
    if (guide := base.guides.get(page)) is not None:
        return [*guide.related, *guide.figures]
    if (profile := base.profiles.get(page)) is not None:
        return [*profile.related, *profile.figures]
    return []
