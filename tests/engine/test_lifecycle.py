"""Findings fire, grow worse, are kept for a while and resolve."""

from __future__ import annotations

from loratui.core.findings import CLEAR, Evidence, Severity, Verdict
from loratui.engine.lifecycle import KEEP, Lifecycle

FIRING = Verdict("firing", since=10, numbers={"ratio": 2.0})


def test_fires_with_its_onset_and_the_step_at_which_it_was_known() -> None:
    life = Lifecycle()
    life.see("loss-x", FIRING, Severity.ERROR, 15, text=False)
    found = life.tracked["loss-x"]
    assert (found.first_step, found.fired_step, found.severity) == (10, 15, Severity.ERROR)


def test_clear_for_a_moment_does_not_resolve() -> None:
    life = Lifecycle()
    life.see("loss-x", FIRING, Severity.ERROR, 15, text=False)
    life.see("loss-x", CLEAR, Severity.ERROR, 15 + KEEP - 1, text=False)
    assert life.tracked["loss-x"].firing
    life.see("loss-x", CLEAR, Severity.ERROR, 15 + KEEP, text=False)
    assert not life.tracked["loss-x"].firing


def test_severity_never_falls_while_it_fires() -> None:
    life = Lifecycle()
    worst = Verdict("firing", since=1, severity=Severity.CRITICAL, numbers={"n": 1})
    life.see("x", worst, Severity.WARNING, 5, text=False)
    life.see("x", Verdict("firing", since=1, numbers={"n": 2}), Severity.WARNING, 6, text=False)
    assert life.tracked["x"].severity is Severity.CRITICAL


def test_too_early_never_resolves_what_fired() -> None:
    life = Lifecycle()
    life.see("x", FIRING, Severity.ERROR, 15, text=False)
    life.see("x", Verdict("too-early"), Severity.ERROR, 900, text=False)
    assert life.tracked["x"].firing


def test_the_same_numbers_change_nothing() -> None:
    life = Lifecycle()
    life.see("x", FIRING, Severity.ERROR, 15, text=False)
    before = life.revision
    life.see(
        "x", Verdict("firing", since=10, numbers={"ratio": 2.0}), Severity.ERROR, 16, text=False
    )
    assert life.revision == before
    assert life.tracked["x"].last_step == 16


def test_an_error_that_training_survived_is_over_but_a_warning_stays() -> None:
    life = Lifecycle()
    life.see("cuda-oom", Verdict("firing", since=10), Severity.ERROR, 10, text=True)
    life.see("missing-captions", Verdict("firing"), Severity.WARNING, 10, text=True)
    life.go_on(10 + KEEP + 1)
    assert not life.tracked["cuda-oom"].firing
    assert life.tracked["missing-captions"].firing


def test_findings_of_a_later_part_of_the_text() -> None:
    life = Lifecycle()
    for name, offset in (("a", 5), ("b", 50)):
        evidence = (Evidence("log", "x", {"offset": offset}),)
        life.see(name, Verdict("firing", evidence=evidence), Severity.ERROR, 1, text=True)
    assert [found.id for found in life.since(20)] == ["b"]


def test_the_curve_says_since_when_even_if_the_text_came_first() -> None:
    """ai-toolkit's `loss is nan` is buffered and stands far behind the steps it is about."""
    said = Verdict("firing", since=120, evidence=(Evidence("log", "loss is nan", {"offset": 9}),))
    seen = Verdict("firing", since=3, numbers={"first": 3}, evidence=(Evidence("series", "zeros"),))
    for order in ((said, True, seen, False), (seen, False, said, True)):
        life = Lifecycle()
        life.see("loss-nan", order[0], Severity.CRITICAL, 120, text=order[1])
        life.see("loss-nan", order[2], Severity.CRITICAL, 121, text=order[3])
        found = life.tracked["loss-nan"]
        assert found.first_step == 3
        assert found.verdict is seen
        assert [each.kind for each in found.evidence] == ["series", "log"]


def test_a_verdict_must_last_before_it_is_said() -> None:
    life = Lifecycle()

    def see(state: str, step: int) -> None:
        life.see("x", Verdict(state, since=90), Severity.WARNING, step, text=False, hold=20)

    see("firing", 100)
    see("firing", 119)
    assert life.pending == {"x": 100}
    assert not life.tracked
    see("clear", 119)
    assert not life.pending
    see("firing", 130)
    see("firing", 150)
    assert not life.pending
    assert (life.tracked["x"].first_step, life.tracked["x"].fired_step) == (90, 150)
    see("firing", 151)  # what is said needs no more patience
    assert life.tracked["x"].last_step == 151
