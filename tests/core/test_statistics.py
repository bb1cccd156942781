"""Arithmetic behind the detectors."""

import math
import random
import statistics

import pytest

from loratui.core.statistics import (
    MOST,
    LogBlocks,
    between,
    finite,
    groups,
    mann_kendall,
    median,
    scatter,
    spread,
    theil_sen,
    windows,
)


def normal(count, deviation=1.0, seed=1):
    draw = random.Random(seed).gauss
    return [draw(0, deviation) for _ in range(count)]


def test_median_and_spread():
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    assert math.isnan(median([]))
    values = normal(5000, 0.7)
    assert spread(values) == pytest.approx(0.7, rel=0.05)
    assert spread([*values[:100], *[1e9] * 5]) < 1.0


def test_finite():
    assert finite([])
    assert finite([0.0, -1.0])
    assert not finite([1.0, math.nan])
    assert not finite([math.inf, -math.inf])


def test_theil_sen_ignores_outliers():
    xs = list(range(20))
    ys = [2.0 * x + 1 for x in xs]
    ys[3] = 1e6
    assert theil_sen(xs, ys) == pytest.approx(2.0)
    assert theil_sen([1], [1]) == 0.0
    assert theil_sen([1, 1], [1, 2]) == 0.0


def test_mann_kendall():
    z, p = mann_kendall(list(range(10)))
    assert z > 3
    assert p < 0.001
    assert mann_kendall([1.0] * 10) == (0.0, 1.0)
    assert mann_kendall([1, 2]) == (0.0, 1.0)
    small = sum(mann_kendall(normal(20, seed=seed))[1] < 0.05 for seed in range(400))
    assert 5 <= small <= 40


def test_blocks_hold_mean_and_variance_while_they_merge():
    logs = normal(50_000, 0.5)
    blocks = LogBlocks()
    blocks.extend(range(50_000), [math.exp(v) for v in logs])
    assert MOST // 2 <= len(blocks.blocks) < MOST
    used = blocks.blocks[-1].last + 1
    first = blocks.blocks[0]
    assert first.mean == pytest.approx(statistics.fmean(logs[: first.count]))
    assert first.square / first.count == pytest.approx(statistics.pvariance(logs[: first.count]))
    assert sum(b.count for b in blocks.blocks) == used
    assert scatter(blocks.blocks) == pytest.approx(0.5, rel=0.02)
    assert between(blocks.blocks) == pytest.approx(0.5 / math.sqrt(first.count), rel=0.4)
    assert len(blocks.opening) == 12
    assert blocks.opening[0].count == 20


@pytest.mark.parametrize("batch", [1, 3, 20, 999])
def test_blocks_do_not_depend_on_batches(batch):
    values = [math.exp(v) for v in normal(3000)]
    values[10], values[500], values[501] = math.nan, 0.0, -1.0
    whole, pieces = LogBlocks(), LogBlocks()
    whole.extend(range(3000), values)
    for begin in range(0, 3000, batch):
        end = min(3000, begin + batch)
        pieces.extend(range(begin, end), values[begin:end])
    assert pieces.blocks == whole.blocks
    assert pieces.count == whole.count == 2997


def test_groups_end_with_the_newest():
    blocks = LogBlocks()
    blocks.extend(range(200), [1.0] * 200)
    assert [(b.first, b.last) for b in groups(blocks.blocks, 3)] == [
        (20, 79),
        (80, 139),
        (140, 199),
    ]
    assert groups(blocks.blocks, 1) == blocks.blocks
    assert windows(blocks.blocks, 4) == pytest.approx([0.0] * 7)
    assert windows(blocks.blocks, 11) == []
