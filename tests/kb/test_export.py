"""The whole base as JSON, and the schema that editors use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loratui.kb import files, load
from loratui.kb.export import as_json, json_schema
from loratui.kb.loader import trainer_keys

KB = load()
TRAINERS, BROKEN = trainer_keys()


def test_everything_is_exported() -> None:
    said = as_json(KB, TRAINERS, "loratui 0")
    again = json.loads(json.dumps(said, allow_nan=False))
    assert again["schema"] == "loratui.knowledge/1"
    assert again["symptoms"].keys() == KB.symptoms.keys()
    assert len(again["messages"]) == len(KB.messages)
    for kind in (*files.SINGLE, *files.FOLDERS, files.TRAINERS):
        assert again[kind], kind
    assert again["symptoms"]["plastic-skin"]["verify"]["images"] == 5
    assert again["problems"] == []


def test_the_schema_in_the_folder_is_the_programs() -> None:
    kept = json.loads((files.packaged() / "schema.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(json_schema()))


def test_every_reference_of_the_schema_exists() -> None:
    schema = json_schema()
    text = json.dumps(schema)
    for part in text.split('"$ref": "')[1:]:
        name = part.split('"')[0]
        assert name.startswith("#/$defs/")
        assert name.removeprefix("#/$defs/") in schema["$defs"]


def test_the_schema_knows_every_kind_of_file() -> None:
    named = {form["$ref"].removeprefix("#/$defs/file-") for form in json_schema()["anyOf"]}
    assert named == {*files.SINGLE, *files.FOLDERS, files.TRAINERS}
    assert json_schema()["$defs"]["Symptom"]["additionalProperties"] is False
    assert "finding" not in json_schema()["$defs"]["Message"]["required"]


# what every key of every trainer is for


def test_the_keys_of_all_seven_trainers_are_listed() -> None:
    assert not BROKEN
    assert set(TRAINERS) == {
        "kohya", "ai-toolkit", "onetrainer", "simpletuner", "diffusion-pipe", "musubi-tuner",
        "diffusers",
    }  # fmt: skip
    assert all(len(known.keys) > 100 for known in TRAINERS.values())


@pytest.mark.parametrize(
    ("trainer", "key", "kind"),
    [
        ("kohya", "network_dim", "integer"),
        ("kohya", "max_grad_norm", "number"),
        ("ai-toolkit", "train.lr", "number"),
        ("onetrainer", "learning_rate", "number"),
        ("simpletuner", "lora_rank", "integer"),
        ("diffusion-pipe", "adapter.rank", "integer"),
        ("musubi-tuner", "network_dim", "integer"),
        ("diffusers", "rank", "integer"),
    ],
)
def test_a_key_has_its_type(trainer: str, key: str, kind: str) -> None:
    assert TRAINERS[trainer].keys[key].type == kind


def test_no_default_lies_outside_its_own_bounds() -> None:
    for trainer, known in TRAINERS.items():
        for name, key in known.keys.items():
            value = key.default
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert key.least is None or value >= key.least, (trainer, name)
                assert key.most is None or value <= key.most, (trainer, name)
            if key.choices and value is not None and value != "":
                assert value in key.choices, (trainer, name)


def test_a_broken_list_of_keys_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "trainers").mkdir()
    (tmp_path / "trainers" / "kohya.yaml").write_text("id: koya\n")
    trainers, problems = trainer_keys(tmp_path)
    assert any("nearest: 'kohya'" in problem.text for problem in problems)
    assert trainers["kohya"].keys  # ours
