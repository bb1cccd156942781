"""The diagnosis benchmark itself: it plants what `cases.yaml` says, as trainers print it."""

from __future__ import annotations

import ast
import math
import random
import statistics
from pathlib import Path

import pytest
import yaml

from tests.benchmarks.diagnosis.harness import KNOWLEDGE, Results, report, row, shortfall
from tests.benchmarks.diagnosis.judge import Fired, Outcome, judge
from tests.benchmarks.diagnosis.make import tables
from tests.benchmarks.diagnosis.make.bars import Bar, number
from tests.benchmarks.diagnosis.make.consoles.common import rich
from tests.benchmarks.diagnosis.make.consoles.kohya import Mean
from tests.benchmarks.diagnosis.make.effects import PLANTS
from tests.benchmarks.diagnosis.make.errors import SURROUNDINGS, fits, frames, messages, texts
from tests.benchmarks.diagnosis.make.noise import noise, rates
from tests.benchmarks.diagnosis.make.runs import CASES, faulty, healthy
from tests.benchmarks.diagnosis.make.story import Made
from tests.detectors.series import printed_mean
from tests.runs import progress, read, series
from tests.sources.event_files import crc

MAKE = Path(__file__).parent / "benchmarks" / "diagnosis" / "make"
CONSOLES = [name for name in CASES["formats"] if "+" not in name and name != "csv"]
PAIRS = [
    (name, case["shows"][at % len(case["shows"])])
    for at, (name, case) in enumerate(CASES["cases"].items())
] + [("lr-zero", form) for form in CONSOLES]


def test_the_generator_knows_nothing_of_what_it_measures() -> None:
    files = sorted(MAKE.rglob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, file
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] != "loratui", file
                if name.startswith("tests"):
                    assert name.startswith("tests.benchmarks.diagnosis.make"), file
        assert "import_module" not in file.read_text(encoding="utf-8")


def test_every_id_says_for_every_console_whether_it_can_show_it() -> None:
    catalogue = yaml.safe_load((KNOWLEDGE / "findings.yaml").read_text(encoding="utf-8"))
    ids = {entry["id"] for entry in catalogue if entry["family"] in ("curve", "pace")}
    assert set(CASES["cases"]) == ids == set(PLANTS)
    for name, case in CASES["cases"].items():
        shown, cannot = set(case["shows"]), set(case.get("cannot", ()))
        assert shown <= set(CASES["formats"]), name
        assert not shown & cannot, name
        assert cannot <= set(CONSOLES), name
        missing = set(CONSOLES) - shown - cannot
        assert not missing, f"{name}: {missing}"
        assert all(len(reason) > 10 for reason in case.get("cannot", {}).values())
        assert case["effect"]
        assert case["why"]


@pytest.mark.parametrize("pair", PAIRS, ids=":".join)
def test_the_same_seed_gives_the_same_log_and_another_one_does_not(pair: tuple[str, str]) -> None:
    one, again = faulty(*pair, 1, "a"), faulty(*pair, 1, "a")
    assert (one.text, one.growing, one.files) == (again.text, again.growing, again.files)
    other = faulty(*pair, 1, "b")
    assert (one.text, one.growing) != (other.text, other.growing)
    assert one.begin is not None
    assert one.there is None or one.begin <= one.there <= one.steps


@pytest.mark.parametrize("shape", list(CASES["noise"]["shapes"]))
@pytest.mark.parametrize("level", CASES["noise"]["levels"])
def test_noise_has_the_size_that_it_is_said_to_have(shape: str, level: float) -> None:
    drawn = noise(random.Random(f"{shape} {level}"), 20_000, level, shape)
    assert statistics.stdev(drawn) == pytest.approx(level, rel=0.06)


@pytest.mark.parametrize("kind", CASES["healthy_runs"]["schedules"])
def test_schedules_stay_within_zero_and_their_peak(kind: str) -> None:
    found = rates(random.Random(kind), kind, 1e-4, 50, 1000)
    assert len(found) == 1000
    assert min(found) >= 0.0
    assert max(found) == pytest.approx(1e-4, rel=1e-3)
    assert found[10] < found[40]


def losses(made: Made) -> list[tuple[int, float]]:
    """What a step's own loss was, as the console printed it."""
    return series(read(made.text.encode())[1], "loss")


def centre(points: list[tuple[int, float]], begin: float, end: float) -> float:
    """Mean ln(loss) between two steps."""
    return statistics.fmean(math.log(v) for s, v in points if begin < s <= end and v > 0)


@pytest.mark.parametrize("form", ["onetrainer", "diffusers", "simpletuner", "ai-toolkit"])
@pytest.mark.parametrize("number_", range(5))
def test_a_diverging_loss_rises_as_much_as_it_should(form: str, number_: int) -> None:
    made = faulty("loss-diverging", form, number_, "size")
    points = losses(made)
    assert made.begin is not None
    assert made.there is not None
    before = centre(points, made.begin - 0.15 * made.steps, made.begin)
    after = centre(points, made.there, made.steps)
    assert after - before > 1.2 * max(0.69, 1.5 * made.level)
    assert made.steps - made.there >= 0.1 * made.steps


def test_a_loss_that_falls_too_fast_falls_at_least_fivefold() -> None:
    for index in range(5):
        made = faulty("loss-too-fast", "onetrainer", index, "size")
        points = losses(made)
        assert made.there is not None
        fall = centre(points, 0, 0.02 * made.steps) - centre(points, made.there, made.steps)
        assert fall > math.log(4)


def test_a_healthy_run_never_moves_by_much() -> None:
    for index in range(12):
        made = healthy(index, 0.25, "size")
        if made.format not in ("onetrainer", "diffusers", "simpletuner", "ai-toolkit"):
            continue
        points = losses(made)
        last = points[-1][0]
        early, late = centre(points, 0.2 * last, 0.5 * last), centre(points, 0.5 * last, last)
        assert abs(early - late) < math.log(2), made.key


def test_a_spike_is_one_value_at_25_times_the_level() -> None:
    for form in ("onetrainer", "diffusers"):
        made = faulty("loss-spike", form, 0, "size")
        values = dict(losses(made))
        assert made.begin is not None
        # OneTrainer draws a loss before it counts the step
        value = values[made.begin - (form == "onetrainer")]
        assert value > 12 * statistics.median(values.values())
        assert made.level <= 0.45


@pytest.mark.parametrize("index", range(4))
def test_a_gpu_that_waits_for_images_is_idle_for_half_of_the_time(index: int) -> None:
    made = faulty("data-starved", "kohya", index, "size")
    assert made.begin is not None
    since = next(mark.time for mark in made.marks if mark.step == made.begin)
    before = [reading.gpu for reading in made.readings if reading.time < since - 10]
    after = [reading.gpu for reading in made.readings if reading.time > since + 10]
    assert min(before) > 90
    assert 30 < statistics.fmean(after) < 60
    assert made.marks[-1].time > 20 * 60


def test_a_slowdown_doubles_what_a_step_takes() -> None:
    made = faulty("step-slowdown", "diffusers", 0, "size")
    assert made.begin is not None
    times = {mark.step: mark.time for mark in made.marks}
    early = (times[made.begin - 1] - times[made.begin // 2]) / (made.begin - 1 - made.begin // 2)
    late = (times[made.steps] - times[made.begin]) / (made.steps - made.begin)
    assert 1.5 < late / early < 2.6


@pytest.mark.parametrize("form", CONSOLES)
def test_every_console_is_read_to_its_last_step(form: str) -> None:
    """A log that cannot be read would count as missed: here it is the generator's fault."""
    for index in range(4):
        made = faulty("loss-no-decrease", form, index, "read")
        reader, events = read(made.text.encode())
        assert reader.trainer.id == CASES["formats"][form]["trainer"]
        found = [step for step, _ in series(events, "loss")]
        assert len(found) >= made.steps - 2
        # before 2026-08 ai-toolkit's bar was one step behind
        assert progress(events).step in (made.steps, made.steps - (form == "ai-toolkit"))


def test_healthy_logs_are_read_to_their_last_step() -> None:
    seen = set()
    for index in range(40):
        made = healthy(index, 0.45, "read")
        if not made.console or made.steps > 2000 or "resumed" in made.note:
            continue
        seen.add(made.format)
        _, events = read(made.text.encode())
        assert abs(progress(events).step - made.marks[-1].step) <= 1, made.key
    assert len(seen) >= 6


def test_a_bar_is_drawn_as_tqdm_draws_it() -> None:
    bar = Bar("steps", 72, smoothing=0)
    assert bar.draw(0, 0.0) == "\rsteps:   0%|          | 0/72 [00:00<?, ?it/s]"
    bar.step(24, 85.9)
    drawn = bar.draw(24, 85.9, "avr_loss=0.136")
    assert drawn == "\rsteps:  33%|███▎      | 24/72 [01:25<02:51,  3.58s/it, avr_loss=0.136]"
    shorter = bar.draw(24, 85.9, "avr_loss=0.1")
    assert shorter == "\rsteps:  33%|███▎      | 24/72 [01:25<02:51,  3.58s/it, avr_loss=0.1]  "
    fast = Bar("Steps", 240)
    fast.step(199, 40.0)
    assert "[00:40<00:08,  4.97it/s]" in fast.draw(199, 40.0)
    assert Bar("a", 200).draw(199, 3700.0).startswith("\ra: 100%|█████████▉| 199/200 [1:01:40<")


@pytest.mark.parametrize(
    ("value", "text"),
    [(5e-5, "5e-5"), (0.0001, "0.0001"), (0.11649, "0.116"), (math.nan, "nan"), (0.0, "0")],
)
def test_numbers_are_those_of_a_postfix(value: float, text: str) -> None:
    assert number(value) == text


def test_the_running_mean_is_that_of_sd_scripts() -> None:
    values = [random.Random(4).random() for _ in range(50)]
    mean = Mean()
    found = [float(f"{mean.add(at // 12, at % 12, v):.3g}") for at, v in enumerate(values)]
    assert found == printed_mean(values, 12)


def test_rich_wraps_at_80_columns_as_recorded_logs_do() -> None:
    text = "No caption file found for 15 images. Training will continue without captions."
    lines = rich("WARNING", text, "train_util.py:2090", "2026-11-21 06:12:27").split("\n")
    assert lines[0] == (
        "2026-11-21 06:12:27 WARNING  No caption file found for 15     train_util.py:2090"
    )
    assert lines[1].rstrip() == " " * 29 + "images. Training will continue"
    assert {len(line) for line in lines[:-1]} == {80}


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)), b"loss/current" * 7])
def test_checksums_agree_with_another_way_of_taking_them(data: bytes) -> None:
    assert tables.checksum(data) == crc(data)


def test_every_pattern_stands_in_several_surroundings() -> None:
    known = messages(KNOWLEDGE / "messages")
    assert len(known) > 250
    used = set()
    for message in known:
        made = list(texts(message, "s"))
        right = [text for text in made if text.right]
        assert len(right) >= 3, message
        assert any(not text.right for text in made), message
        used |= {text.key.split(":")[2] for text in made}
        for text in right:
            if "boxed" not in text.key and "rich" not in text.key:
                assert message.example.split("\n")[0].encode() in text.data
    assert used == set(SURROUNDINGS)


def test_an_exception_is_raised_where_its_pattern_asks_for() -> None:
    for message in messages(KNOWLEDGE / "messages"):
        if message.frame:
            assert fits(message.frame, frames(message)[-1]), f"no frame for {message}"


# what is made of the outcomes


def outcome(finding: str, *, found: bool, delay: int | None = None, slack: int = 0) -> Outcome:
    return Outcome("k", finding, "kohya", 0.25, "pieces", 1000, found, delay, slack)


def test_an_epoch_of_a_running_mean_is_no_delay() -> None:
    results = Results("s", [outcome("loss-nan", found=True, delay=140, slack=100)] * 3)
    assert row(results, "loss-nan", is_built=True).delay == pytest.approx(0.04)
    late = Results("s", [outcome("loss-nan", found=True, delay=140)] * 3)
    assert not row(late, "loss-nan", is_built=True).good


@pytest.mark.parametrize(("found", "good"), [(98, True), (97, False)])
def test_recall_below_the_target_is_said(found: int, good: bool) -> None:
    own = [outcome("loss-nan", found=at < found) for at in range(100)]
    text, met = report(Results("s", own))
    assert met is good
    assert f"{found}/100" in text


def test_a_loud_healthy_run_is_said_with_what_fired() -> None:
    quiet = outcome("healthy", found=False)
    loud = outcome("healthy", found=False)
    loud.fired = [Fired("loss-spike", 1, 5, 9, "resolved")]
    assert report(Results("s", [quiet]))[1]
    text, met = report(Results("s", [quiet, loud]))
    assert not met
    assert "loss-spike 1" in text
    told = outcome("healthy", found=False)
    told.fired = [Fired("loss-plateau", 0, 5, 9, "firing")]
    assert report(Results("s", [told]))[1]


def test_a_case_that_cannot_be_shown_is_a_miss() -> None:
    made = faulty("loss-nan", "diffusers", 0, "s")
    made.door = "file"
    made.parts = ["\0" * 4000]  # no log at all
    found = judge(made)
    assert not found.found
    assert found.why.startswith("raised LoratuiError")


def test_what_a_few_seeds_can_tell() -> None:
    assert shortfall(10, 10, 0.98) == pytest.approx(1.0)
    assert shortfall(140, 160, 0.98) < 1e-6
    assert shortfall(155, 160, 0.98) > 0.05
