"""What the checks have in common: a fault, and words for a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from loratui.kb.base import KnowledgeBase
from loratui.kb.marked import nearest


class Fault(NamedTuple):
    """Something wrong in the entry `name` of a kind, at `way` inside it.

    What is only `untidy` is for authors: the program shows the entry all the same.
    """

    kind: str
    name: str
    way: tuple[str | int, ...]
    text: str
    untidy: bool = False


def unknown(what: str, name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    return f"no {what} {name!r}" + (f"; nearest: {near!r}" if near else "")


def linked(
    base: KnowledgeBase, kind: str, name: str, key: str, pages: Iterable[str]
) -> Iterator[Fault]:
    known = base.pages
    for at, page in enumerate(pages):
        if page not in known:
            yield Fault(kind, name, (key, at), unknown("page", page, known))


def figured(base: KnowledgeBase, kind: str, name: str, figures: Iterable[str]) -> Iterator[Fault]:
    for at, figure in enumerate(figures):
        if figure not in base.figures:
            yield Fault(kind, name, ("figures", at), unknown("figure", figure, base.figures))
