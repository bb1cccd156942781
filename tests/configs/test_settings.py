"""Keys become options by each trainer's own rule; trainers and families are told by their keys."""

from __future__ import annotations

import pytest

from loratui.configs import command
from loratui.configs.base import ConfigFile, Setting
from loratui.configs.coerce import coerced, parsed, truth, whole
from loratui.configs.family import family_of, named
from loratui.configs.files import companions, parse
from loratui.configs.recognise import recognise
from loratui.configs.settings import training_config, unknown_keys
from tests.configs.configs import ALL, CONFIGS, config, kb, keys, text

TRAINER = {
    "ai_toolkit": "ai-toolkit", "kohya": "kohya", "onetrainer": "onetrainer",
    "diffusers": "diffusers", "simpletuner": "simpletuner", "diffusion_pipe": "diffusion-pipe",
    "musubi_tuner": "musubi-tuner",
}  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=[str(p.relative_to(CONFIGS)) for p in ALL])
def test_every_real_file_is_recognised(path):
    assert recognise(path) == TRAINER[path.parent.name]


@pytest.mark.parametrize(
    "content",
    ["a: 1\n", "name: x\nversion: 1\ndependencies: [a]\n", "train:\n  epochs: 3\n",
     "model: gpt2\nlearning_rate: 1e-4\nseed: 1\n", "services:\n  web:\n    image: x\n",
     "learning_rate: 1e-4\nnum_train_epochs: 3\noutput_dir: x\n",
     "model:\n  type: bert\noptimizer:\n  lr: 1\n"],
)  # fmt: skip
def test_other_files_are_nobodys(content):
    assert recognise(text(content, "yaml")) == ""


@pytest.mark.parametrize(
    ("line", "trainer"),
    [
        ("accelerate launch sdxl_train_network.py --config_file=x.toml", "kohya"),
        ("python flux_train_network.py --config_file x", "kohya"),
        ("accelerate launch wan_train_network.py --config_file x", "musubi-tuner"),
        ("python src/musubi_tuner/flux_kontext_train_network.py", "musubi-tuner"),
        ("python train_dreambooth_lora_sdxl.py --rank 4", "diffusers"),
        ("python run.py config/x.yaml", "ai-toolkit"),
        ("deepspeed --num_gpus=1 train.py --deepspeed --config x.toml", "diffusion-pipe"),
        ("simpletuner train", "simpletuner"),
        ("python scripts/train.py --config-path x.json", "onetrainer"),
        ("python manage.py --settings x", ""),
        ("python train.py --lr 1", ""),
    ],
)
def test_a_command_is_recognised_by_its_script(line, trainer):
    assert recognise(command.read(line)) == trainer


# file, option, value, key, line
OPTIONS = [
    ("ai_toolkit/config.yaml", "learning_rate", 5e-4, "train.lr", 36),
    ("ai_toolkit/config.yaml", "batch_size", 2, "train.batch_size", 28),
    ("ai_toolkit/config.yaml", "dataset_path", "/workspace/train/data/kohya_ok/2_zqxbot robot",
     "datasets[0].folder_path", 21),
    ("kohya/cmd.txt", "learning_rate", 1e-3, "learning_rate", 1),
    ("kohya/cmd.txt", "network_dim", 4, "network_dim", 1),
    ("kohya/cmd.txt", "cache_latents", True, "cache_latents", 1),
    ("kohya/cmd.txt", "epochs", 6, "max_train_epochs", 1),
    ("kohya/gui.json", "batch_size", 8, "train_batch_size", 83),
    ("kohya/gui.json", "clip_skip", 1, "clip_skip", 15),
    ("kohya/dataset.toml", "repeats", 10, "datasets[0].subsets[0].num_repeats", 14),
    ("onetrainer/config.json", "learning_rate", 5e-4, "learning_rate", 28),
    ("onetrainer/config.json", "gradient_checkpointing", False, "gradient_checkpointing", 46),
    ("simpletuner/config.json", "learning_rate", 1e-4, "learning_rate", 37),
    ("simpletuner/config.json", "gradient_checkpointing", True, "gradient_checkpointing", 24),
    ("simpletuner/config.env", "network_dim", 16, "lora_rank", 10),
    ("simpletuner/multidatabackend.json", "repeats", 5, "[0].repeats", 16),
    ("diffusion_pipe/main.toml", "learning_rate", 2e-5, "optimizer.lr", 27),
    ("diffusion_pipe/dataset.toml", "repeats", 5, "directory[0].num_repeats", 9),
    ("musubi_tuner/train.sh", "learning_rate", 5e-5, "learning_rate", 18),
    ("diffusers/dreambooth.txt", "learning_rate", 5e-4, "learning_rate", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "option", "value", "key", "line"), OPTIONS)
def test_options_keep_key_text_file_and_line(name, option, value, key, line):
    file = config(name)
    found = training_config(kb(), recognise(file), file).values[option]
    assert (found.value, found.key, found.line) == (value, key, line)
    assert type(found.value) is type(value)
    assert found.file == file.path
    assert found.option == option


def _flag(key: str, value: str) -> Setting:
    return Setting(key, value, value, 1, "cmd", origin="flag")


# trainer, settings in the order of reading, option, value
RULES = [
    ("kohya", [_flag("learning_rate", "1e-3"), Setting("learning_rate", 1e-4)],
     "learning_rate", 1e-3),
    ("kohya", [Setting("learning_rate", 1e-4), Setting("learning_rate", 2e-4)],
     "learning_rate", 2e-4),
    ("kohya", [Setting("datasets[0].batch_size", 4), Setting("general.batch_size", 2),
               _flag("train_batch_size", "1")], "batch_size", 4),
    ("kohya", [Setting("general.batch_size", 2), _flag("train_batch_size", "1")], "batch_size", 2),
    ("kohya", [Setting("general.num_repeats", 1), Setting("datasets[0].subsets[0].num_repeats", 3),
               Setting("datasets[0].num_repeats", 2)], "repeats", 3),
    ("kohya", [Setting("datasets[0].subsets[0].num_repeats", 3),
               Setting("datasets[0].subsets[1].num_repeats", 9)], "repeats", 3),
    ("kohya", [Setting("datasets[0].batch_size", None), _flag("train_batch_size", "1")],
     "batch_size", 1),
    ("kohya", [Setting("vae", "a"), Setting("ae", "b")], "vae", "a"),
    ("kohya", [Setting("text_encoder_lr", ("1e-5", "2e-5"), origin="flag")], "text_encoder_lr",
     (1e-5, 2e-5)),
    ("kohya", [Setting("text_encoder_lr", (1e-5,))], "text_encoder_lr", 1e-5),
    ("kohya", [Setting("network_dim", "4", origin="metadata"), Setting("network_dim", 8)],
     "network_dim", 8),
    ("ai-toolkit", [Setting("datasets[0].batch_size", 4), Setting("train.batch_size", 1)],
     "batch_size", 4),
    ("ai-toolkit", [Setting("datasets[0].batch_size", None), Setting("train.batch_size", 1)],
     "batch_size", 1),
    ("ai-toolkit", [Setting("train.gradient_accumulation", 1),
                    Setting("train.gradient_accumulation_steps", 4)], "gradient_accumulation", 4),
    ("ai-toolkit", [Setting("datasets[0].cache_latents_to_disk", False),
                    Setting("datasets[0].cache_latents", True)], "cache_latents", True),
    ("onetrainer", [Setting("model_type", "FLUX_DEV_1"), Setting("unet.learning_rate", 1.0),
                    Setting("transformer.learning_rate", 2.0)], "unet_lr", 2.0),
    ("onetrainer", [Setting("model_type", "STABLE_DIFFUSION_XL_10_BASE"),
                    Setting("transformer.learning_rate", 2.0), Setting("unet.learning_rate", 1.0)],
     "unet_lr", 1.0),
    ("simpletuner", [Setting("[0].dataset_type", "text_embeds"), Setting("[0].repeats", 7),
                     Setting("[1].repeats", 2)], "repeats", 2),
    ("simpletuner", [Setting("train_batch_size", 4), Setting("[0].train_batch_size", 2)],
     "batch_size", 2),
    ("diffusion-pipe", [Setting("directory[0].num_repeats", 5), Setting("num_repeats", 1)],
     "repeats", 5),
    ("musubi-tuner", [Setting("flash_attn", False), Setting("flash3", True)], "flash_attention",
     True),
]  # fmt: skip


@pytest.mark.parametrize(("trainer", "given", "option", "value"), RULES)
def test_the_trainers_own_rule_decides(trainer, given, option, value):
    assert training_config(kb(), trainer, given).get(option) == value


def test_sources_may_be_files_and_their_companions():
    file = config("kohya/cmd-dataset.txt")
    sources = [file, *companions(file, CONFIGS / "kohya")]
    found = training_config(kb(), "kohya", sources)
    assert found.number("batch_size") == 2
    assert found.values["batch_size"].key == "datasets[0].batch_size"
    assert found.values["batch_size"].file.endswith("dataset.toml")
    assert found.values["learning_rate"].file.endswith("cmd-dataset.txt")


def test_no_real_file_has_an_unknown_key_but_the_mistyped_one():
    found = {}
    for path in ALL:
        file = config(str(path.relative_to(CONFIGS)))
        for unknown in unknown_keys(recognise(file), file, keys()[recognise(file)]):
            if unknown.setting.key != "validation_torch_compile":  # no longer in SimpleTuner
                found[path.name] = (unknown.setting.key, unknown.setting.line, unknown.nearest)
    assert found == {"config.toml": ("netwrok_train_unet_only", 16, "network_train_unet_only")}


# trainer, key, nearest known one ("-" for a key that is known)
UNKNOWN = [
    ("ai-toolkit", "train.learning_rate", ""),
    ("ai-toolkit", "train.batchsize", "train.batch_size"),
    ("ai-toolkit", "batch_size", ""),
    ("ai-toolkit", "datasets[3].folderpath", "datasets[].folder_path"),
    ("ai-toolkit", "config.process[1].train.lr", "-"),
    ("ai-toolkit", "train.optimizer_params.anything", "-"),
    ("ai-toolkit", "train.optimizer_params", "-"),
    ("ai-toolkit", "sample.prompts", "-"),
    ("kohya", "datasets[0].subsets[0].num_repeat", "datasets[].subsets[].num_repeats"),
    ("kohya", "learning_rte", "learning_rate"),
    ("kohya", "zzz", ""),
    ("onetrainer", "unet.weight_dtyp", "unet.weight_dtype"),
    ("simpletuner", "[0].repeat", "[].repeats"),
    ("diffusion-pipe", "optimizer.d_coef", "-"),
]


@pytest.mark.parametrize(("trainer", "key", "near"), UNKNOWN)
def test_an_unknown_key_comes_with_the_nearest_known_one(trainer, key, near):
    found = unknown_keys(trainer, [Setting(key, 1)], keys()[trainer])
    if near == "-":
        assert not found
    else:
        assert [unknown.setting.key for unknown in found] == [key]
        assert not near or found[0].nearest == near


def test_the_gui_and_metadata_may_have_keys_of_their_own():
    given = [Setting("zzz", 1, origin="gui"), Setting("zzz2", 1, origin="metadata")]
    assert not unknown_keys("kohya", given, keys()["kohya"])


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("1e-4", "number", 1e-4), ("8", "integer", 8), ("8.0", "integer", 8), (8.0, "integer", 8),
        ("0.1", "integer", 0.1), ("x", "number", "x"), ("1,5", "number", "1,5"),
        ("inf", "integer", float("inf")), ("9" * 5000, "integer", "9" * 5000),
        ("true", "boolean", True), ("OFF", "boolean", False), ("1", "boolean", True),
        (0, "boolean", False), ("CPU_OFFLOADED", "boolean", True), ("maybe", "boolean", "maybe"),
        (True, "number", True), ("8", "text", "8"), (8, "text", 8), (("1", "2"), "number", (1, 2)),
        (None, "number", None), ({"a": 1}, "number", {"a": 1}), ("1_0", "integer", "1_0"),
    ],
)  # fmt: skip
def test_text_becomes_the_options_kind(value, kind, result):
    found = coerced(value, kind)
    assert found == result
    assert type(found) is type(result)


def test_small_readings_of_values():
    assert parsed("nope") is None
    assert whole(True) is None
    assert whole("4") == 4
    assert truth("no") is False
    assert truth("maybe") is True


@pytest.mark.parametrize(
    ("name", "family"),
    [("kohya/cmd.txt", "sd15"), ("kohya/config.toml", "sdxl"), ("kohya/fluxgym.sh", "flux"),
     ("kohya/train.bat", "sdxl"), ("kohya/gui.json", "sdxl"), ("kohya/dataset.toml", ""),
     ("musubi_tuner/train.sh", "qwen-image"), ("diffusion_pipe/main.toml", "qwen-image"),
     ("simpletuner/config.json", "flux"), ("onetrainer/config.json", "sd15"),
     ("ai_toolkit/config.yaml", "sd15")],
)  # fmt: skip
def test_the_family_of_real_files(name, family):
    assert family_of(config(name)) == family


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("black-forest-labs/FLUX.1-dev", "flux"), ("flux1-dev.safetensors", "flux"),
        ("FLUX_DEV_1", "flux"), ("flux_kontext", "flux"), ("black-forest-labs/FLUX.2-dev", ""),
        ("flux2", ""), ("Qwen/Qwen-Image", "qwen-image"), ("qwen_image_edit_plus", "qwen-image"),
        ("QWEN", "qwen-image"), ("Qwen/Qwen2.5-7B", ""),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl"), ("ponyDiffusionV6XL", "sdxl"),
        ("STABLE_DIFFUSION_XL_10_BASE", "sdxl"), ("sdxl_base_v1-0", "sdxl"),
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd15"), ("sd_v1", "sd15"),
        ("STABLE_DIFFUSION_15", "sd15"), ("v1-5-pruned.safetensors", "sd15"),
        ("stabilityai/stable-diffusion-3.5-large", ""), ("stabilityai/stable-diffusion-2-1", ""),
        ("lodestones/Chroma", ""), ("mymodel", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_family_that_a_name_says(text, family):
    assert named(text) == family


def test_an_architecture_stands_above_a_file_name():
    given = [Setting("model.arch", "flux2"), Setting("model.name_or_path", "FLUX.1-dev")]
    assert family_of(given) == ""
    assert family_of([Setting("model.is_xl", True)]) == "sdxl"
    assert family_of(command.read("python sdxl_train_network.py --network_dim 4")) == "sdxl"
    assert family_of([Setting("network_module", "networks.lora_flux")]) == "flux"


def test_nothing_gives_nothing():
    empty = ConfigFile()
    assert recognise(empty) == family_of(empty) == ""
    assert not training_config(kb(), "kohya", empty).values
    assert not training_config(kb(), "no-trainer", parse(b"a: 1\n")).values
