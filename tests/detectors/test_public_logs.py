"""Failing logs as people posted them: what stands first must be what went wrong."""

from __future__ import annotations

import pytest

from tests.detectors.logs import findings, first, rows

ROWS = rows("public")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_was_posted_is_recognised(row):
    assert first(row.text) == row.finding
    assert first(row.text.replace("\n", "\r\n")) == row.finding


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_finding_says_what_it_saw(row):
    found = findings(row.text)[0]
    assert found.summary
    assert "{" not in found.summary
    assert found.evidence[0].text
