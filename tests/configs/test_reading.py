"""Every format gives keys, values, raw text and lines; every real file is read without a word."""

from __future__ import annotations

import json
import struct

import pytest

from loratui.configs import command
from loratui.configs.files import companions, read
from tests.configs.configs import ALL, CONFIGS, config, places, text, values

BROKEN = {"dataset-broken.toml", "config-broken.json"}


@pytest.mark.parametrize("path", ALL, ids=[str(p.relative_to(CONFIGS)) for p in ALL])
def test_a_real_file_is_read_and_only_broken_ones_have_problems(path):
    file = read(path)
    assert file.values or file.arguments
    assert bool(file.problems) == (path.name in BROKEN)
    count = path.read_text().count("\n") + 1
    assert all(1 <= s.line <= count and s.file == str(path) for s in file.values)


# file, key, value, raw, line
PLACES = [
    ("ai_toolkit/config.yaml", "train.lr", 5e-4, "5e-4", 36),
    ("ai_toolkit/config.yaml", "datasets[0].folder_path",
     "/workspace/train/data/kohya_ok/2_zqxbot robot",
     '"/workspace/train/data/kohya_ok/2_zqxbot robot"', 21),
    ("ai_toolkit/config.yaml", "datasets[0].resolution", (64,), "[ 64 ]", 26),
    ("ai_toolkit/config.yaml", "network.linear", 8, "8", 13),
    ("ai_toolkit/config.yaml", "config.name", "zqxbot_lora", '"zqxbot_lora"', 4),
    ("ai_toolkit/config.yaml", "meta.name", "zqxbot_lora", '"[name]"', 54),
    ("kohya/dataset.toml", "datasets[0].subsets[1].is_reg", True, "true", 18),
    ("kohya/dataset.toml", "datasets[1].resolution", (768, 512), "[768, 512]", 22),
    ("kohya/dataset.toml", "general.caption_extension", ".txt", "'.txt'", 3),
    ("kohya/config.toml", "network_dim", 32, "32", 6),
    ("kohya/config.toml", "learning_rate", 1e-4, "1e-4", 14),
    ("kohya/gui.json", "resolution", "1024,1024", '"1024,1024"', 42),
    ("kohya/train.bat", "network_dim", "32", "%DIM%", 9),
    ("kohya/train.bat", "pretrained_model_name_or_path",
     "D:\\my models\\sd_xl_base_1.0.safetensors", '"%MODEL%"', 7),
    ("kohya/fluxgym.sh", "discrete_flow_shift", "3.1582", "3.1582", 31),
    ("musubi_tuner/train.sh", "learning_rate", "5e-5", "${LR}", 18),
    ("musubi_tuner/train.sh", "optimizer_args", ("weight_decay=0.01", "betas=0.9,0.99"),
     '"weight_decay=0.01" "betas=0.9,0.99"', 17),
    ("musubi_tuner/train.sh", "mixed_precision", "bf16", "bf16", 15),
    ("musubi_tuner/train.sh", "gradient_checkpointing", True, "", 18),
    ("diffusion_pipe/main.toml", "optimizer.lr", 2e-5, "2e-5", 27),
    ("diffusion_pipe/main.toml", "micro_batch_size_per_gpu", ((512, 4), (1024, 1)),
     "[[512, 4], [1024, 1]]", 5),
    ("diffusion_pipe/dataset.toml", "directory[1].path", "images/style", "'images/style'", 13),
    ("onetrainer/config.json", "unet.weight_dtype", "FLOAT_32", '"FLOAT_32"', 17),
    ("onetrainer/concepts.json", "concepts[0].text.prompt_source", "sample", '"sample"', 7),
    ("onetrainer/samples.json", "samples[0].prompt",
     "zqxbot robot, front view, blue background",
     '"zqxbot robot, front view, blue background"', 4),
    ("simpletuner/config.json", "learning_rate", "1e-4", '"1e-4"', 37),
    ("simpletuner/multidatabackend.json", "[0].repeats", 5, "5", 16),
    ("simpletuner/config.env", "max_train_steps", "3000", "3000", 5),
    ("simpletuner/config.env", "learning_rate", "1e-4", "1e-4  # small", 4),
    ("simpletuner/config.env", "max_grad_norm", "1.0", "1.0", 11),
    ("kohya/cmd.txt", "learning_rate", "1e-3", "1e-3", 1),
    ("diffusers/dreambooth.txt", "instance_prompt", "a photo of zqxbot robot",
     "'a photo of zqxbot robot'", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "raw", "line"), PLACES)
def test_a_value_has_its_text_and_its_line(name, key, value, raw, line):
    found = config(name).get(key)
    assert found is not None
    assert (found.value, found.raw, found.line) == (value, raw, line)


def test_general_keys_are_those_of_the_knowledge_base():
    found = config("kohya/dataset.toml").get("datasets[0].subsets[1].is_reg")
    assert found.general == "datasets[].subsets[].is_reg"


def test_what_a_file_spells_differently_is_kept():
    assert config("ai_toolkit/config.yaml").get("train.lr").written == "config.process[0].train.lr"
    assert config("simpletuner/config.json").get("learning_rate").written == "--learning_rate"
    assert config("kohya/gui.json").get("resolution").written == "max_resolution"
    assert config("kohya/config.toml").get("network_dim").written == "network_arguments.network_dim"


def test_the_gui_hands_on_what_is_set_under_the_names_of_sd_scripts():
    found = values(config("kohya/gui.json"))
    assert found["network_module"] == "networks.lora"
    assert found["max_train_epochs"] == 100
    assert found["lr_warmup_steps"] == 0.1  # 10 percent
    assert found["xformers"] is True
    assert found["no_half_vae"] is True
    assert found["highvram"] is True  # additional_parameters
    assert found["huber_c"] == "0.2"
    for key in ("noise_offset", "seed", "network_weights", "max_train_steps", "color_aug", "epoch"):
        assert key not in found
    assert "multires_noise_discount" not in found


def test_flags_of_the_launcher_are_not_the_trainers():
    file = config("kohya/cmd.txt")
    assert [s.key for s in file.launcher] == ["num_cpu_threads_per_process", "mixed_precision"]
    assert "num_cpu_threads_per_process" not in values(file)
    assert file.script.endswith("sd-scripts/train_network.py")


def test_a_command_may_be_a_list_a_printed_list_or_text():
    words = ["python", "train_network.py", "--network_dim", "8", "--output_name=a b", "--sdpa"]
    expected = {"network_dim": "8", "output_name": "a b", "sdpa": True}
    assert values(command.read(words)) == expected
    assert values(command.read(f"subprocess.CalledProcessError: Command '{words}' …")) == expected
    assert values(command.read('python train_network.py --network_dim 8 --output_name="a b" '
                               "--sdpa")) == expected  # fmt: skip


# script, key, value, line
SHELL = [
    ("X=1\npython train.py --a $X", "a", "1", 2),
    ("X=1\npython train.py --a '$X'", "a", "$X", 2),
    ('X="a b"\npython train.py --a "$X"', "a", "a b", 2),
    ("X='a b'\npython train.py --a $X", "a", ("a", "b"), 2),
    ("ARGS='--a 1 --b 2'\npython train.py $ARGS", "b", "2", 1),
    ('ARGS="--a 1 \\\n --b 2"\npython train.py $ARGS', "b", "2", 2),
    ('args=(--a 1\n --b 2)\npython train.py "${args[@]}"', "b", "2", 2),
    ("A=(--x)\nA+=(--b 3)\npython train.py ${A[@]}", "b", "3", 2),
    ("python train.py --a ${Y:-7}", "a", "7", 1),
    ("python train.py --a $UNKNOWN", "a", "$UNKNOWN", 1),
    ("python train.py --a $(rm -rf /)", "a", "$(rm -rf /)", 1),
    ("python train.py \\\n  --a 1 # no\n", "a", "1", 2),
    ("python train.py --a=-5", "a", "-5", 1),
    ("python train.py --a -5 --b", "a", "-5", 1),
    ("CUDA_VISIBLE_DEVICES=0 python train.py --a 1 > log 2>&1 &", "a", "1", 1),
    ("cd x && python train.py --a 1 | tee log", "a", "1", 1),
    ("cat <<EOF\npython train.py --a 2\nEOF\npython train.py --a 1", "a", "1", 4),
    ("python cache_latents.py --a 2\npython train.py --a 1", "a", "1", 2),
    ("python train.py --a 1 --a 2", "a", "2", 1),
    ("if true; then\n  python train.py --a 1; fi", "a", "1", 2),
]  # fmt: skip


@pytest.mark.parametrize(("script", "key", "value", "line"), SHELL)
def test_a_script_is_read_without_being_run(script, key, value, line):
    found = text(script, "shell").get(key)
    assert (found.value, found.line) == (value, line)


def test_a_script_without_training_says_so():
    assert "no training" in text("ls -l --color", "shell").problems[0].text
    assert "no training" in text("", "shell").problems[0].text


def test_yaml_is_read_as_pyyaml_reads_it_and_variables_stay():
    file = text("a: 1e-4\nb: yes\nc: 'yes'\nd: ${HF_TOKEN}\ne: 1_000\nf: ~\ng: {}\nh: []\n", "yaml")
    assert values(file) == {"a": 1e-4, "b": True, "c": "yes", "d": "${HF_TOKEN}", "e": 1000,
                            "f": None, "g": {}, "h": ()}  # fmt: skip


def test_yaml_anchors_and_merges_keep_their_own_lines():
    file = text("x: &x\n  lr: 1\n  n: 2\ny:\n  <<: *x\n  n: 3\n", "yaml")
    assert places(file)["y.lr"] == (1, 2)
    assert places(file)["y.n"] == (3, 6)


def test_sections_mean_nothing_to_sd_scripts_but_do_to_diffusion_pipe():
    assert "network_dim" in values(config("kohya/config.toml"))
    assert "model.type" in values(config("diffusion_pipe/main.toml"))


def test_ai_toolkit_json_is_read_like_its_yaml():
    content = {"job": "extension", "config": {"name": "n", "process": [
        {"train": {"lr": 1e-4}, "log_dir": "out/[name]"}]}}  # fmt: skip
    file = text(json.dumps(content, indent=1), "json")
    assert places(file)["train.lr"] == (1e-4, 8)
    assert values(file)["log_dir"] == "out/n"


def _safetensors(metadata: dict, extra: bytes = b"") -> bytes:
    header = json.dumps({"__metadata__": metadata}).encode()
    return struct.pack("<Q", len(header)) + header + extra


def test_a_lora_says_what_its_run_was(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(_safetensors({
        "ss_network_dim": "8", "ss_learning_rate": "0.001", "ss_clip_skip": "None",
        "ss_resolution": "(64, 64)", "ss_batch_size_per_device": "2",
        "ss_optimizer": "torch.optim.adamw.AdamW(weight_decay=0.01)",
        "ss_network_args": '{"conv_dim": "4"}', "ss_base_model_version": "sdxl_base_v1-0",
    }, b"tensors"))  # fmt: skip
    file = read(path)
    assert not file.problems
    assert values(file) == {
        "network_dim": "8", "learning_rate": "0.001", "resolution": "64,64",
        "train_batch_size": "2", "optimizer_type": "AdamW", "network_args": ("conv_dim=4",),
        "ss_base_model_version": "sdxl_base_v1-0",
    }  # fmt: skip
    assert file.get("train_batch_size").written == "ss_batch_size_per_device"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", b"\xff" * 8, struct.pack("<Q", 100) + b"{}", struct.pack("<Q", 2) + b"[]",
     struct.pack("<Q", 3) + b"{a}", struct.pack("<Q", 2**62) + b"{}",
     struct.pack("<Q", 21) + b'{"__metadata__": [1]}',
     struct.pack("<Q", 200_000) + b"[" * 200_000],
)  # fmt: skip
def test_a_broken_lora_is_a_problem(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    assert read(path).problems
    assert not read(path).values


def test_files_that_a_command_names_are_found_beside_it():
    folder = CONFIGS / "onetrainer"
    found = companions(config("onetrainer/cmd.txt"), folder)
    assert [file.path.rpartition("/")[2] for file in found] == ["config.json", "concepts.json"]
    toolkit = companions(config("ai_toolkit/cmd.txt"), CONFIGS / "ai_toolkit")
    assert [file.path.rpartition("/")[2] for file in toolkit] == ["config.yaml"]


def test_a_named_file_that_is_not_there_is_a_problem(tmp_path):
    found = companions(command.read("python train_network.py --dataset_config no.toml"), tmp_path)
    assert "no such file" in found[0].problems[0].text


def test_files_that_name_each_other_end(tmp_path):
    (tmp_path / "a.toml").write_text('config_file = "b.toml"\n')
    (tmp_path / "b.toml").write_text('config_file = "a.toml"\n')
    assert len(companions(read(tmp_path / "a.toml"), tmp_path)) == 2


def test_a_line_is_what_an_editor_shows():
    """PyYAML ends a line at U+2028 as well."""
    assert text("a: 'x\u2028y'\nb: 1\n", "yaml").get("b").line == 2
