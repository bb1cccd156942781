"""The packaged knowledge itself: whole, linked, reachable, and about what it says it is."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from loratui.detectors import detectors
from loratui.kb import lint, load
from loratui.kb.linting import check
from loratui.kb.loader import trainer_keys

KB = load()


def test_lint_finds_nothing():
    assert [f"{p.where}: {p.text}" for p in lint()] == []


def test_every_detector_is_a_built_finding_with_a_symptom():
    for detector in detectors():
        known = KB.findings[detector.id]
        assert known.built
        assert known.symptom in KB.symptoms


def test_every_error_text_belongs_to_a_built_finding_with_a_symptom():
    for message in KB.messages:
        known = KB.findings[message.finding]
        assert known.built
        assert known.symptom in KB.symptoms


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tree": None}, "there is no tree"),
        ({"sources": {}}, "no source 'decision-tree'"),
        ({"options": {}}, "no option 'learning_rate'"),
        ({"findings": {}}, "no finding 'cuda-oom'"),
        ({"symptoms": {}}, "no symptom 'cuda-out-of-memory'"),
        ({"profiles": {}}, "no profile"),
    ],
)
def test_lint_notices_what_is_missing(change, says):
    problems = check(dataclasses.replace(KB, **change))
    assert any(says in problem.text for problem in problems)


def test_lint_notices_an_unreachable_symptom_and_the_order_of_fixes():
    killed = KB.symptoms["killed"]
    lonely = dataclasses.replace(killed, id="lonely", fixes=killed.fixes[::-1])
    problems = check(dataclasses.replace(KB, symptoms={**KB.symptoms, "lonely": lonely}))
    texts = {(problem.key.split(".")[0], problem.text) for problem in problems}
    assert ("lonely", "no answer of the tree leads here") in texts
    assert ("lonely", "the cheapest do not come first") in texts


def test_a_fix_that_practice_contradicts_is_never_first_and_never_patched():
    contested = 0
    for symptom in KB.symptoms.values():
        for at, fix in enumerate(symptom.fixes):
            if fix.caveat is not None:
                contested += 1
                assert at > 0
                assert not fix.patch
    assert contested >= 3


@pytest.mark.parametrize("trainer", ["kohya", "ai-toolkit", "diffusers", "onetrainer"])
def test_keys_and_names_agree_both_ways(trainer):
    names = KB.option_names(trainer)
    for option, info in KB.options.items():
        for key in info.keys.get(trainer, ()):
            assert names[key] == option


def test_an_unknown_trainer_knows_all_keys():
    names = KB.option_names("unknown")
    assert names["learning_rate"] == names["train.lr"] == "learning_rate"
    assert KB.key("learning_rate", "unknown") == "learning_rate"
    assert KB.key("learning_rate", "diffusers") == "--learning_rate"
    assert KB.key("caption_column", "kohya") is None


def test_sources_are_cited_by_title_date_and_section():
    assert KB.cite("decision-tree#overfit").endswith("(2025-11-28): Issue: Overfit")
    assert KB.cite("python") == KB.sources["python"].title
    assert KB.cite("who-knows") == "who-knows"


def test_the_recipe_keeps_its_figures():
    recipe = KB.profiles["recipe-qwen-image-edit-character"]
    assert recipe.settings["learning_rate"] == 0.0002
    assert [level.loss for level in recipe.levels] == [(0.15, 0.08), (0.08, 0.05), (0.05, 0.03)]


def test_importing_the_package_loads_nothing_heavy():
    code = "import loratui.kb, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "yaml", "loratui.kb.schema"} & set(json.loads(done.stdout))


def test_the_defaults_of_options_are_the_trainers_own() -> None:
    """What stands in options.yaml is what the trainer's own list of keys says."""
    trainers, _ = trainer_keys()
    checked = 0
    for name, option in KB.options.items():
        for trainer, default in option.defaults.items():
            key = trainers[trainer].keys[option.keys[trainer][0]]
            assert key.default == default, f"{name} of {trainer}"
            checked += 1
    assert checked > 100
