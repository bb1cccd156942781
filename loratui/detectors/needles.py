"""Finds which of many lines hold one of many literal texts, in one search over all of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

LONGEST, SHORTEST = 12, 10
"""Characters of a needle that are searched for: more make the search slower, fewer are found by
accident."""

RARE = "qzjxkvwybgpfmuchdlrsniaote"
"""Letters by how rarely they begin a part of a line; what is not here is as common as the last."""

_Branch = dict[str, "_Branch"]


class Needles:
    """Many literals as one search tree.

    Of each needle the part that begins with its rarest letter is searched for: most characters of
    a log begin none of these and are passed at once.
    """

    def __init__(self, needles: Sequence[str]) -> None:
        self._needles = tuple(needles)
        self._keys = frozenset(map(_key, self._needles))
        self._owners: dict[str, list[int]] | None = None

    def rows(self, texts: Sequence[str]) -> list[int]:
        """The indices of the texts that may hold a needle, ascending."""
        if not texts or not self._keys:
            return []
        begins = list(accumulate((len(text) + 1 for text in texts), initial=0))
        found = _search(self._keys)[0].finditer("\0".join(texts))
        return sorted({bisect_right(begins, match.start()) - 1 for match in found})

    def within(self, text: str) -> list[int]:
        """The indices of the needles that the text holds, ascending."""
        if not self._keys:
            return []
        if self._owners is None:
            self._owners = self._owned()
        keys = set(_search(self._keys)[1].findall(text))
        owned = {index for key in keys for index in self._owners[key]}
        return sorted(index for index in owned if self._needles[index] in text)

    def _owned(self) -> dict[str, list[int]]:
        """The needles behind each key; a search ends at the shortest key that fits."""
        owners: dict[str, list[int]] = {}
        shortest = ""
        for key, index in sorted((_key(needle), i) for i, needle in enumerate(self._needles)):
            if not shortest or not key.startswith(shortest):
                shortest = key
            owners.setdefault(shortest, []).append(index)
        return owners


def _key(needle: str) -> str:
    last = max(len(needle) - SHORTEST, 0)
    at = min(range(last + 1), key=lambda i: RARE.find(needle[i]) % (len(RARE) + 1))
    return needle[at : at + LONGEST]


@lru_cache(maxsize=8)
def _search(keys: frozenset[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The tree, and the same for all places in a text; once for all scanners of these needles."""
    root: _Branch = {}
    for key in keys:
        branch = root
        for letter in key:
            branch = branch.setdefault(letter, {})
        branch[""] = {}
    tree = _joined(root)
    return re.compile(tree), re.compile(f"(?=({tree}))")


def _joined(branch: _Branch) -> str:
    """The branch as a regular expression; what begins with a whole key need not be longer."""
    if "" in branch:
        return ""
    ways = [re.escape(letter) + _joined(rest) for letter, rest in sorted(branch.items())]
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
