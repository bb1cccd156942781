"""Only the run's own GPUs are shown where they are known."""

from __future__ import annotations

import pytest

from loratui.core.facts import GpuReading, Machine
from loratui.engine.gpus import LocalGpus


class Sampler:
    def __init__(self) -> None:
        self.machine = Machine(tuple(GpuReading(index) for index in range(4)), driver="1")

    def latest(self) -> Machine:
        return self.machine

    def stop(self) -> None: ...


@pytest.mark.parametrize(
    ("only", "shown"), [(None, [0, 1, 2, 3]), ((2, 3), [2, 3]), ((9,), [0, 1, 2, 3])]
)
def test_which_are_shown(only: tuple[int, ...] | None, shown: list[int]) -> None:
    gpus = LocalGpus(only)
    assert gpus.latest().gpus == ()
    sampler = Sampler()
    gpus._sampler = sampler  # type: ignore[assignment]
    first = gpus.latest()
    assert [gpu.index for gpu in first.gpus] == shown
    assert first.driver == "1"
    assert first.own is (shown == [2, 3])
    assert gpus.latest() is first  # the same reading is the same value: nothing is repainted
    sampler.machine = Machine((GpuReading(2),))
    assert gpus.latest() is not first
