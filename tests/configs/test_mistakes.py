"""Unknown keys, values of the wrong kind and missing files are named; the rest is read."""

from __future__ import annotations

import shutil

import pytest

from loratui.configs import command
from loratui.configs.files import companions, read
from loratui.configs.mistakes import mistakes
from loratui.configs.settings import training_config
from loratui.engine.configuration import TOLD, Configuration
from tests.configs.configs import ALL, CONFIGS, kb, keys
from tests.configs.test_settings import TRAINER

# a real file of each trainer, what to put into it, and the line, key and words of the mistake
CASES = [
    ("kohya/config.toml", "learning_rate = 1e-4", 'learning_rate = "fast"', 14, "learning_rate",
     "a number is expected, not 'fast'"),
    ("kohya/config.toml", "network_dim = 32", "network_dmi = 32", 6, "network_dmi",
     "knows no key of this name; the nearest is network_dim"),
    ("kohya/dataset.toml", "is_reg = true", "is_reg = 'perhaps'", 18,
     "datasets[0].subsets[1].is_reg", "true or false is expected"),
    ("musubi_tuner/dataset.toml", "num_repeats =", "num_repaets =", 0, "num_repaets",
     "the nearest is"),
    ("ai_toolkit/config.yaml", "lr: 5e-4", "lr: fast", 36, "train.lr",
     "a number is expected, not 'fast'"),
    ("ai_toolkit/config.yaml", "linear: 8", "lineer: 8", 13, "network.lineer",
     "the nearest is network.linear"),
    ("onetrainer/config.json", '"batch_size": 2', '"batch_size": "two"', 0, "batch_size",
     "a whole number is expected, not 'two'"),
    ("simpletuner/config.json", '"--learning_rate": "1e-4"', '"--learning_rate": "fast"', 37,
     "--learning_rate", "a number is expected, not 'fast'"),
    ("simpletuner/multidatabackend.json", '"repeats": 5', '"repeats": "many"', 16, "[0].repeats",
     "a whole number is expected, not 'many'"),
    ("diffusion_pipe/main.toml", "lr = 2e-5", "lr = 'fast'", 27, "optimizer.lr",
     "a number is expected"),
    ("diffusion_pipe/dataset.toml", "num_repeats =", "num_repaet =", 0, "num_repaet",
     "the nearest is"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "line", "key", "says"), CASES)
def test_a_mistake_names_file_line_and_key(tmp_path, name, old, new, line, key, says):
    text = (CONFIGS / name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / name.rpartition("/")[2]
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    trainer = TRAINER[name.partition("/")[0]]
    before, after = read(CONFIGS / name), read(path)
    known = {fault[:3] for fault in mistakes(trainer, before, keys()[trainer], CONFIGS / trainer)}
    told = mistakes(trainer, after, keys()[trainer], CONFIGS / name.partition("/")[0])
    (found,) = [fault for fault in told if fault[:3] not in known]
    assert says in found.text
    assert found.key.endswith(key)
    assert found.text.startswith(found.key)
    assert found.file == str(path)
    assert found.line == (line or text[: text.index(old)].count("\n") + 1)
    # the rest is read
    assert len(after.values) == len(before.values)
    options = training_config(kb(), trainer, after).values
    same = training_config(kb(), trainer, before).values
    assert len([o for o in same if o in options and options[o].value == same[o].value]) >= (
        len(same) - 1
    )


REAL = [path for path in ALL if path.name != "config.toml"]


@pytest.mark.parametrize("path", REAL, ids=[str(p.relative_to(CONFIGS)) for p in REAL])
def test_real_files_have_none(path):
    trainer = TRAINER[path.parent.name]
    sources = [read(path)]
    sources += companions(sources, path.parent)
    assert mistakes(trainer, sources, keys()[trainer], path.parent) == []


@pytest.mark.parametrize(
    ("trainer", "line"),
    [
        ("kohya", "python train_network.py --xformers --lr_warmup_steps 0.1 --unet_lr None"),
        ("kohya", "python train_network.py --text_encoder_lr 1e-4 5e-5 --seed $SEED"),
        ("diffusers", "python train_dreambooth_lora.py --rank 4 --learning_rate 1e-4"),
        ("musubi-tuner", "python qwen_image_train_network.py --fp8_base --blocks_to_swap 16"),
    ],
)
def test_values_that_are_right(trainer, line):
    assert mistakes(trainer, command.read(line), keys()[trainer], ".") == []


@pytest.mark.parametrize(
    ("trainer", "content", "name", "says"),
    [
        ("kohya", 'dataset_config = "sets.toml"\nnetwork_dim = 8\nnetwork_module = "networks.lora"',
         "config.toml", "dataset_config: there is no file sets.toml"),
        ("diffusion-pipe", "dataset = '/data/sets.toml'\n[adapter]\ntype = 'lora'\n", "main.toml",
         "dataset: there is no file /data/sets.toml"),
        ("simpletuner", '{"data_backend_config": "config/backend.json"}', "config.json",
         "data_backend_config: there is no file config/backend.json"),
        ("onetrainer", '{"concept_file_name": "concepts.json"}', "config.json",
         "concept_file_name: there is no file concepts.json"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there(tmp_path, trainer, content, name, says):
    path = tmp_path / name
    path.write_text(content)
    (found,) = mistakes(trainer, read(path), keys()[trainer], tmp_path)
    assert (found.line, found.text) == (1, says)


def test_concepts_in_the_file_itself_need_no_other(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"concept_file_name": "concepts.json", "concepts": [{"path": "a"}]}')
    assert mistakes("onetrainer", read(path), keys()["onetrainer"], tmp_path) == []


def test_the_session_is_told(tmp_path):
    shutil.copy(CONFIGS / "ai_toolkit" / "config.yaml", tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text().replace("lr: 5e-4", "lr: fast").replace("linear:", "lineer:"))
    known = Configuration(tmp_path).read(kb(), "ai-toolkit")
    assert dict(known.problems) == {
        f"{path}:36": "config.process[0].train.lr: a number is expected, not 'fast'",
        f"{path}:13": "config.process[0].network.lineer: ai-toolkit knows no key of this name; "
        "the nearest is network.linear",
    }
    assert known.config.get("batch_size") == 2


def test_of_very_many_the_first_are_told(tmp_path):
    rows = "".join(f"nonsense_{at} = 1\n" for at in range(TOLD + 5))
    (tmp_path / "config.toml").write_text(
        f'network_module = "networks.lora"\nnetwork_dim = 8\ntrain_data_dir = "x"\n{rows}'
        'output_name = "a"\n'
    )
    known = Configuration(tmp_path).read(kb(), "kohya")
    assert len(known.problems) == TOLD + 1
    assert known.problems[-1] == ("configuration", "5 more of this kind")
