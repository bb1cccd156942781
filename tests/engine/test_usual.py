"""What the knowledge base holds of the speed of cards."""

from __future__ import annotations

from loratui.core.facts import GpuReading, StepTime
from loratui.engine.usual import step_times
from loratui.kb import load

KB = load()


def test_listed_cards_once_each() -> None:
    names = ("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090", "NVIDIA A100-SXM4-80GB", None)
    found = step_times(KB, [GpuReading(at, name) for at, name in enumerate(names)])
    assert found == (
        StepTime("GeForce RTX 4090", 1.0, 3.0, ("sdxl",), 1, 1024),
        StepTime("A100", 0.5, 2.0, ("sdxl",), 1, 1024),
    )


def test_a_card_without_a_figure() -> None:
    assert step_times(KB, [GpuReading(0, "Quadro K2000"), GpuReading(1, "NVIDIA H200")]) == ()
