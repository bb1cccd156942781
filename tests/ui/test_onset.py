"""The chart on the page of a finding: which steps it shows, and what it does without the series."""

from __future__ import annotations

import math

import pytest

from loratui.core.findings import Evidence, Finding, Severity
from loratui.core.series import Series, SeriesView
from loratui.kb.pages.blocks import Block
from loratui.kb.pages.symptom import chart_blocks
from loratui.ui.screens.diagnose.onset import chart_of, onset_lines


def series(count: int = 1000) -> dict[str, SeriesView]:
    loss = Series("loss")
    loss.extend(range(1, count + 1), [0.1 + 0.01 * (n % 9) for n in range(count)])
    return {"loss": loss.view()}


def block(*points: tuple[int, float], onset: int | None = 500, name: str = "loss") -> Block:
    return Block("chart", name, points=points, onset=onset)


def drawn(chart: Block, known: dict[str, SeriesView], *, ascii_only: bool = False) -> str:
    rows = onset_lines(chart, known, 80, ascii_only=ascii_only)
    return "\n".join("".join(span.text for span in row.spans) for row in rows)


def test_the_window_holds_what_was_concluded_from() -> None:
    data = chart_of(block((300, 0.1), (700, 0.2)), series())
    assert data is not None
    assert data.window.begin < 300 < 700 < (data.window.end or 0)
    assert data.findings[0][0] == 500
    assert data.second is not None


def test_points_of_single_steps_are_the_series_itself() -> None:
    data = chart_of(block((499, 0.1), (500, 0.2), (501, 0.3)), series())
    assert data is not None
    assert data.second is None


def test_it_ends_where_the_run_does() -> None:
    data = chart_of(block((900, 0.1), (1000, 0.2), onset=950), series())
    assert data is not None
    assert data.window.end == 1000


def test_without_the_series_the_evidence_itself_is_drawn() -> None:
    data = chart_of(block((10, 1.2), (90, 2.6), name="elapsed"), {})
    assert data is not None
    assert data.second is None
    assert "▲" in drawn(block((10, 1.2), (500, 2.6), name="elapsed"), {})


@pytest.mark.parametrize(
    "chart",
    [
        block(onset=None),
        block((5, 0.1), onset=5, name="other"),
        block((0, 0.1), onset=0, name="other"),
    ],
)
def test_too_little_to_draw(chart: Block) -> None:
    assert onset_lines(chart, {}, 80, ascii_only=False) == []


@pytest.mark.parametrize(
    "points",
    [
        ((1, math.nan), (2, math.nan)),
        ((1, math.inf), (2, 0.0)),
        ((1, -1.0), (2, -2.0)),
        ((1, 1e-320), (2, 1e300)),
    ],
)
def test_values_that_cannot_be_drawn(points: tuple[tuple[int, float], ...]) -> None:
    drawn(block(*points, onset=2), series())
    drawn(block(*points, onset=2, name="other"), {})


def test_ascii() -> None:
    text = drawn(block((300, 0.1), (700, 0.2)), series(), ascii_only=True)
    assert text
    assert text.isascii()


def finding(*evidence: Evidence) -> Finding:
    return Finding("loss-diverging", Severity.ERROR, "firing", first_step=40, evidence=evidence)


def test_blocks_of_a_finding() -> None:
    good = Evidence("series", "", {"name": "loss", "steps": [1, 2], "values": [0.1, "nan"]})
    (made,) = chart_blocks(finding(Evidence("log", "x"), good))
    assert made.onset == 40
    assert made.points[0] == (1, 0.1)
    assert math.isnan(made.points[1][1])


@pytest.mark.parametrize(
    "data",
    [{}, {"steps": [], "values": []}, {"steps": [1], "values": []}, {"steps": "x", "values": "y"}],
)
def test_evidence_without_points(data: dict[str, object]) -> None:
    assert chart_blocks(finding(Evidence("series", "", data))) == []
