"""PowerShell scripts are followed without being run; the window's TOML becomes sd-scripts' own."""

from __future__ import annotations

import time

import pytest

from loratui.configs.files import parse
from loratui.configs.recognise import recognise
from loratui.configs.settings import training_config, unknown_keys
from loratui.configs.subsets import subsets
from tests.configs.configs import config, kb, keys, places, text, values

TRAIN = "python train_network.py"


def flags(content: str) -> dict[str, object]:
    file = text(content, "powershell")
    assert file.script == "train_network.py", file.problems
    return values(file)


# PowerShell


def test_a_script_with_variables_lists_and_conditions():
    file = config("kohya/train.ps1")
    found = places(file)
    assert file.script == "./sd-scripts/sdxl_train_network.py"
    assert [(s.key, s.value) for s in file.launcher] == [("num_cpu_threads_per_process", "8")]
    assert found["pretrained_model_name_or_path"] == (
        "D:\\my models\\sd_xl_base_1.0.safetensors",
        36,
    )
    assert found["train_data_dir"] == ("./train/zqxbot robot", 37)
    assert (found["network_dim"], found["network_alpha"]) == (("16", 39), ("8", 40))
    assert found["output_name"] == ("zqxbot robot_v1", 44)
    assert found["unet_lr"] == ("1e-4", 24)  # the branch that runs
    assert found["network_args"] == ("loraplus_lr_ratio=4", 30)
    assert file.get("learning_rate").raw == "$lr"
    assert recognise(file) == "kohya"
    options = training_config(kb(), "kohya", file).values
    assert options["unet_lr"].value == 1e-4
    assert not unknown_keys("kohya", file, keys()["kohya"])


@pytest.mark.parametrize(
    ("before", "behind", "expected"),
    [
        ("", "--a 1 --b", {"a": "1", "b": True}),
        ("", "`\n --a 1 `\r\n --b=2 # no\n --c 3", {"a": "1", "b": "2"}),
        ("$x = 1", "--a $x", {"a": "1"}),
        ("$X = 'a b'", "--a $x", {"a": "a b"}),
        ("$x = 'a'", "--a \"$x-${X}_1\" --b '$x'", {"a": "a-a_1", "b": "$x"}),
        ("$x = 0.5; $y = 1e-4", "--a=$x --b=$y", {"a": "0.5", "b": "0.0001"}),
        ("$x = 2 + 3", "--a $x", {"a": "5"}),
        ("$x = 'a' + 'b'", "--a $x", {"a": "ab"}),
        ("$x = @('--a', '1',\n  '--b') # list", "$x", {"a": "1", "b": True}),
        ("$x = '--a', '1'", "@x", {"a": "1"}),
        ("$x = @()\n$x += '--a'\n$x += @('1', '--b')", "$x --c", {"a": "1", "b": True, "c": True}),
        ("$x = [System.Collections.ArrayList]::new()\n[void]$x.Add('--a=' + 1)", "$x", {"a": "1"}),
        ("$x = New-Object System.Collections.ArrayList\n$x.Add('--a')", "$x", {"a": True}),
        ("$x = @()\n$null = $x.AddRange(@('--a', '1'))", "$x", {"a": "1"}),
        ("$env:X = '1'", "--a $Env:x", {"a": "1"}),
        ("[int]$x = 1\n[string]$y = 'z'", "--a $x --b $y", {"a": "1", "b": "z"}),
        ("param([int]$x = 1, [Parameter()][string] $y = 'z')", "--a $x --b $y",
         {"a": "1", "b": "z"}),
        ("$x = @'\na $y\n'@", '--a "$x" --b', {"a": "a $y", "b": True}),
        ("", "--a \"say `\"it`\"\" --b 'it''s'", {"a": 'say "it"', "b": "it's"}),
        ("", "--a 1 > log.txt 2>&1", {"a": "1"}),
        ("", "--a 1 *>&1 | Tee-Object x.log", {"a": "1"}),
        ("$x = $null", "--a $x --b", {"a": "", "b": True}),
        ("", "--a $env:HOME", {"a": "$env:HOME"}),  # known only there
        ("", "--a $(Get-Date) --b", {"a": "$(Get-Date)", "b": True}),
        ("function f { $x = 2 }\n$x = 1\nforeach ($i in 1) { $x = 3 }", "--a $x", {"a": "1"}),
        ("try { $x = 1 } catch { $x = 2 }", "--a $x", {"a": "1"}),
    ],
)  # fmt: skip
def test_values_are_put_in(before, behind, expected):
    assert flags(f"{before}\n& {TRAIN} {behind}\n") == expected


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("$one", True), ("$zero", False), ("$empty", False), ("$unset", False), ("$word", True),
        ("!$one", False), ("-not $zero", True), ("$true", True), ("$False", False),
        ("$one -eq 1", True), ("$one -ne 1", False), ("$word -eq 'WORD'", True),
        ("$word -ceq 'x'", False), ("$one -gt 0 -and $zero -lt 1", True),
        ("$zero -or $word", True), ("($zero -or $one) -and -not ($empty)", True),
        ("$word -like 'wo*'", True), ("$word -inotlike 'x*'", True), ("$one -ge '1'", True),
        ("$list -contains 'b'", True), ("'c' -in $list", False), ("'c' -notin $list", True),
        ("$zero -and $env:X", False), ("$one -or $env:X", True), ("$list", True),
        ('$word -eq "wo$rest"', True),
    ],
)  # fmt: skip
def test_conditions(condition, holds):
    script = (
        "$one = 1; $zero = 0; $empty = ''; $word = 'word'; $rest = 'rd'; $list = @('a', 'b')\n"
        f"$x = @()\nif ({condition}) {{\n  $x += '--yes'\n}} else {{ $x += '--no' }}\n{TRAIN} $x\n"
    )
    assert set(flags(script)) == {"yes" if holds else "no"}
    chosen = script.replace("$x = @()\nif", "$x = if").replace("$x += ", "")
    assert set(flags(chosen)) == {"yes" if holds else "no"}


def test_of_several_branches_one_runs():
    script = (
        "$m = 'b'; $x = @()\nif ($m -eq 'a') { $x += '--a' }\nelseif ($m -eq 'b')\n"
        f"{{\n  if ($m) {{ $x += '--b' }}\n}}\nelseif ($m) {{ $x += '--c' }}\n"
        f"else {{ $x += '--d' }}\n{TRAIN} $x\n"
    )
    assert set(flags(script)) == {"b"}


@pytest.mark.parametrize(
    "condition", ["$env:X", "Test-Path x", "$a.Count -gt 0", "$word -match 'x'"]
)
def test_what_hangs_on_the_machine_is_left_out_and_said(condition):
    script = f"$word = 'x'; $x = @('--a')\nif ({condition}) {{ $x += '--b'; $word = 'y' }}\n"
    file = text(f"{script}else {{ $x += '--c' }}\n{TRAIN} $x --d $word\n", "powershell")
    assert {s.key: s.value for s in file.values} == {"a": True, "d": "$word"}
    assert {fault.line for fault in file.problems} == {2, 3}
    assert all("known only where it runs" in fault.text for fault in file.problems)


def test_a_block_that_changes_no_setting_is_no_matter():
    script = "if (Test-Path venv) { ./venv/Scripts/activate }\nif (0) { if ($env:X) { $y = 1 } }\n"
    file = text(f"$y = 2\n{script}{TRAIN} --a $y\n", "powershell")
    assert (values(file), file.problems) == ({"a": "2"}, ())


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (f"{TRAIN} --a 'x\n", 1, "quotation mark is missing"),
        (f'{TRAIN} `\n --a "x\n', 2, "quotation mark is missing"),
        (f"$x = @('a',\n 'b'\n{TRAIN} --a 1", 3, "a ) is missing"),
        ("$x = 'a' + " + "(" * 90, 1, "nested deeper"),
        ("if (1) {" * 90, 1, "nested deeper"),
        ("$x = " + "[int]" * 5000 + "1", 1, "nested deeper"),
        ("$x = " + "!" * 5000 + "1", 1, "nested deeper"),
        (f"if (1)\n{TRAIN} --a 1\n", 2, "a { is expected"),
        ("$x = '" + "a" * 150_000 + f"'\n{TRAIN}" + " --a $x" * 99, 2, "stand for more"),
        ("$x = '" + "a" * 1000 + "'\n" + "$x = $x + $x + $x + $x\n" * 9 + TRAIN + " --a 1", 5,
         "a variable longer"),
        ("Write-Output hello\n", 0, "no training command"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_script_is_named(content, line, says):
    begin = time.perf_counter()
    file = text(content, "powershell")
    assert time.perf_counter() - begin < 10
    found = [fault for fault in file.problems if says in fault.text]
    assert found, file.problems
    assert found[0].line == line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gbk"])
def test_scripts_as_windows_saves_them(encoding):
    content = f"# 训练\n$x = 3\n{TRAIN} --a $x\n".encode(encoding)
    file = parse(content, "train.ps1", "powershell")
    assert ({s.key: s.value for s in file.values}, file.problems) == ({"a": "3"}, ())


# LoRA Easy Training Scripts


def test_the_windows_toml_becomes_options_with_their_places():
    file = config("kohya/easy.toml")
    found = places(file)
    assert recognise(file) == "kohya"
    assert found["learning_rate"] == (1e-4, 54)
    assert file.get("learning_rate").written == "optimizer_args.args.learning_rate"
    assert found["general.resolution"] == (1024, 36)
    assert found["datasets[0].subsets[1].is_reg"] == (True, 12)
    assert found["network_args"] == (("conv_dim=8", "conv_alpha=4.0", "algo=loha"), 47)
    assert found["network_module"] == ("lycoris.kohya", 49)
    assert found["lr_warmup_steps"] == (0.1, 55)
    assert found["output_name"] == ("zqxbot_v2", 66)
    assert not {"sdxl", "easy_name", "min_timestep", "warmup_ratio"} & set(found)
    assert not unknown_keys("kohya", file, keys()["kohya"])
    options = training_config(kb(), "kohya", file).values
    wanted = {"batch_size": 2, "network_dim": 32, "epochs": 12, "repeats": 10, "warmup_steps": 0.1}
    assert {name: options[name].value for name in wanted} == wanted


def test_the_windows_folders(tmp_path):
    found, problems = subsets("kohya", config("kohya/easy.toml"), tmp_path)
    assert [(s.path, s.repeats, s.is_reg) for s in found] == [
        ("/workspace/dataset/robot", 10, False),
        ("/workspace/dataset/reg", 1, True),
    ]
    assert {(s.batch_size, s.resolution) for s in found} == {(2, (1024, 1024))}
    assert not problems


@pytest.mark.parametrize(
    ("content", "module"),
    [
        ("[network_args.args]\nnetwork_dim = 8\n", "networks.lora"),
        ("[network_args.args]\nnetwork_dim = 8\nfa = true\n", "networks.lora_fa"),
        ("[network_args.args]\nnetwork_dim = 8\n[network_args.args.network_args]\nunit = 4\n",
         "networks.dylora"),
        ("[network_args.args]\nnetwork_dim = 8\n[flux_args.args]\nguidance_scale = 3.5\n",
         "networks.lora_flux"),
        ("[saving_args.args]\noutput_name = 'x'\n", None),
    ],
)  # fmt: skip
def test_the_network_follows_from_other_boxes(content, module):
    assert values(text(content, "toml")).get("network_module") == module


@pytest.mark.parametrize(
    "content",
    ["[optimizer]\nlr = 1\n", "[my_args.args]\na = 1\n", "[network_args]\nnetwork_dim = 8\n"],
)
def test_other_toml_files_are_none(content):
    assert all(s.origin == "file" for s in text(content, "toml").values)
