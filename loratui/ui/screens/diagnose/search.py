"""Finding a symptom by what people type or paste."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_PASTED = 6  # this many words are a pasted line: it need not match whole
_RECOGNISED = 100.0  # a pattern that matches counts for more than any likeness
_CLOSE = 0.8  # likeness at which a word counts as misspelt


@dataclass(frozen=True, slots=True)
class Entry:
    """A text by which a symptom can be found; `field` says what kind of text it is."""

    symptom: str
    field: str
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A symptom that was found, and the text that led to it."""

    symptom: str
    field: str
    text: str
    score: float


class Index:
    """All entries in lower case with the rarity of their words."""

    def __init__(
        self, entries: Iterable[Entry], recognise: Callable[[str], Sequence[Entry]] | None = None
    ) -> None:
        self._entries = [(entry, entry.text.lower()) for entry in entries]
        self._recognise = recognise
        self._rarity: dict[str, float] = {}
        seen: dict[str, int] = {}
        for _, text in self._entries:
            for word in set(words(text)):
                seen[word] = seen.get(word, 0) + 1
        total = len(self._entries) + 1
        for word, count in seen.items():
            self._rarity[word] = math.log(total / count) + 0.1

    def search(self, query: str, limit: int = 50) -> list[Hit]:
        """The best hits, one a symptom, best first."""
        typed = query[:1000]
        query = " ".join(typed.lower().split())[:400]
        if not query:
            return []
        wanted = [self._corrected(word) for word in dict.fromkeys(words(query))]
        pasted = len(wanted) >= _PASTED
        rare = {word: self._rarity.get(word, 3.0) for word in wanted}
        total = sum(rare.values()) or 1.0
        best: dict[str, Hit] = {}
        for entry, text in self._entries:
            score = _score(query, rare, total, text, pasted) * entry.weight
            if score > 0 and (entry.symptom not in best or score > best[entry.symptom].score):
                best[entry.symptom] = Hit(entry.symptom, entry.field, entry.text, score)
        for entry in self._recognise(typed) if self._recognise else ():
            sure = Hit(entry.symptom, entry.field, entry.text, _RECOGNISED * entry.weight)
            if entry.symptom not in best or best[entry.symptom].score < sure.score:
                best[entry.symptom] = sure
        return sorted(best.values(), key=lambda hit: -hit.score)[:limit]

    def _corrected(self, word: str) -> str:
        """The known word that a misspelt one is nearest to."""
        if len(word) < 5 or any(word in known for known in self._rarity):
            return word
        near, likeness = word, _CLOSE
        for known in self._rarity:
            if known[0] == word[0] and abs(len(known) - len(word)) <= 2:
                matcher = SequenceMatcher(None, word, known, autojunk=False)
                if matcher.quick_ratio() > likeness and (ratio := matcher.ratio()) > likeness:
                    near, likeness = known, ratio
        return near


def words(text: str) -> list[str]:
    """The words of a text; an option name is one word."""
    return _WORD.findall(text)


def _score(query: str, rare: dict[str, float], total: float, text: str, pasted: bool) -> float:
    if query in text:
        at = text.index(query)
        whole = at == 0 or not text[at - 1].isalnum()
        return 2.0 + (1.0 if whole else 0.0) + len(query) / len(text)
    if len(text) > 12 and text in query:
        return 2.5
    share = sum(weight for word, weight in rare.items() if word in text) / total
    return share if share >= (0.35 if pasted else 0.99) else 0.0
