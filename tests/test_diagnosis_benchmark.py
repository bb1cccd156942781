"""A small draw of the diagnosis benchmark with seeds that no one has seen.

A few cases cannot show whether 98 % are found; they can show that it is not so. A test fails when
what was seen would come about less than once in ten thousand draws if the target were met.
`python -m tests.benchmarks diagnosis` is the whole of it.
"""

from __future__ import annotations

import secrets
import sys

import pytest

from tests.benchmarks.diagnosis.harness import TARGETS, Results, built, report, row, run, shortfall
from tests.benchmarks.diagnosis.make.runs import CASES

UNLIKELY = 1e-4
ALARM = 0.002
"""Share of healthy runs with an alarm that a draw must not exceed: one in the 500 of a level."""

BUILT = built()


@pytest.fixture(scope="module")
def drawn() -> Results:
    seed = secrets.token_hex(4)
    results = run(seed, per_pair=2, per_level=20, with_texts=False)
    text, _ = report(results)
    print(text, file=sys.stderr)  # shown when a test fails: the seed repeats it
    return results


@pytest.mark.parametrize("finding", list(CASES["cases"]))
def test_faults_are_found(drawn: Results, finding: str) -> None:
    each = row(drawn, finding, is_built=BUILT[finding])
    assert each.of == 2 * len(CASES["cases"][finding]["shows"])
    if not each.built:
        pytest.skip("no detector is built for it yet")
    likely = shortfall(each.found, each.of, TARGETS["recall"])
    assert likely > UNLIKELY, f"seed {drawn.seed}: {each.found}/{each.of}, {each.misses}"


def test_healthy_runs_are_left_alone(drawn: Results) -> None:
    of = 20 * len(CASES["noise"]["levels"])
    said = [f"{o.key} {o.format} {o.note}: {o.why or o.loud}" for o in drawn.alarms]
    assert shortfall(of - len(said), of, 1 - ALARM) > UNLIKELY, f"seed {drawn.seed}: {said}"
