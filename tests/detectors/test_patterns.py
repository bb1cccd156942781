"""Each pattern fires on what it names, and a close relative beside it stays quiet."""

import math

import pytest

from loratui.core.events import Ended
from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig
from loratui.core.findings import Severity
from tests.detectors.series import noisy, printed_mean, show

NAN = math.nan
MEAN = RunFacts(trainer="kohya", loss_kind="running-mean", steps_per_epoch=100)
AITK = RunFacts(trainer="ai-toolkit", loss_kind="raw")
OVER = Ended("log", 0, "failed")


def configured(**options):
    values = {
        key: ConfigValue(key, value, key, str(value), "config.toml", 3)
        for key, value in options.items()
    }
    return RunFacts(config=TrainingConfig(values))


def fall_first(share):
    """Twice as low after a quarter of the run, then level."""
    return -0.7 * min(1.0, share / 0.25)


def step_up(times, at=0.7):
    return lambda share: math.log(times) if share >= at else 0.0


def turn(share):
    return -1.2 * min(1, share / 0.4) + 0.9 * max(0, share - 0.55) / 0.45


def with_value(values, at, value):
    return [*values[:at], value, *values[at + 1 :]]


def fast(share):
    return math.log(0.08 + 0.92 * math.exp(-share / 0.04))


def paces(*parts):
    """Whole seconds of a bar: (steps, seconds a step) one after the other."""
    now, clock = 0.0, []
    for count, pace in parts:
        for _ in range(count):
            now += pace
            clock.append(int(now))
    return clock


GOOD = noisy(200, 0.45)
LONG = noisy(2000, 0.45)

# id, what, series, facts, total, expected state, expected numbers
CASES = [
    ("loss-nan", "for good", {"loss": [*GOOD, *[NAN] * 30]}, RunFacts(), "firing",
     {"first": 201, "count": 30, "permanent": True, "kind": "nan"}),
    ("loss-nan", "one that passed", {"loss": with_value(GOOD, 50, NAN)}, RunFacts(), "firing",
     {"first": 51, "count": 1, "permanent": False}),
    ("loss-nan", "infinite", {"loss": with_value(GOOD, 50, math.inf)}, RunFacts(), "firing",
     {"kind": "inf"}),
    ("loss-nan", "on a running mean", {"loss": [*GOOD, *[NAN] * 30]}, MEAN, "firing",
     {"permanent": "unknown"}),
    ("loss-nan", "printed as zero", {"loss": [*GOOD, 0.0, 0.0, *GOOD]}, AITK, "firing",
     {"kind": "zero", "count": 2, "permanent": False}),
    ("loss-nan", "zero from the start", {"loss": [0.0] * 10}, AITK, "firing",
     {"permanent": True}),
    ("loss-nan", "one zero that passed", {"loss": with_value(GOOD, 50, 0.0)}, AITK, "clear", {}),
    ("loss-nan", "zeros elsewhere", {"loss": [*GOOD, *[0.0] * 9]}, RunFacts(), "clear", {}),
    ("loss-nan", "healthy", {"loss": GOOD}, AITK, "clear", {}),
    ("loss-diverging", "three times", {"loss": noisy(2000, 0.7, 2, step_up(3))}, RunFacts(),
     "firing", {}),
    ("loss-diverging", "behind a running mean",
     {"loss": printed_mean(noisy(2000, 0.45, 2, step_up(3, 0.5)), 100)}, MEAN, "firing", {}),
    ("loss-diverging", "a bump that passed",
     {"loss": noisy(2000, 0.45, 2, lambda s: 1.5 if 0.4 < s < 0.5 else 0.0)}, RunFacts(),
     "clear", {}),
    ("loss-diverging", "a rise inside the noise", {"loss": noisy(400, 1.3, 2, step_up(1.3))},
     RunFacts(), "clear", {}),
    ("loss-diverging", "too short", {"loss": noisy(100)}, RunFacts(), "too-early", {}),
    # the single losses can be had back from the mean
    ("loss-diverging", "running mean, two epochs", {"loss": printed_mean(noisy(250), 100)}, MEAN,
     "clear", {}),
    ("loss-spike", "25 times", {"loss": with_value(LONG, 1200, 3.0)}, RunFacts(), "firing",
     {"step": 1201, "count": 1, "recovered": True}),
    ("loss-spike", "inside the noise", {"loss": with_value(noisy(2000, 1.0), 1200, 1.0)},
     RunFacts(), "clear", {}),
    ("loss-spike", "behind a running mean",
     {"loss": printed_mean(with_value(noisy(2000, 0.25), 1200, 4.0), 100)}, MEAN, "firing",
     {"step": 1201}),
    ("loss-spike", "a mean without one", {"loss": printed_mean(LONG, 100)}, MEAN, "clear", {}),
    ("loss-spike", "constant and rounded", {"loss": [0.1] * 300}, RunFacts(), "clear", {}),
    ("loss-spike", "too short", {"loss": noisy(59)}, RunFacts(), "too-early", {"need": 60}),
    ("loss-spike", "first epoch", {"loss": printed_mean(noisy(90), 100)}, MEAN, "too-early", {}),
    ("loss-too-fast", "collapses", {"loss": noisy(2000, 0.45, 4, fast)}, RunFacts(), "firing", {}),
    ("loss-too-fast", "behind a running mean",
     {"loss": printed_mean(noisy(2000, 0.45, 4, fast), 100)}, MEAN, "firing", {}),
    ("loss-too-fast", "falls as far, but slowly",
     {"loss": noisy(2000, 0.45, 4, lambda s: -2.5 * s)}, RunFacts(), "clear", {}),
    ("loss-drop-then-rise", "turns", {"loss": noisy(2000, 0.45, 5, turn)}, RunFacts(), "firing",
     {}),
    ("loss-drop-then-rise", "falls and stays",
     {"loss": noisy(2000, 0.45, 5, lambda s: -1.2 * min(1, s / 0.4))}, RunFacts(), "clear", {}),
    ("loss-drop-then-rise", "ends far above the start",
     {"loss": noisy(2000, 0.3, 5, lambda s: -min(1, s / 0.4) + max(0, s - 0.5) * 6)}, RunFacts(),
     "clear", {}),
    ("loss-plateau", "level after a fall", {"loss": noisy(4000, 0.25, 6, fall_first)}, RunFacts(),
     "firing", {}),
    ("loss-plateau", "level from the begin", {"loss": noisy(4000, 0.25, 6)}, RunFacts(),
     "cannot-tell", {}),
    ("loss-plateau", "still falling", {"loss": noisy(4000, 0.25, 6, lambda s: -s)}, RunFacts(),
     "clear", {}),
    ("loss-plateau", "too noisy to say", {"loss": noisy(300, 1.3, 6)}, RunFacts(), "cannot-tell",
     {}),
    ("loss-plateau", "too short", {"loss": noisy(150)}, RunFacts(), "too-early", {}),
    ("lr-zero", "zero", {"lr": [0.0] * 100}, RunFacts(), "firing",
     {"kind": "zero", "origin": "log"}),
    ("lr-zero", "tiny", {"lr": [1e-9] * 100}, RunFacts(), "firing", {"kind": "tiny"}),
    ("lr-zero", "usual", {"lr": [1e-4] * 100}, RunFacts(), "clear", {}),
    ("lr-zero", "warm-up", {"lr": [i * 1e-6 for i in range(100)]}, RunFacts(), "clear", {}),
    ("lr-zero", "slow warm-up", {"lr": [i * 1e-10 for i in range(100)]}, RunFacts(), "too-early",
     {}),
    ("lr-zero", "end of a schedule",
     {"lr": [1e-4 * max(0, 1 - i / 1900) for i in range(2000)]}, RunFacts(), "clear", {}),
    ("lr-zero", "ends half-way", {"lr": [1e-4 * max(0, 1 - i / 1000) for i in range(2000)]},
     RunFacts(), "firing", {"kind": "ended-early"}),
    ("lr-zero", "Prodigy", {"lr": [1.0] * 100}, configured(optimizer="Prodigy"), "clear", {}),
    ("lr-zero", "own rate", {"lr": [1e-8] * 100}, configured(optimizer="Prodigy"), "cannot-tell",
     {}),
    ("lr-zero", "from the configuration", {"loss": GOOD}, configured(learning_rate=1e-9), "firing",
     {"origin": "config", "key": "learning_rate"}),
    ("lr-zero", "usual in the configuration", {"loss": GOOD}, configured(learning_rate="1e-4"),
     "clear", {}),
    ("lr-zero", "nowhere", {"loss": GOOD}, RunFacts(), "cannot-tell", {}),
    ("step-slowdown", "twice as slow", {"elapsed": paces((1200, 1.2), (800, 2.6))}, RunFacts(),
     "firing", {"before": 1.2, "now": 2.6}),
    ("step-slowdown", "a little", {"elapsed": paces((1200, 1.2), (800, 1.5))}, RunFacts(),
     "clear", {}),
    ("step-slowdown", "slow for a while",
     {"elapsed": paces((1200, 1.2), (300, 3.0), (500, 1.2))}, RunFacts(), "clear", {}),
    ("step-slowdown", "the bar restarts",
     {"elapsed": [*paces((1000, 1.2)), *paces((1000, 1.2))]}, RunFacts(), "clear", {}),
    ("step-slowdown", "before 20 %", {"elapsed": paces((300, 1.2))}, RunFacts(), "too-early", {}),
    ("step-slowdown", "no clock", {"loss": GOOD}, RunFacts(), "cannot-tell", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "series", "facts", "state", "numbers"),
    [pytest.param(c[0], *c[2:], id=f"{c[0]}: {c[1]}") for c in CASES],
)
def test_case(key, series, facts, state, numbers):
    verdict = show(series, facts=facts, total=2000 if key != "loss-plateau" else None)[key]
    assert verdict.state == state, verdict
    assert {name: verdict.numbers.get(name) for name in numbers} == numbers
    if state == "firing":
        assert verdict.since is not None
        assert verdict.evidence
        for evidence in verdict.evidence:
            assert len(evidence.data.get("steps", ())) <= 24
    elif state != "clear":
        assert verdict.reason


def test_severities():
    one = show({"loss": with_value(GOOD, 50, NAN)})["loss-nan"]
    assert one.severity is Severity.WARNING
    assert show({"loss": [*GOOD, *[NAN] * 9]})["loss-nan"].severity is Severity.CRITICAL
    ended = show({"loss": [*GOOD, NAN]}, ended=OVER)["loss-nan"]
    assert ended.numbers["permanent"] is True
    mild = show({"loss": noisy(4000, 0.25, 2, step_up(1.7))}, total=4000)["loss-diverging"]
    assert mild.severity is Severity.WARNING
    level = show({"loss": noisy(4000, 0.25, 6, fall_first)})["loss-plateau"]
    assert level.severity is Severity.INFO


def test_onset_is_near_the_truth():
    diverging = show({"loss": noisy(4000, 0.45, 2, step_up(3))}, total=4000)["loss-diverging"]
    assert diverging.since == pytest.approx(2800, abs=200)
    slow = show({"elapsed": paces((1200, 1.2), (800, 2.6))}, total=2000)["step-slowdown"]
    assert slow.since == pytest.approx(1200, abs=60)


def test_pauses_do_not_count():
    """Sampling every 50 steps grows longer; the steps themselves do not."""
    clock, now = [], 0.0
    for step in range(1, 2001):
        now += 1.2 + (step / 10 if step % 50 == 1 and step > 1 else 0)
        clock.append(int(now))
    pauses = range(50, 2000, 50)
    assert show({"elapsed": clock}, total=2000, pauses=pauses)["step-slowdown"].state == "clear"
    assert show({"elapsed": clock}, total=2000)["step-slowdown"].state == "firing"


def test_kind_of_loss_learnt_late():
    """The same instances are told half-way that the loss is a running mean."""
    from loratui.detectors import detectors

    losses = printed_mean(noisy(2000, 0.7, 2), 100)
    over = detectors()
    show({"loss": losses[:1000]}, over=over, total=2000)
    verdicts = show(
        {"loss": losses[1000:]}, over=over, facts=MEAN, total=2000, steps=range(1001, 2001)
    )
    assert all(v.state != "firing" or v.severity is Severity.INFO for v in verdicts.values())
