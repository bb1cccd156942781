"""Checks what no schema can: links between files, ids, reachability, sources, options, patterns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from loratui.kb.base import KnowledgeBase, Problem
from loratui.kb.linting import catalogue, pages, sources, symptoms, tree
from loratui.kb.linting.faults import Fault
from loratui.kb.marked import dotted, nearest

if TYPE_CHECKING:
    from loratui.kb.loader import Places
    from loratui.kb.schema import TrainerKeys

_CHECKS: tuple[Callable[[KnowledgeBase], Iterator[Fault]], ...] = (
    catalogue.ids,
    catalogue.findings,
    catalogue.joins,
    symptoms.symptoms,
    tree.tree,
    catalogue.messages,
    pages.checklists,
    pages.guides,
    pages.figures,
    pages.options,
    pages.profiles,
    sources.sources,
    sources.sourced,
)


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
    for look in _CHECKS:
        yield from look(base)
