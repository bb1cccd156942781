"""Checks what no schema can: links between files, ids, reachability, sources, options, patterns."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from loratui.kb.base import PAGES, KnowledgeBase, Problem
from loratui.kb.marked import dotted, nearest

if TYPE_CHECKING:
    from loratui.kb.loader import Places
    from loratui.kb.schema import (
        Answer,
        ChecklistInfo,
        Message,
        Noise,
        Position,
        Section,
        Symptom,
        TrainerKeys,
        When,
    )

EFFORTS = ("minutes", "config", "data", "retrain")
EVENTS = ("event:checkpoint", "event:first-loss", "event:samples", "metric:loss-fell")
"""What a checklist item may be ticked by besides a finding."""

QUANTITIES = (
    "images", "total-steps", "steps-per-image", "views-per-image", "gpu-memory", "step-seconds",
    "host-memory", "disk-free",
)  # fmt: skip
"""What a figure may be compared with besides an option."""

DEEPEST = 5
"""Answers from the first question to a symptom."""

LETTERS = 8
"""Answers of one question that have a letter of their own, a to h."""

_PLAIN = frozenset((
    "id", "pattern", "needle", "near_miss", "frame", "file", "key", "match", "version", "versions",
    "finding", "symptom", "question", "then", "place", "date", "recipe", "otherwise", "auto",
    "option", "related", "figures",
))  # fmt: skip
_FIGURE = re.compile(r"\d")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class Fault(NamedTuple):
    """Something wrong in the entry `name` of a kind, at `way` inside it.

    What is only `untidy` is for authors: the program shows the entry all the same.
    """

    kind: str
    name: str
    way: tuple[str | int, ...]
    text: str
    untidy: bool = False


def check(base: KnowledgeBase, places: Places | None = None) -> list[Problem]:
    """Every problem of the knowledge base, those found while reading first."""
    return [*base.problems, *(_problem(fault, places) for fault in _faults(base))]


def _problem(fault: Fault, places: Places | None) -> Problem:
    if places is None:  # a base that was put together by hand
        return Problem(fault.kind, 0, dotted((fault.name, *fault.way)), fault.text)
    return places.problem(*fault[:4])


def overlay_problems(base: KnowledgeBase, places: Places, prefix: str) -> KnowledgeBase:
    """The base with what is wrong in a user's own files added to its problems."""
    faults = (fault for fault in _faults(base) if not fault.untidy)
    found = (_problem(fault, places) for fault in faults)
    own = [problem for problem in found if problem.file.startswith(prefix)]
    return dataclasses.replace(base, problems=(*base.problems, *own))


def check_options(
    base: KnowledgeBase, trainers: Mapping[str, TrainerKeys], places: Places
) -> list[Problem]:
    """Keys of `options.yaml` that the trainer they are claimed for does not have."""
    found = []
    for name, option in base.options.items():
        for trainer, keys in option.keys.items():
            known = trainers.get(trainer)
            if known is None:
                continue
            for key in keys:
                if key not in known.keys and not any(key.startswith(o) for o in known.open):
                    near = nearest(key, known.keys)
                    text = f"{trainer} has no key {key!r}" + (
                        f"; nearest: {near!r}" if near else ""
                    )
                    found.append(places.problem("options", name, ("keys", trainer), text))
    return found


def _faults(base: KnowledgeBase) -> Iterator[Fault]:
    yield from _ids(base)
    yield from _findings(base)
    yield from _symptoms(base)
    yield from _tree(base)
    yield from _messages(base)
    yield from _checklists(base)
    yield from _guides(base)
    yield from _figures(base)
    yield from _options(base)
    yield from _profiles(base)
    yield from _sources(base)
    yield from _sourced(base)


def _unknown(what: str, name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    return f"no {what} {name!r}" + (f"; nearest: {near!r}" if near else "")


def _linked(
    base: KnowledgeBase, kind: str, name: str, key: str, pages: Iterable[str]
) -> Iterator[Fault]:
    known = base.pages
    for at, page in enumerate(pages):
        if page not in known:
            yield Fault(kind, name, (key, at), _unknown("page", page, known))


def _figured(base: KnowledgeBase, kind: str, name: str, figures: Iterable[str]) -> Iterator[Fault]:
    for at, figure in enumerate(figures):
        if figure not in base.figures:
            yield Fault(kind, name, ("figures", at), _unknown("figure", figure, base.figures))


# -- ids and findings ----------------------------------------------------------------------------


def _ids(base: KnowledgeBase) -> Iterator[Fault]:
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


def _findings(base: KnowledgeBase) -> Iterator[Fault]:
    texts = {message.finding for message in base.messages}
    for known in base.findings.values():
        name = known.id
        if known.symptom is not None and known.symptom not in base.symptoms:
            text = _unknown("symptom", known.symptom, base.symptoms)
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


def _messages(base: KnowledgeBase) -> Iterator[Fault]:
    for message in base.messages:
        name = f"{message.finding}/{message.id}"
        if message.finding not in base.findings:
            yield Fault("messages", name, (), _unknown("finding", message.finding, base.findings))
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


# -- symptoms ------------------------------------------------------------------------------------


def _symptoms(base: KnowledgeBase) -> Iterator[Fault]:
    for symptom in base.symptoms.values():
        name = symptom.id
        yield from _linked(base, "symptoms", name, "related", symptom.related)
        yield from _figured(base, "symptoms", name, symptom.figures)
        for at, entry in enumerate(symptom.check):
            if entry.auto is not None and entry.auto not in base.findings:
                text = _unknown("finding", entry.auto, base.findings)
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
                yield Fault("symptoms", name, way, _unknown("option", option, base.options))
        for change in fix.patch:
            if change.op != "set" and not isinstance(change.value, int | float):
                yield Fault("symptoms", name, way, f"{change.op} needs a number")


def _settings(when: When) -> Iterator[str]:
    yield from (*when.has_option, *when.above, *when.below, *when.values)


# -- the tree ------------------------------------------------------------------------------------


def _tree(base: KnowledgeBase) -> Iterator[Fault]:
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
                _unknown("question", answer.question, questions)
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
        yield Fault("tree", "", (), _unknown("question", base.tree.root or "", questions))
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
            return _unknown(what, aim, known)
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


# -- checklists, guides, figures, options, profiles ----------------------------------------------


def _checklists(base: KnowledgeBase) -> Iterator[Fault]:
    for checklist in base.checklists.values():
        name = checklist.id
        if checklist.recipe is not None and checklist.recipe not in base.profiles:
            text = _unknown("profile", checklist.recipe, base.profiles)
            yield Fault("checklists", name, ("recipe",), text)
        questions = [question.id for question in base.tree.questions] if base.tree else []
        if checklist.then is not None and checklist.then not in questions:
            text = _unknown("question", checklist.then, questions)
            yield Fault("checklists", name, ("then",), text)
        yield from _linked(base, "checklists", name, "related", checklist.related)
        yield from _figured(base, "checklists", name, checklist.figures)
        yield from _items(base, checklist)


def _items(base: KnowledgeBase, checklist: ChecklistInfo) -> Iterator[Fault]:
    pages = base.pages
    ids = [item.id for item in checklist.items]
    for at, item in enumerate(checklist.items):
        way = ("items", at)
        auto = item.auto
        if ids.index(item.id) != at:
            yield Fault("checklists", checklist.id, way, f"the id {item.id!r} is given twice")
        if auto is not None and auto not in EVENTS and auto not in base.findings:
            text = _unknown("finding or event", auto, [*EVENTS, *base.findings])
            yield Fault("checklists", checklist.id, (*way, "auto"), text)
        if item.otherwise is not None and item.otherwise not in pages:
            text = _unknown("page", item.otherwise, pages)
            yield Fault("checklists", checklist.id, (*way, "otherwise"), text)


def _guides(base: KnowledgeBase) -> Iterator[Fault]:
    for guide in base.guides.values():
        yield from _linked(base, "guides", guide.id, "related", guide.related)
        yield from _figured(base, "guides", guide.id, guide.figures)
        yield from _sections("guides", guide.id, guide.sections)


def _sections(kind: str, name: str, sections: Iterable[Section]) -> Iterator[Fault]:
    for at, section in enumerate(sections):
        way = ("sections", at)
        if not (section.text or section.points or section.table or section.example):
            yield Fault(kind, name, way, "the section says nothing")
        if section.table is None:
            continue
        for row_at, row in enumerate(section.table.rows):
            if len(row) != len(section.table.columns):
                text = f"the row has {len(row)} cells, the table {len(section.table.columns)}"
                yield Fault(kind, name, (*way, "table", "rows", row_at), text)


def _figures(base: KnowledgeBase) -> Iterator[Fault]:
    for figure in base.figures.values():
        name = figure.id
        if figure.yours and figure.yours not in QUANTITIES and figure.yours not in base.options:
            text = _unknown("quantity", figure.yours, [*QUANTITIES, *base.options])
            yield Fault("figures", name, ("yours",), text)
        if not base.positions(name):
            yield Fault("figures", name, (), "no document says anything about it")
        yield from _positions(base, "figures", name, ("positions",), figure.positions)


def _positions(
    base: KnowledgeBase,
    kind: str,
    name: str,
    way: tuple[str | int, ...],
    positions: Iterable[Position],
) -> Iterator[Fault]:
    for at, position in enumerate(positions):
        if position.recipe is not None and position.recipe not in base.profiles:
            text = _unknown("recipe", position.recipe, base.profiles)
            yield Fault(kind, name, (*way, at, "recipe"), text)
        if position.card is not None and position.card not in base.gpus:
            text = _unknown("card", position.card, base.gpus)
            yield Fault(kind, name, (*way, at, "card"), text)
        if position.low is not None and position.high is not None and position.low > position.high:
            yield Fault(kind, name, (*way, at, "low"), "is above high")


def _options(base: KnowledgeBase) -> Iterator[Fault]:
    for name, option in base.options.items():
        for other in option.also:
            if other not in base.options:
                yield Fault("options", name, ("also",), _unknown("option", other, base.options))


def _profiles(base: KnowledgeBase) -> Iterator[Fault]:
    for profile in base.profiles.values():
        name = profile.id
        if profile.kind == "family" and profile.family is None:
            yield Fault("profiles", name, ("kind",), "a family needs its `family`")
        for option in profile.settings:
            if option not in base.options:
                text = _unknown("option", option, base.options)
                yield Fault("profiles", name, ("settings", option), text)
        for figure, positions in profile.figures.items():
            if figure not in base.figures:
                text = _unknown("figure", figure, base.figures)
                yield Fault("profiles", name, ("figures", figure), text)
            yield from _positions(base, "profiles", name, ("figures", figure), positions)
        for at, pattern in enumerate(profile.patterns):
            if pattern.symptom not in base.symptoms:
                text = _unknown("symptom", pattern.symptom, base.symptoms)
                yield Fault("profiles", name, ("patterns", at, "symptom"), text)
        yield from _linked(base, "profiles", name, "related", profile.related)
        yield from _sections("profiles", name, profile.sections)


# -- sources -------------------------------------------------------------------------------------

_CITING = (
    "findings", "noise", "symptoms", "checklists", "guides", "figures", "options", "profiles",
    "gpus", "terms",
)  # fmt: skip


def _entries(base: KnowledgeBase) -> Iterator[tuple[str, str, Any]]:
    for kind in _CITING:
        found = getattr(base, kind)
        named = found.items() if isinstance(found, Mapping) else ((e.id, e) for e in found)
        for name, entry in named:
            yield kind, name, entry
    for message in base.messages:
        yield "messages", f"{message.finding}/{message.id}", message


def _sources(base: KnowledgeBase) -> Iterator[Fault]:
    """Every reference names a source, and a section of it where the source lists its sections."""
    for kind, name, entry in _entries(base):
        for way, reference in _references(entry, ()):
            source, _, section = reference.partition("#")
            known = base.sources.get(source)
            if known is None:
                yield Fault(kind, name, way, _unknown("source", source, base.sources))
            elif section and known.sections and section not in known.sections:
                text = _unknown(f"section of {source}", section, known.sections)
                yield Fault(kind, name, way, text)


def _references(
    value: Any, way: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, inner in _inside(value):
        if key == "source" and isinstance(inner, str):
            yield (*way, key), inner
        elif key == "sources" and isinstance(inner, tuple):
            yield from (((*way, key, at), name) for at, name in enumerate(inner))
        else:
            yield from _references(inner, (*way, key))


def _sourced(base: KnowledgeBase) -> Iterator[Fault]:
    """Every text with a figure in it stands in an entry that names its source."""
    for kind, name, entry in _entries(base):
        for way, text in _bare(entry, ()):
            shown = text if len(text) <= 40 else f"{text[:39]}…"
            text = f"a figure without a source: {shown!r}"
            yield Fault(kind, name, way, text, untidy=True)


def _bare(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Texts with a figure of which no entry around them says where it is from."""
    if getattr(value, "source", None) or getattr(value, "sources", None):
        return
    if isinstance(value, str):
        if _FIGURE.search(_PLACEHOLDER.sub("", value)):
            yield way, value
        return
    for key, inner in _inside(value):
        if key not in _PLAIN:
            yield from _bare(inner, (*way, key))


def _inside(value: Any) -> Iterable[tuple[Any, Any]]:
    if dataclasses.is_dataclass(value):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()
