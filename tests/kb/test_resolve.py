"""Sentences and fixes made concrete."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loratui.core.facts import ConfigValue, RunFacts, TrainingConfig
from loratui.kb import load
from loratui.kb.resolve import describe, fill, fixes, recommend, undecided
from loratui.kb.schema import FixRule, PatchRule

KB = load()


def facts(trainer="kohya", family=None, **values):
    settings = {name: ConfigValue(name, value, name) for name, value in values.items()}
    return RunFacts(trainer=trainer, family=family, config=TrainingConfig(settings))


def patches(finding, run, numbers=None):
    found = recommend(KB, finding, run, numbers or {})
    return {fix.id: [(p.key, p.before, p.after) for p in fix.patch] for fix in found}


def test_a_rate_is_halved_in_every_key_that_is_set():
    run = facts(learning_rate=2e-4, unet_lr=2e-4, text_encoder_lr="1e-4")
    assert patches("loss-diverging", run)["halve-lr"] == [
        ("learning_rate", 2e-4, 1e-4), ("unet_lr", 2e-4, 1e-4), ("text_encoder_lr", 1e-4, 5e-5)
    ]  # fmt: skip


def test_only_the_overriding_key_when_the_main_one_is_not_set():
    assert patches("loss-diverging", facts(unet_lr=1e-4))["halve-lr"] == [("unet_lr", 1e-4, 5e-5)]


@pytest.mark.parametrize("name", ["Prodigy", "prodigyopt.Prodigy", "DAdaptAdam", "d-adaptation"])
def test_an_adaptive_optimizer_keeps_its_rate(name):
    found = patches("loss-diverging", facts(learning_rate=1.0, optimizer=name))
    assert "halve-lr" not in found
    assert "adaptive-d" in found
    assert not any(key == "learning_rate" for rows in found.values() for key, _, _ in rows)


def test_an_absurd_rate_is_replaced_and_not_halved():
    found = patches("loss-nan", facts(learning_rate=10))
    assert found["usual-lr"] == [("learning_rate", 10, 0.0001)]
    assert "halve-lr" not in found


def test_a_fix_that_is_in_force_already_is_left_out():
    assert "batch-size-1" not in patches("cuda-oom", facts(batch_size=1))
    assert patches("cuda-oom", facts(batch_size=4))["batch-size-1"] == [
        ("batch_size", 4, 1), ("--gradient_accumulation_steps", None, 4)
    ]  # fmt: skip
    on = facts(gradient_checkpointing=True)
    assert "gradient-checkpointing" not in patches("cuda-oom", on)


def test_bf16_only_where_fp16_is_used_or_nothing_known():
    assert "bf16" in patches("loss-nan", facts(mixed_precision="fp16"))
    assert "bf16" in patches("loss-nan", facts())
    assert "bf16" not in patches("loss-nan", facts(mixed_precision="no"))
    assert "bf16" not in patches("loss-nan", facts(mixed_precision="bf16"))


def test_the_trainers_own_key_and_value_where_the_run_shows_none():
    assert patches("loss-nan", facts("onetrainer"))["bf16"] == [("train_dtype", None, "BFLOAT_16")]
    assert patches("loss-nan", facts("diffusers"))["bf16"] == [("--mixed_precision", None, "bf16")]
    assert patches("loss-nan", facts("ai-toolkit"))["halve-lr"] == []


def test_whole_numbers_stay_whole():
    numbers = patches("loss-too-fast", facts(epochs=10, learning_rate=1e-4))
    assert numbers["fewer-epochs"] == [("epochs", 10, 8)]
    assert isinstance(numbers["fewer-epochs"][0][2], int)


def test_cheapest_first_and_the_contested_fix_says_why():
    fixes = recommend(KB, "cuda-oom", facts(), {})
    assert fixes[0].effort == "minutes"
    contested = next(fix for fix in fixes if fix.id == "fewer-accumulation-steps")
    assert "free no GPU memory" in (contested.caveat or "")
    assert contested.patch == ()
    assert "CUDA Out of Memory" in contested.source


def test_fixes_for_another_trainer_are_left_out():
    assert "kohya-parent" not in patches("no-data", facts("ai-toolkit"))
    assert "kohya-parent" in patches("no-data", facts("kohya"))
    assert "kohya-parent" in patches("no-data", facts("unknown"))


@pytest.mark.parametrize(
    ("template", "numbers", "text"),
    [
        ("a[ {x}] b", {}, "a b"),
        ("a[ {x}] b", {"x": 3}, "a 3 b"),
        ("a[ (line {x}[, column {y}])]", {"x": 1}, "a (line 1)"),
        ("a[ (line {x}[, column {y}])]", {"x": 1, "y": 2}, "a (line 1, column 2)"),
        ("{x:.3g}", {"x": "not a number"}, "not a number"),
        ("{x:.3g}", {"x": float("nan")}, "nan"),
        ("{x}", {}, "?"),
        ("{x}", {"x": "[/b] {y} %s"}, "[/b] {y} %s"),
        ("seen[ {count} times]", {"count": 1}, "seen"),
    ],
)
def test_fill(template, numbers, text):
    assert fill(template, numbers) == text


def test_describe_takes_the_variant_that_fits():
    lasting = {"first": 3, "kind": "zero", "permanent": True, "last_good": 1.06}
    assert "0.000e+00" in describe(KB, "loss-nan", lasting)[1]
    unknown = {"first": 3, "kind": "nan", "permanent": "unknown", "last_good": 0.1}
    assert "running mean" in describe(KB, "loss-nan", unknown)[1]
    assert describe(KB, "never-heard-of", {}) == ("Never heard of", "", None)


def test_every_summary_can_be_filled_with_nothing():
    for finding in KB.findings.values():
        for template in (finding.summary or "", *(v.summary for v in finding.variants)):
            assert "[" not in fill(template, {})


def test_undecided_says_why():
    question, why = undecided(KB, "loss-spike", "needs-steps", {"have": 12, "need": 60})
    assert question
    assert "12 of 60" in why
    assert undecided(KB, "loss-spike", "no-such-reason", {}) == ("", "")
    assert undecided(KB, "validation-rising", "no-validation", {})[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"batch_size": 4}, [("batch_size", 4, 1), ("gradient_accumulation_steps", None, 4)]),
        (
            {"batch_size": 4, "gradient_accumulation": 2},
            [("batch_size", 4, 1), ("gradient_accumulation", 2, 8)],
        ),
        ({}, [("train_batch_size", None, 1)]),
    ],
)
def test_the_effective_batch_stays(values, expected):
    """The batch becomes 1, and as many batches more are added up before a step."""
    rule = FixRule(
        "batch", "Set the batch size to 1.", "config", "pytorch",
        patch=(
            PatchRule("batch_size", "set", 1),
            PatchRule("gradient_accumulation", "keep-product", "batch_size"),
        ),
    )  # fmt: skip
    (symptom,) = [replace(KB.symptoms["cuda-out-of-memory"], fixes=(rule,))]
    (fix,) = fixes(KB, symptom, facts(**values))
    assert [(p.key.lstrip("-"), p.before, p.after) for p in fix.patch] == expected
