"""Folders of images and the steps of an epoch, by each trainer's own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from loratui.configs import command
from loratui.configs.base import Setting
from loratui.configs.files import parse
from loratui.configs.recognise import recognise
from loratui.configs.steps import steps_per_epoch
from loratui.configs.subsets import count, images, subsets
from loratui.core.dataset import Subset
from tests.configs.configs import CONFIGS, config

BASE = "/data"


def found(name: str, base: str | Path = BASE):
    file = config(name)
    return subsets(recognise(file), file, base)


def of(trainer: str, content: str, kind: str, base: str | Path = BASE):
    return subsets(trainer, parse(content.encode(), "it", kind), base)


def folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_bytes(b"")
    return path


def test_kohya_subsets_fall_back_on_data_set_and_general():
    rows, problems = found("kohya/dataset.toml")
    assert not problems
    assert [(s.path, s.repeats, s.batch_size, s.resolution, s.caption_extensions, s.is_reg,
             s.class_tokens, s.group, s.line) for s in rows] == [
        ("/data/datasets/maya", 10, 2, (512, 512), (".txt",), False, "maya", 0, 12),
        ("/data/datasets/reg", 1, 2, (512, 512), (".caption",), True, "", 0, 17),
        ("/data/datasets/wide", 1, 1, (768, 512), (".txt",), False, "", 1, 24),
    ]  # fmt: skip


def test_kohya_flags_are_the_last_to_fall_back_on():
    line = "python train_network.py --train_batch_size 3 --enable_bucket --resolution 640,512"
    given = [command.read(line), parse(b'[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\n')]
    rows, problems = subsets("kohya", given, BASE)
    assert not problems
    assert (rows[0].batch_size, rows[0].resolution, rows[0].buckets) == (3, (640, 512), True)
    assert rows[0].caption_extensions == (".caption",)  # its default


def test_kohya_folders_with_repeats(tmp_path):
    folder(tmp_path / "train" / "10_maya char", "a.png", "b.PNG", "c.Png", "a.txt", "d.gif")
    folder(tmp_path / "train" / "maya", "a.png")
    folder(tmp_path / "train" / "0_none", "a.png")
    folder(tmp_path / "reg" / "1_woman", "x.webp")
    (tmp_path / "train" / "5_file").write_text("")
    line = ("python train_network.py --train_data_dir train --reg_data_dir reg "
            "--caption_extension .txt")  # fmt: skip
    rows, problems = subsets("kohya", command.read(line), tmp_path)
    assert [(s.name, s.repeats, s.class_tokens, s.is_reg) for s in rows] == [
        ("10_maya char", 10, "maya char", False), ("1_woman", 1, "woman", True),
    ]  # fmt: skip
    assert count(rows[0]) == 2  # .png and .PNG, not .Png
    assert [p.text.partition(" is left out")[0] for p in problems] == [
        "the folder '0_none'", "the folder 'maya'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "says"),
    [(["zqxbot robot/a.png"], "no folder named such as"), ([], "there is no folder")],
)
def test_kohya_without_such_folders_says_so(tmp_path, names, says):
    for name in names:
        folder((tmp_path / "train" / name).parent, "a.png")
    given = command.read("python train_network.py --train_data_dir train")
    rows, problems = subsets("kohya", given, tmp_path)
    assert not rows
    assert any(says in p.text and p.key == "train_data_dir" for p in problems)


def test_kohya_metadata_takes_the_folder_itself():
    line = "python train_network.py --train_data_dir d --in_json m.json --dataset_repeats 4"
    rows, problems = subsets("kohya", command.read(line), BASE)
    assert not problems
    assert (rows[0].path, rows[0].metadata_file, rows[0].repeats) == ("/data/d", "/data/m.json", 4)
    assert rows[0].caption_source == "metadata"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[datasets]]\nresolution = 512\n", "has no subsets"),
        ("[[datasets]]\n[[datasets.subsets]]\nnum_repeats = 1\n", "image_dir is missing"),
        ('[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\nnum_repeats = 0\n', "left out"),
        ("[general]\nkeep_tokens = 1\n", "no data set is named"),
    ],
)
def test_kohya_problems(content, says):
    rows, problems = of("kohya", content, "toml")
    assert not rows
    assert says in problems[0].text


def test_musubi_data_sets():
    rows, problems = found("musubi_tuner/dataset.toml")
    assert not problems
    first, second = rows
    assert (first.path, first.repeats, first.batch_size, first.resolution) == (
        "/data/images", 2, 1, (960, 544),
    )  # fmt: skip
    assert first.without_caption == "left-out"
    assert (second.metadata_file, second.batch_size, second.controls) == (
        "/data/more.jsonl", 4, ("/data/controls",),
    )  # fmt: skip
    assert of("musubi-tuner", '[[datasets]]\nimage_directory = "a"\n', "toml")[1]  # no extension
    assert of("musubi-tuner", "[[datasets]]\nbatch_size = 1\n", "toml")[1]
    assert not of("musubi-tuner", '[[datasets]]\nvideo_directory = "a"\n', "toml")[0]


def test_a_list_of_resolutions_multiplies_an_ai_toolkit_data_set():
    content = ("train: {batch_size: 4}\ntrigger_word: maya\ndatasets:\n"
               "  - folder_path: a\n    resolution: [512, 768]\n    num_repeats: 3\n"
               "  - folder_path: b\n    caption_ext: .caption\n    batch_size: 2\n"
               "    is_reg: true\n    trigger_word: x\n    control_path: [c, d]\n"
               "  - dataset_path: e.json\n")  # fmt: skip
    rows, problems = of("ai-toolkit", content, "yaml")
    assert not problems
    assert [(s.path, s.resolution, s.repeats, s.batch_size, s.class_tokens) for s in rows] == [
        ("/data/a", (512, 512), 3, 4, "maya"), ("/data/a", (768, 768), 3, 4, "maya"),
        ("/data/b", (512, 512), 1, 2, "x"), ("", (512, 512), 1, 4, "maya"),
    ]  # fmt: skip
    assert rows[0].caption_extensions == (".txt",)
    assert rows[2].caption_extensions == (".caption",)
    assert (rows[2].is_reg, rows[2].controls) == (True, ("c", "d"))
    assert rows[3].metadata_file == "/data/e.json"


def test_ai_toolkit_walks_folders_but_not_hidden_ones(tmp_path):
    folder(tmp_path / "a" / "b", "1.JPG", "2.gif")
    folder(tmp_path / "a" / ".hidden", "3.jpg")
    folder(tmp_path / "a" / "_controls", "4.jpg")
    (tmp_path / "a" / ".5.jpg").write_bytes(b"")
    rows, _problems = of("ai-toolkit", "datasets:\n- folder_path: a\n", "yaml", tmp_path)
    assert [Path(path).name for path in images(rows[0])] == ["1.JPG"]


def test_onetrainer_concepts():
    content = """[
      {"path": "a", "balancing": 2.5, "include_subdirectories": true,
       "text": {"prompt_source": "filename"}},
      {"path": "b", "balancing": 30, "balancing_strategy": "SAMPLES", "type": "PRIOR_PREDICTION"},
      {"path": "c", "enabled": false}, {"path": "d", "type": "VALIDATION"},
      {"name": "e", "path": ""}]"""
    rows, problems = of("onetrainer", content, "json")
    assert [(s.path, s.repeats, s.samples, s.is_reg, s.recursive, s.caption_source)
            for s in rows] == [
        ("/data/a", 2.5, None, False, True, "filename"),
        ("/data/b", 1, 30, True, False, "file"),
    ]  # fmt: skip
    assert [p.key for p in problems] == ["concepts[4]"]


def test_onetrainer_leaves_masks_out(tmp_path):
    folder(tmp_path / "a", "1.png", "1-masklabel.png", "2.TIF", "1.txt")
    rows, _problems = of("onetrainer", '[{"path": "a", "balancing": 1}]', "json", tmp_path)
    assert count(rows[0]) == 2


def test_simpletuner_backends():
    rows, problems = found("simpletuner/config.json", CONFIGS / "simpletuner")
    assert [(s.name, s.repeats, s.batch_size, s.caption_source) for s in rows] == [
        ("something-special-to-remember-by", 6, 1, "filename")
    ]
    assert [p.key for p in problems] == ["[1].type"]
    assert problems[0].file.endswith("multidatabackend.json")
    content = """[{"id": "a", "type": "local", "instance_data_dir": "x", "resolution": 0.25,
      "resolution_type": "area", "caption_strategy": "textfile", "is_regularization_data": true},
      {"id": "b", "instance_data_dir": "y", "disabled": true},
      {"id": "t", "dataset_type": "text_embeds"}]"""
    rows, problems = of("simpletuner", content, "json")
    assert not problems
    assert [(s.path, s.resolution, s.repeats, s.without_caption, s.is_reg) for s in rows] == [
        ("/data/x", (500, 500), 1, "error", True)
    ]


def test_diffusion_pipe_directories():
    rows, problems = found("diffusion_pipe/main.toml", CONFIGS / "diffusion_pipe")
    assert not problems
    assert [(Path(s.path).name, s.resolution, s.repeats, s.batch_size, s.buckets, s.line)
            for s in rows] == [
        ("character", (512, 512), 5, 4, True, 8), ("character", (1024, 1024), 5, 1, True, 8),
        ("style", (448, 576), 1, 4, False, 13),
    ]  # fmt: skip


def test_diffusers_folders():
    rows, problems = found("diffusers/dreambooth.txt")
    assert not problems
    assert (rows[0].caption_source, rows[0].class_tokens) == ("prompt", "a photo of zqxbot robot")
    assert rows[0].image_extensions == ()  # every file is opened
    rows, _problems = found("diffusers/text-to-image.txt")
    assert rows[0].metadata_file == "/workspace/train/data/zqxbot/metadata.jsonl"
    line = ("python train_dreambooth_lora.py --instance_data_dir a --with_prior_preservation "
            "--class_data_dir b --num_class_images 50")  # fmt: skip
    rows, problems = subsets("diffusers", command.read(line), BASE)
    assert [(s.path, s.is_reg, s.samples) for s in rows] == [
        ("/data/a", False, None), ("/data/b", True, 50),
    ]  # fmt: skip
    hub = command.read("python train_text_to_image_lora.py --dataset_name a/b")
    assert "not in a folder here" in subsets("diffusers", hub, BASE)[1][0].text


def test_numbers_that_are_none_are_left_at_their_default():
    content = '[{"path": "a", "balancing": 1e999}, {"path": "b", "balancing": "x"}]'
    assert [s.repeats for s in of("onetrainer", content, "json")[0]] == [1, 1]
    content = (
        "datasets:\n- {folder_path: a, num_repeats: .inf, resolution: [x], batch_size: .nan}\n"
    )
    row = of("ai-toolkit", content, "yaml")[0][0]
    assert (row.repeats, row.resolution, row.batch_size) == (1, (512, 512), 1)


def test_paths_with_variables_are_left_and_said():
    rows, problems = of("ai-toolkit", "datasets:\n- folder_path: ${DATA}/a\n", "yaml")
    assert rows[0].path == "${DATA}/a"
    assert "known only where it runs" in problems[0].text


def test_an_unknown_trainer_and_nothing_at_all():
    assert subsets("", [], BASE)[1]
    assert subsets("kohya", [], BASE) == ([], [(0, "", "no data set is named", "")])
    assert count(Subset("/no/such/folder")) is None


# steps


def rows(*given):
    return [(Subset("", repeats=r, batch_size=b, **more), n) for n, r, b, more in given]


BUCKETS = {"buckets": True}
REG = {"is_reg": True}

# trainer, subsets (images, repeats, batch, more), settings, processes, steps, what it says
STEPS = [
    ("kohya", [(12, 2, 2, {})], {}, 1, 12, "12 × 2 = 24 images in batches of 2 are 12 batches"),
    ("kohya", [(12, 2, 2, BUCKETS)], {}, 1, 12, "at least 12 steps"),
    ("kohya", [(13, 1, 4, {})], {}, 1, 4, "4 steps"),
    ("kohya", [(5, 1, 4, {}), (5, 1, 4, {})], {}, 1, 3, "5 + 5 = 10 images"),
    ("kohya", [(5, 1, 4, {}), (5, 1, 4, {"group": 1})], {}, 1, 4, "; "),
    ("kohya", [(10, 10, 1, {}), (200, 1, 1, REG)], {}, 1, 200, "with regularization 200 images"),
    ("kohya", [(10, 10, 1, {}), (3, 1, 1, REG)], {}, 1, 200, "200"),
    ("kohya", [(10, 1, 1, {}), (4, 7, 1, REG)], {}, 1, 24, "24"),
    ("kohya", [(10, 1, 2, {}), (0, 1, 2, REG)], {}, 1, 5, "5 steps"),
    ("kohya", [({"a": 3, "b": 3}, 1, 2, BUCKETS)], {}, 1, 4, "are 4 batches"),
    ("kohya", [({"a": 3}, 1, 2, BUCKETS), ({"a": 3}, 1, 2, BUCKETS)], {}, 1, 3, "are 3 batches"),
    ("kohya", [(100, 1, 1, {})], {"gradient_accumulation_steps": 4}, 1, 25, "4 batches for a step"),
    ("kohya", [(100, 1, 1, {})], {"gradient_accumulation_steps": "4"}, 2, 13, "2 processes"),
    ("musubi-tuner", [(10, 3, 4, BUCKETS)], {}, 1, 8, "at least"),
    ("diffusers", [(8, 1, 2, {})], {}, 1, 4, "8 images in batches of 2"),
    ("diffusers", [(9, 2, 4, {})], {"gradient_accumulation_steps": 2}, 1, 3, "9 × 2 images"),
    ("diffusers", [(8, 1, 2, {}), (0, 1, 2, {"is_reg": True, "samples": 100})], {}, 1, 50,
     "100 class images"),
    ("diffusers", [(50, 1, 4, {})], {"max_train_samples": "10"}, 1, 3, "10 of 50"),
    ("onetrainer", [(12, 1.0, 2, {})], {}, 1, 6, "12 images in batches of 2 are 6 steps"),
    ("onetrainer", [(13, 1.5, 4, {})], {}, 1, 4, "13 × 1.5: 19 images"),
    ("onetrainer", [(13, 1, 4, BUCKETS)], {}, 1, 3, "at most 3 steps"),
    ("onetrainer", [({"a": 5, "b": 8}, 1, 4, BUCKETS)], {}, 1, 3, "are 3 steps"),
    ("onetrainer", [(100, 1, 2, {"samples": 30})], {}, 1, 15, "30 of 100"),
    ("onetrainer", [(16, 1, 2, {})], {"gradient_accumulation_steps": 4}, 2, 4, "one update"),
    ("simpletuner", [(25, 2, 4, {})], {}, 1, 13, "13 steps"),
    ("simpletuner", [(25, 2, 4, BUCKETS), (4, 1, 4, BUCKETS)], {}, 2, 8, "at least 8 steps"),
    ("simpletuner", [({"a": 5, "b": 1}, 1, 4, BUCKETS)], {}, 1, 3, "are 3 batches"),
    ("diffusion-pipe", [(10, 5, 4, {})], {"gradient_accumulation_steps": 2}, 1, 6,
     "50 images by 8"),
    ("diffusion-pipe", [(10, 1, 4, BUCKETS)], {}, 1, 2, "at most 2 steps"),
    ("diffusion-pipe", [({"a": 5, "b": 3}, 1, 4, BUCKETS)], {}, 1, 1, "1 steps"),
    ("diffusion-pipe", [(10, 1, 1, {})], {"subsample_ratio": 0.5}, 1, 5, "5 steps"),
    ("ai-toolkit", [(12, 1, 2, {"resolution": (64, 64)})], {}, 1, None,
     "one pass over 12 images at 64 is at least 6 batches"),
    ("kohya", [(10, 1, -4, {})], {"gradient_accumulation_steps": -1}, 0, 10, "batches of 1"),
    ("onetrainer", [(10, 1, 0, {})], {}, 1, 10, "batches of 1"),
    ("diffusion-pipe", [(10, 1, 0, {})], {"subsample_ratio": "inf"}, 1, 10, "10 steps"),
    ("kohya", [], {}, 1, None, "no images"),
    ("kohya", [(0, 1, 1, {})], {}, 1, None, "no images"),
    ("foo", [(1, 1, 1, {})], {}, 1, None, "No rule"),
]  # fmt: skip


@pytest.mark.parametrize(("trainer", "given", "settings", "processes", "steps", "says"), STEPS)
def test_the_steps_of_an_epoch_are_each_trainers_own(
    trainer, given, settings, processes, steps, says
):
    found = [Setting(key, value) for key, value in settings.items()]
    result, text = steps_per_epoch(trainer, rows(*given), found, processes)
    assert result == steps
    assert says in text
    assert text[-1] == "."


def test_steps_agree_with_what_the_real_runs_printed(tmp_path):
    """`num batches per epoch` 12 of sd-scripts, `step: 0/6` of OneTrainer."""
    names = [f"robot_{n:02}.{'jpg' if n % 3 == 0 else 'png'}" for n in range(12)]
    folder(tmp_path / "kohya_ok" / "2_zqxbot robot", *names, "robot_00.txt", ".aitk_size.json")
    file = config("kohya/cmd.txt")
    moved = [
        Setting(s.key, str(tmp_path / "kohya_ok"), origin=s.origin) if s.key == "train_data_dir"
        else s for s in file.values
    ]  # fmt: skip
    found, problems = subsets("kohya", moved, tmp_path)
    assert not problems
    assert steps_per_epoch("kohya", [(s, count(s) or 0) for s in found], moved)[0] == 12
    one = config("onetrainer/config.json")
    concept, _problems = subsets("onetrainer", one, CONFIGS / "onetrainer")
    assert steps_per_epoch("onetrainer", [(concept[0], 12)], one)[0] == 6
