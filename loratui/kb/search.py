"""Finding a page by a few words, a misspelt one, an option's name, or a pasted line of a log."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase
    from loratui.kb.schema import Section

_WORD = re.compile(r"[^\W_]+(?:[_.][^\W_]+)*")
_PASTED = 6  # this many words are a pasted line: it need not match whole
_TELLING = 8  # words of a pasted line that are looked for: the rarest
_CLOSE = 0.78  # likeness at which a long word counts as misspelt
_FORMS = 60  # known words that one typed word may stand for
_ALL, _SOME = 0.49, 0.35  # least share of the typed words, of which all or only some must be there
_FEW, _PARTLY = 5, 0.5  # with fewer texts than this, those count half that have only some
_MOST = 6000  # texts that are looked at for one typed word
_LONGEST = 1000  # characters of a query

RECOGNISED = 100.0
"""The least score of a hit by an error pattern: it counts for more than any likeness."""

_ENDINGS = ("ting", "ing", "ted", "ed", "es", "s")

EXACT, STEM, BEGINS, HOLDS, NEAR = 1.0, 0.9, 0.85, 0.6, 0.5
"""How well a typed word fits a known one: the same, without an ending, its beginning, inside it,
misspelt."""

_WEIGHTS = {
    "title": 3.0, "see": 2.5, "finding": 2.5, "option": 2.0, "fix": 1.5, "message": 1.5,
    "cause": 1.2, "item": 1.2, "heading": 1.6, "figure": 1.4, "text": 0.8, "table": 1.0,
    "word": 1.8, "id": 2.0,
}  # fmt: skip
_KINDS = {"symptoms": 1.15, "figures": 0.95, "options": 0.95, "terms": 0.9, "gpus": 0.95}


@dataclass(frozen=True, slots=True)
class Entry:
    """A text by which a page can be found; `field` says what kind of text it is."""

    page: str
    field: str
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that was found, and the text that led to it."""

    page: str
    field: str
    text: str
    score: float


Recognise = Callable[[str], Sequence[Entry]]


class Index:
    """All texts by the words that stand in them."""

    def __init__(self, entries: Iterable[Entry], recognise: Recognise | None = None) -> None:
        self._recognise = recognise
        # the weightiest first: where a word stands in very many texts, these are looked at
        self._entries = sorted(entries, key=lambda entry: -entry.weight)
        self._low = [entry.text.lower() for entry in self._entries]
        self._where: dict[str, list[int]] = {}
        for at, text in enumerate(self._low):
            for word in set(words(text)):
                self._where.setdefault(word, []).append(at)
        self._known = sorted(self._where)
        self._letters = "\n".join(self._known)
        total = len(self._entries) + 1
        self._rarity = {w: math.log(total / len(at)) + 0.1 for w, at in self._where.items()}
        self._misspelt = _Misspelt(self._known)
        self._forms: dict[str, Mapping[str, float]] = {}

    def search(self, query: str, limit: int = 50) -> list[Hit]:
        """The best hits, one a page, best first."""
        typed = query[:_LONGEST]
        query = " ".join(typed.lower().split())
        best: dict[str, Hit] = {}
        if wanted := list(dict.fromkeys(words(query))):
            self._score(query, wanted, best)
        for entry in self._recognise(typed) if self._recognise else ():
            sure = Hit(entry.page, entry.field, entry.text, RECOGNISED * entry.weight)
            if entry.page not in best or best[entry.page].score < sure.score:
                best[entry.page] = sure
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.page))[:limit]

    def _score(self, query: str, wanted: list[str], best: dict[str, Hit]) -> None:
        pasted = len(wanted) >= _PASTED
        forms = {word: self._forms_of(word) for word in wanted}
        rare = {word: self._worth(forms[word]) for word in wanted}
        if pasted:
            telling = sorted(wanted, key=lambda word: -rare[word] * bool(forms[word]))[:_TELLING]
        else:
            telling = wanted
        found = self._shares(telling, forms, rare, some=pasted)
        if not pasted and len(telling) > 1 and len(found) < _FEW:
            # few texts have all the words: those that have most of them come behind
            for at, share in self._shares(telling, forms, rare, some=True).items():
                found.setdefault(at, share * _PARTLY)
        for at, share in found.items():
            entry, text = self._entries[at], self._low[at]
            score = share * (1.0 + _phrase(query, text)) * entry.weight
            if entry.page not in best or score > best[entry.page].score:
                best[entry.page] = Hit(entry.page, entry.field, entry.text, score)

    def _shares(
        self,
        wanted: list[str],
        forms: Mapping[str, Mapping[str, float]],
        rare: Mapping[str, float],
        *,
        some: bool,
    ) -> dict[int, float]:
        """How much of what was typed each text has, weighed by how rare the words are."""
        total = sum(rare[word] for word in wanted) or 1.0
        least = _SOME if some else _ALL
        shares = ((at, got / total) for at, got in self._candidates(wanted, forms, rare, some=some))
        return {at: share for at, share in shares if share >= least}

    def _candidates(
        self,
        wanted: list[str],
        forms: Mapping[str, Mapping[str, float]],
        rare: Mapping[str, float],
        *,
        some: bool,
    ) -> Iterator[tuple[int, float]]:
        """Texts with what they have of the wanted words: all of them, or only some."""
        hits = []
        for word in wanted:
            gained: dict[int, float] = {}
            for form, quality in forms[word].items():
                gain = rare[word] * quality
                for at in self._where[form][: _MOST - len(gained)]:
                    if gain > gained.get(at, 0.0):
                        gained[at] = gain
            hits.append(gained)
        if some:
            sums: dict[int, float] = {}
            for gained in hits:
                for at, gain in gained.items():
                    sums[at] = sums.get(at, 0.0) + gain
            yield from sums.items()
            return
        hits.sort(key=len)
        for at, gain in hits[0].items():
            others = [gained.get(at) for gained in hits[1:]]
            if None not in others:
                yield at, gain + sum(other for other in others if other is not None)

    def _worth(self, forms: Mapping[str, float]) -> float:
        """How much a typed word tells: the rarer what it stands for, the more."""
        return max((self._rarity[form] * quality for form, quality in forms.items()), default=3.0)

    def _forms_of(self, word: str) -> Mapping[str, float]:
        """The known words that a typed one may stand for, each with how well it fits."""
        known = self._forms.get(word)
        if known is None:
            if len(self._forms) > 2000:
                self._forms.clear()
            known = self._forms[word] = dict(self._matching(word))
        return known

    def _matching(self, word: str) -> list[tuple[str, float]]:
        found: dict[str, float] = {word: EXACT} if word in self._where else {}
        for ending in _ENDINGS:
            stem = word.removesuffix(ending)
            if len(stem) >= 4 and stem != word and stem in self._where:
                found.setdefault(stem, STEM)
        at = bisect_left(self._known, word)
        while at < len(self._known) and self._known[at].startswith(word) and len(found) < _FORMS:
            found.setdefault(self._known[at], BEGINS)
            at += 1
        if len(word) >= 3:
            for inside in self._holding(word):
                if len(found) >= _FORMS:
                    break
                found.setdefault(inside, HOLDS)
        if not found:
            found = dict.fromkeys(self._misspelt.near(word), NEAR)
        return list(found.items())

    def _holding(self, word: str) -> Iterator[str]:
        """Known words with `word` inside them, found in all of them at once."""
        at = self._letters.find(word)
        while at >= 0:
            start = self._letters.rfind("\n", 0, at) + 1
            end = self._letters.find("\n", at)
            end = end if end >= 0 else len(self._letters)
            yield self._letters[start:end]
            at = self._letters.find(word, end)


class _Misspelt:
    """Known words one edit away, by what is left when one letter is taken out of each."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known
        self._cut: dict[str, list[str]] = {}
        for name in known:
            if 3 < len(name) < 30:
                for cut in _cuts(name):
                    self._cut.setdefault(cut, []).append(name)

    def near(self, word: str) -> list[str]:
        """The words that a misspelt one was probably meant to be."""
        if len(word) < 4:
            return []
        found: dict[str, None] = {}
        for cut in _cuts(word):
            for name in self._cut.get(cut, ()):
                found.setdefault(name)
        return list(found) or self._alike(word)

    def _alike(self, word: str) -> list[str]:
        if len(word) < 7:
            return []
        scored = []
        matcher = SequenceMatcher(b=word, autojunk=False)
        for name in self._known:
            if abs(len(name) - len(word)) <= 2 and name[:1] == word[:1]:
                matcher.set_seq1(name)
                if matcher.quick_ratio() >= _CLOSE and (ratio := matcher.ratio()) >= _CLOSE:
                    scored.append((-ratio, name))
        return [name for _, name in sorted(scored)[:4]]


def _cuts(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def words(text: str) -> list[str]:
    """The words of a text in the order in which they stand; an option name is one word."""
    return _WORD.findall(text.lower())


def _phrase(query: str, text: str) -> float:
    """More for texts in which the words stand together, most for those that are nothing else."""
    at = text.find(query)
    if at < 0:
        return 0.6 if len(text) > 12 and text in query else 0.0
    whole = at == 0 or not text[at - 1].isalnum()
    return (0.8 if whole else 0.4) + len(query) / len(text)


# -- what can be found ---------------------------------------------------------------------------


def index_of(base: KnowledgeBase) -> Index:
    """Everything that the knowledge base says, by page."""
    return Index(_entries(base), _recogniser(base))


def _entries(base: KnowledgeBase) -> Iterator[Entry]:
    for kind, page, field, text in _texts(base):
        if text:
            yield Entry(page, field, text, _WEIGHTS[field] * _KINDS.get(kind, 1.0))


_Text = tuple[str, str, str, str]


def _texts(base: KnowledgeBase) -> Iterator[_Text]:
    for name, kind in base.pages.items():
        yield kind, name, "id", name
    yield from _symptoms(base)
    yield from _checklists(base)
    yield from _guides(base)
    for name, figure in base.figures.items():
        yield "figures", name, "title", figure.title
        yield "figures", name, "text", figure.advice
        for position in base.positions(name):
            yield "figures", name, "figure", f"{position.says} {position.context}".strip()
    for name, option in base.options.items():
        page = f"options/{name}"
        yield "options", page, "title", option.title
        yield "options", page, "text", option.meaning
        for key in {name, *(key for keys in option.keys.values() for key in keys)}:
            yield "options", page, "option", key
    for name, term in base.terms.items():
        for form in (term.title, *term.also):
            yield "terms", f"terms/{name}", "word", form
        yield "terms", f"terms/{name}", "text", term.meaning
    for name, card in base.gpus.items():
        yield "gpus", f"gpus/{name}", "title", card.title
    for name, info in base.findings.items():
        if info.symptom is not None:
            yield "symptoms", info.symptom, "finding", name
            yield "symptoms", info.symptom, "finding", info.title
    for message in base.messages:
        if (symptom := _symptom_of(base, message.finding)) is not None:
            yield "symptoms", symptom, "message", message.example


def _symptoms(base: KnowledgeBase) -> Iterator[_Text]:
    for name, symptom in base.symptoms.items():
        yield "symptoms", name, "title", symptom.title
        yield "symptoms", name, "text", symptom.meaning
        for text in symptom.see:
            yield "symptoms", name, "see", text
        for text in (*symptom.causes, *(check.text for check in symptom.check)):
            yield "symptoms", name, "cause", text
        options = set()
        for fix in symptom.fixes:
            yield "symptoms", name, "fix", fix.do
            options |= {patch.option for patch in fix.patch}
        for option in sorted(options):
            yield "symptoms", name, "option", option


def _checklists(base: KnowledgeBase) -> Iterator[_Text]:
    for name, checklist in base.checklists.items():
        yield "checklists", name, "title", checklist.title
        yield "checklists", name, "text", checklist.intro
        for item in checklist.items:
            yield "checklists", name, "item", f"{item.text} {item.requirement}".strip()


def _guides(base: KnowledgeBase) -> Iterator[_Text]:
    for name, guide in base.guides.items():
        yield "guides", name, "title", guide.title
        yield "guides", name, "text", guide.intro
        for section in guide.sections:
            yield from (("guides", name, field, text) for field, text in _said(section))
    for name, profile in base.profiles.items():
        yield "profiles", name, "title", profile.title
        yield "profiles", name, "text", profile.applies
        for kin in profile.kin:
            yield "profiles", name, "heading", kin
        for section in profile.sections:
            yield from (("profiles", name, field, text) for field, text in _said(section))


def _said(section: Section) -> Iterator[tuple[str, str]]:
    yield "heading", section.title
    for text in (section.text, *section.points):
        yield "text", text
    if section.table is not None:
        for row in section.table.rows:
            yield "table", " · ".join(cell for cell in row if cell)


def _symptom_of(base: KnowledgeBase, finding: str) -> str | None:
    info = base.findings.get(finding)
    return None if info is None else info.symptom


def _recogniser(base: KnowledgeBase) -> Recognise:
    """Says which pages the error patterns see in a pasted line."""
    patterns: list[tuple[str, str, Entry]] = []
    for message in base.messages:
        symptom = _symptom_of(base, message.finding)
        if symptom is not None:
            weight = 1.0 if message.fallback else 2.0
            entry = Entry(symptom, "message", message.example, weight)
            patterns.append((message.needle, message.pattern, entry))

    def recognise(text: str) -> list[Entry]:
        low = text.lower()  # a pattern is compiled once its needle is seen, and then kept by `re`
        return [e for needle, pattern, e in patterns if needle in low and re.search(pattern, text)]

    return recognise
