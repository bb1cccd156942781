"""What the knowledge base holds as usual on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from loratui.core.facts import GpuReading, StepTime

if TYPE_CHECKING:
    from loratui.kb.base import KnowledgeBase


def step_times(kb: KnowledgeBase, gpus: Iterable[GpuReading]) -> tuple[StepTime, ...]:
    """What a step takes on each of these cards, for those of which a document says it."""
    from loratui.kb.pages.figure import card_of

    found: list[StepTime] = []
    for name in {gpu.name: None for gpu in gpus}:
        card = card_of(kb, name)
        if card is None:
            continue
        for time in card.step_time:
            for family in time.families:
                side = _side(kb, family)
                if side is not None:
                    found.append(StepTime(card.title, time.low, time.high, (family,), 1, side))
    return tuple(found)


def _side(kb: KnowledgeBase, family: str) -> int | None:
    """The side in pixels that a model family was made for: a table without one means that."""
    for position in kb.positions("resolution"):
        if position.families == (family,) and position.low and position.low == position.high:
            return round(position.low)
    return None
