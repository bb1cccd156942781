"""Runs found among processes that are laid out as files: who is one, whose log, which GPU."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from loratui.core.facts import GpuProcess, GpuReading
from loratui.core.running import Process
from loratui.engine.discovery import Discovery, configs, recognise
from loratui.engine.discovery.devices import devices
from loratui.engine.discovery.panes import Pane, sockets
from loratui.engine.discovery.patience import Patience
from loratui.machine.running import LinuxProcesses
from tests.machine.fake_proc import FakeProc

PATIENT = 30.0  # seconds: a busy test machine must not decide what is left out
KOHYA = ["python", "sdxl_train_network.py", "--config_file", "run.toml"]
ON_GPU = {0: "/dev/null", 1: "/dev/null", 2: "/dev/null", 9: "/dev/nvidia-uvm"}
CONTAINER = "a1b2c3d4e5f6" + "0" * 52


class Box:
    """A faked system, looked at."""

    def __init__(self, root: Path, **settings) -> None:
        self.fake = FakeProc(root, **settings)
        self.add = self.fake.add
        self.panes: list[Pane] = []
        self.discovery = Discovery(LinuxProcesses(root), lambda: self.panes)

    def look(self, gpus=(), deadline=PATIENT):
        found = self.discovery.look(gpus, deadline)
        assert not found.left_out
        return list(found.runs)

    def only(self, gpus=()):
        runs = self.look(gpus)
        assert len(runs) == 1, runs
        return runs[0]


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


def gpu(index, *pids, name="RTX", uuid=None):
    listed = tuple(GpuProcess(pid) for pid in pids)
    return GpuReading(index, name, uuid or f"GPU-{index}{index}{index}-aa", processes=listed)


# who is a run


@pytest.mark.parametrize(
    ("command", "trainer"),
    [
        ("python train_network.py --x 1", "kohya"),
        ("/venv/bin/python3.11 -u /w/sd-scripts/sdxl_train_network.py", "kohya"),
        ("python -X utf8 -W ignore flux_train_network.py", "kohya"),
        ("python sd3_train_network.py", "kohya"),
        ("python hunyuan_image_train_network.py", "kohya"),
        ("python anima_train_network.py", "kohya"),
        ("C:\\venv\\python.exe C:\\kohya\\sd-scripts\\sdxl_train_network.py", "kohya"),
        ("python sdxl_train.py --config_file a.toml", "kohya"),
        ("python fine_tune.py --pretrained_model_name_or_path m", "kohya"),
        ("python fine_tune.py --lr 1", ""),
        ("python qwen_image_train_network.py", "musubi-tuner"),
        ("python src/musubi_tuner/wan_train_network.py", "musubi-tuner"),
        ("python /w/musubi-tuner/new_train_network.py", "musubi-tuner"),
        ("python -m musubi_tuner.flux_kontext_train_network", "musubi-tuner"),
        ("python qwen_image_cache_latents.py", ""),
        ("python run.py config/a.yaml", "ai-toolkit"),
        ("python /w/ai-toolkit/run.py .job_config.json", "ai-toolkit"),
        ("python run.py", ""),
        ("python scripts/train.py --config-path a.json", "onetrainer"),
        ("python scripts/train.py", ""),
        ("python train.py --local_rank=0 --deepspeed --config a.toml", "diffusion-pipe"),
        ("python train.py --epochs 3", ""),
        ("python /v/lib/simpletuner/train.py", "simpletuner"),
        ("python /v/bin/simpletuner train", "simpletuner"),
        ("python /v/bin/simpletuner server", ""),
        ("python train_dreambooth_lora_sdxl.py --x", "diffusers"),
        ("python train_text_to_image_lora.py", "diffusers"),
        ("python train_lora.py --model llama", ""),
        ("python train_lora_advanced.py --pretrained_model_name_or_path x", "diffusers"),
        ("python /v/bin/accelerate launch sdxl_train_network.py", ""),
        ("python -m accelerate.commands.launch train_network.py", ""),
        ("python /v/bin/torchrun train_network.py", ""),
        ("bash -c python\\ train_network.py", ""),
        ("bash train_network.py", ""),
        ("vim train_network.py", ""),
        ("tail -f train_network.py", ""),
        ("python -c import\\ train_network.py", ""),
        ("python -m tensorboard.main --logdir x", ""),
        ("python /v/bin/tensorboard --logdir train_network.py", ""),
        ("python kohya_gui.py", ""),
        ("python", ""),
        ("python -m", ""),
        ("", ""),
    ],
)
def test_trainers_by_their_command_lines(command, trainer):
    words = [word.replace("\\ ", " ") for word in command.split(" ")] if command else []
    assert recognise.trainer(recognise.program(words), "/work", lambda _: True) == trainer
    if trainer or "train.py" not in command:
        assert recognise.likely(words) == bool(trainer)


def test_the_folder_decides_whose_train_py_it_is(box):
    box.add(5, ["python", "train.py"], folder="/w/SimpleTuner", started=2)
    box.add(6, ["python", "train.py", "--config-path", "c.json"], folder="/w/OneTrainer/scripts")
    box.add(7, ["python", "train.py"], folder="/w/mine")
    assert [run.trainer for run in box.look()] == ["simpletuner", "onetrainer"]


@pytest.mark.parametrize("name", ["train_" + "lora" * 16_000 + "x", "a_" * 30_000, "/" * 60_000])
def test_endless_names_take_no_time(name):
    words = ["python", name, "--pretrained_model_name_or_path", "x"]
    begin = time.process_time()
    assert not recognise.likely(words)
    assert recognise.may_train(words)
    assert time.process_time() - begin < 1


def test_run_py_is_ai_toolkits_only_in_its_checkout(box, tmp_path):
    other, checkout = tmp_path / "other", tmp_path / "aitk"
    other.mkdir()
    for part in ("toolkit", "jobs"):
        (checkout / part).mkdir(parents=True)
    box.add(5, ["python", "run.py", "a.yaml"], folder=other)
    box.add(6, ["python", "run.py", "a.yaml"], folder=checkout)
    box.add(7, ["python", f"{checkout}/run.py", "a.yaml"], folder=other)
    assert {(run.pid, run.trainer) for run in box.look()} == {(6, "ai-toolkit"), (7, "ai-toolkit")}


def test_launchers_are_folded_and_ranks_are_one_run(box):
    launch = ["python", "/v/bin/accelerate", "launch", "--multi_gpu", *KOHYA[1:]]
    box.add(4, ["bash", "train.sh"])
    box.add(5, launch, parent=4)
    for rank, pid in enumerate((8, 7, 6)):
        box.add(pid, ["python", "-u", *KOHYA[1:], f"--local_rank={rank}"], parent=5, started=9)
        box.add(pid + 10, ["python", "-u", *KOHYA[1:], f"--local_rank={rank}"], parent=pid)
    run = box.only()
    assert (run.pid, run.ranks) == (8, (8, 7, 6))


def test_two_runs_of_one_shell_stay_two(box):
    box.add(4, ["bash"])
    box.add(5, KOHYA, parent=4, started=1)
    box.add(6, KOHYA, parent=4, started=2)
    assert [run.pid for run in box.look()] == [6, 5]


def test_ranks_whose_launcher_was_killed_stay_one(box):
    for pid in (5, 6):
        box.add(pid, [*KOHYA, f"--local-rank={pid - 5}"], files={1: "pipe:[3]", 2: "pipe:[3]"})
    assert box.only().ranks == (5, 6)


def test_a_starter_stands_for_the_run_until_the_trainer_is_there(box):
    box.add(5, ["python", "/v/bin/simpletuner", "train"])
    assert box.only().pid == 5
    box.add(6, ["python", "/v/bin/accelerate", "launch", "/v/simpletuner/train.py"], parent=5)
    box.add(7, ["python", "/v/simpletuner/train.py"], parent=6)
    live = [run for run in box.look() if run.live]
    assert [run.pid for run in live] == [7]


def test_this_process_and_those_above_are_never_runs(tmp_path):
    box = Box(tmp_path, own=30)
    box.add(20, KOHYA)
    box.add(30, [*KOHYA], parent=20)
    assert box.look() == []


def test_live_on_a_gpu_and_recent_come_first(box):
    box.add(3, ["python", "serve.py"], started=90, files=ON_GPU)
    box.add(4, KOHYA, started=50)
    box.add(5, KOHYA, started=10, files=ON_GPU)
    box.add(6, KOHYA, started=20, files=ON_GPU)
    box.add(7, KOHYA, started=60)
    runs = box.look([gpu(0, 3)])
    assert [run.pid for run in runs] == [6, 5, 7, 4, 3]
    assert [run.trainer for run in runs][-1] == ""


@pytest.mark.parametrize(
    ("command", "files", "numbers", "seen"),
    [
        (["python", "my_train.py"], ON_GPU, "pid:[4026531836]", True),
        (["python", "my_train.py"], None, "pid:[4026531836]", True),
        (["python", "my_train.py"], ON_GPU, "pid:[7]", True),
        (["python", "my_train.py"], None, "pid:[7]", False),  # a number of the host
        (["python", "my_train.py"], {1: "/dev/nvidiactl"}, "pid:[7]", False),
        (["python", "/w/ComfyUI/main.py"], ON_GPU, "pid:[4026531836]", False),
        (["/usr/lib/xorg/Xorg"], ON_GPU, "pid:[4026531836]", False),
    ],
)
def test_unrecognised_python_that_the_driver_lists(tmp_path, command, files, numbers, seen):
    box = Box(tmp_path, numbers=numbers)
    box.add(5, command, files=files)
    assert [run.pid for run in box.look([gpu(0, 5, 777)])] == ([5] if seen else [])


def test_a_trainer_below_an_unrecognised_gpu_process_is_its_own_run(box):
    """As one that a notebook started."""
    box.add(5, ["python", "-m", "ipykernel_launcher"], files=ON_GPU)
    box.add(6, KOHYA, parent=5, files=ON_GPU)
    box.add(7, ["python", "-c", "spawn_main()"], parent=6, files=ON_GPU)
    runs = box.look([gpu(0, 5, 6, 7)])
    assert [(run.pid, run.trainer) for run in runs] == [(6, "kohya"), (5, "")]


def test_a_run_that_ended_is_over_and_one_that_is_back_is_not(box, tmp_path):
    home = box.fake.proc / "5"
    box.add(5, KOHYA, files=ON_GPU)
    assert box.only().live
    (home / "stat").rename(tmp_path / "kept")
    (home / "stat").write_text((tmp_path / "kept").read_text().replace(") S", ") Z"))
    run = box.only()
    assert (run.live, run.on_gpu, run.trainer) == (False, False, "kohya")
    (home / "stat").write_text((tmp_path / "kept").read_text())
    assert box.only().live


def test_the_next_run_under_the_same_number_is_another(box):
    box.add(5, KOHYA, started=1)
    box.look()
    box.add(5, KOHYA, started=70)
    assert [(run.started, run.live) for run in box.look()] == [
        (1_700_000_070, True),
        (1_700_000_001, False),
    ]


# which GPU


def seen_on(value, readings, *pids, files=ON_GPU, real=True):
    ranks = [Process(pid, files=files, visible_gpus=value) for pid in pids or (5,)]
    found = devices(ranks, readings, numbers_are_real=real)
    return found.indices


ALIKE = [gpu(0), gpu(1), gpu(2)]
UNLIKE = [gpu(0, name="3060"), gpu(1, name="4090")]


@pytest.mark.parametrize(
    ("value", "readings", "indices"),
    [
        ("1", ALIKE, (1,)),
        ("2,0", ALIKE, (2, 0)),
        (" 2 , 0 ", ALIKE, (2, 0)),
        ("", ALIKE, ()),
        ("-1", ALIKE, ()),
        ("NoDevFiles", ALIKE, ()),
        ("1,9,0", ALIKE, (1,)),  # as CUDA: nothing after the first that does not fit
        ("1,1,0", ALIKE, (1,)),
        ("9999999999999999999", ALIKE, ()),
        ("GPU-222-aa", ALIKE, (2,)),
        ("GPU-2", ALIKE, (2,)),
        ("GPU-", ALIKE, ()),
        ("MIG-GPU-111-aa/1/0", ALIKE, (1,)),
        ("MIG-5c2d-77", ALIKE, None),
        ("1", UNLIKE, None),  # by speed this would be the first
        ("GPU-1", UNLIKE, (1,)),
        (None, [gpu(0)], (0,)),
        (None, ALIKE, None),
        ("0", [], None),
    ],
)
def test_visible_devices(value, readings, indices):
    assert seen_on(value, readings) == indices


def test_the_drivers_list_goes_before_the_variable():
    readings = [gpu(0, 5), gpu(1, 6), gpu(2, 99)]
    assert seen_on("2", readings, 5, 6) == (0, 1)


@pytest.mark.parametrize(
    ("files", "real", "indices"),
    [(ON_GPU, False, (0,)), (None, True, (0,)), (None, False, (1,)), ({}, True, (1,))],
)
def test_a_listed_number_counts_only_when_it_is_surely_this_process(files, real, indices):
    assert seen_on("1", [gpu(0, 5), gpu(1)], files=files, real=real) == indices


def test_a_process_that_is_not_listed_proves_nothing(box):
    box.add(5, KOHYA, files=ON_GPU, environment={"CUDA_VISIBLE_DEVICES": "GPU-111"})
    run = box.only([gpu(0, 31337), gpu(1, 31338)])
    assert (run.on_gpu, run.gpu_indices, run.gpus) == (True, (1,), ("GPU-111-aa",))


# whose log


def log_of(box):
    return box.only().log


def test_a_file(box, tmp_path):
    log = tmp_path / "a [b]\n.log"
    log.write_text("x")
    box.add(5, KOHYA, files={1: log, 2: log})
    run = box.only()
    assert (run.log.kind, run.log.where, run.other_log) == ("file", str(log), None)


def test_errors_hold_the_bar_but_not_those_of_diffusion_pipe(box, tmp_path):
    out, err = tmp_path / "out", tmp_path / "err"
    out.touch()
    err.touch()
    box.add(5, KOHYA, files={1: out, 2: err}, started=2)
    box.add(6, ["python", "train.py", "--deepspeed", "--config", "a"], files={1: out, 2: err})
    kohya, pipe = box.look()
    assert (kohya.log.where, kohya.other_log.where) == (str(err), str(out))
    assert pipe.log.where == str(out)


def test_a_readable_place_goes_before_an_unreadable_one(box, tmp_path):
    log = tmp_path / "log"
    log.touch()
    box.add(5, KOHYA, files={1: log, 2: "/dev/null"})
    run = box.only()
    assert (run.log.kind, run.other_log.cause) == ("file", "discarded")


def test_through_filters_and_tee(box, tmp_path):
    log = tmp_path / "log"
    log.touch()
    box.add(5, KOHYA, files={1: "pipe:[1]", 2: "pipe:[1]"})
    box.add(6, ["perl", "/usr/bin/ts"], files={0: "pipe:[1]", 1: "pipe:[2]"})
    box.add(
        7, ["busybox", "tee", "log"], files={0: "pipe:[2]", 1: "/dev/null", 3: log}, writes=(3,)
    )
    found = log_of(box)
    assert (found.kind, found.where) == ("tee", str(log))
    assert "ts and tee" in found.reason


def test_cat_into_a_file(box, tmp_path):
    log = tmp_path / "log"
    log.touch()
    box.add(5, KOHYA, files={1: "pipe:[1]", 2: "pipe:[1]"})
    box.add(6, ["cat"], files={0: "pipe:[1]", 1: log})
    assert (log_of(box).kind, log_of(box).where) == ("tee", str(log))


@pytest.mark.parametrize(
    ("reader", "files", "cause"),
    [
        (["tee"], {0: "pipe:[1]", 1: "/dev/null"}, "discarded"),
        (["python", "app.py"], {0: "pipe:[1]"}, "program"),
        (["logger"], {0: "pipe:[1]"}, "journal"),
        (["/usr/bin/containerd-shim-runc-v2"], {0: "pipe:[1]"}, "container"),
        (["cat"], {0: "pipe:[1]", 1: "pipe:[1]"}, "pipe"),  # a circle
        (["tee"], {0: "pipe:[2]"}, "pipe"),
    ],
)
def test_pipes_without_a_file(box, reader, files, cause):
    box.add(5, KOHYA, files={1: "pipe:[1]", 2: "pipe:[1]"})
    box.add(6, reader, files=files)
    assert (log_of(box).kind, log_of(box).cause) == ("none", cause)


def test_a_program_above_that_reads_the_output_itself(box):
    box.add(4, ["python", "app.py"], files={0: "/dev/null", 7: "pipe:[1]"})
    box.add(5, KOHYA, parent=4, files={1: "pipe:[1]", 2: "pipe:[1]"})
    assert log_of(box).reason == "Its output goes to app.py (process 4)."


def test_a_container_keeps_the_output(box):
    group = f"0::/system.slice/docker-{CONTAINER}.scope\n"
    box.add(5, KOHYA, files={1: "pipe:[1]", 2: "pipe:[1]"}, group=group)
    assert log_of(box).hint == "docker logs -f a1b2c3d4e5f6"


@pytest.mark.parametrize(
    ("group", "cause", "hint"),
    [
        ("0::/system.slice/train.service\n", "journal", "journalctl -f -o cat -u train.service"),
        ("0::/user.slice/a.service/x;rm -rf ~.service\n", "journal", "-u a.service"),
        ("0::/user.slice/session-3.scope\n", "socket", ""),
    ],
)
def test_the_journal(box, group, cause, hint):
    box.add(5, KOHYA, files={1: "socket:[1]", 2: "socket:[1]"}, group=group)
    found = log_of(box)
    assert found.cause == cause
    assert found.hint.endswith(hint)
    assert "rm -rf" not in found.hint


class Elsewhere(LinuxProcesses):
    """A terminal whose name means another one here, as that of another container does."""

    def identity(self, pid, fd):
        return os.stat("/dev/null")


@pytest.mark.parametrize(("kind", "system"), [("tmux", LinuxProcesses), ("none", Elsewhere)])
def test_a_tmux_pane(tmp_path, kind, system):
    panes = [Pane("%1", "/dev/pts/70", "/s"), Pane("%2", "/dev/pts/70001", "/t")]
    terminal = "/dev/pts/70001"
    FakeProc(tmp_path).add(5, KOHYA, files={1: terminal, 2: terminal})
    found = Discovery(system(tmp_path), lambda: panes).look(deadline=PATIENT).runs[0].log
    assert (found.kind, found.where, found.socket) == (
        ("tmux", "%2", "/t") if kind == "tmux" else ("none", "", "")
    )


def test_only_sockets_of_this_user_are_asked(monkeypatch):
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX) as server:
        folder = Path(place, f"tmux-{os.getuid()}")
        folder.mkdir()
        (folder / "file").touch()
        server.bind(str(folder / "default"))
        monkeypatch.setenv("TMUX_TMPDIR", place)
        monkeypatch.setenv("TMUX", f"{folder}/file,1,0")
        assert [path for path in sockets() if path.startswith(place)] == [f"{folder}/default"]
        real = os.lstat(folder / "default")
        monkeypatch.setattr(os, "getuid", lambda: real.st_uid + 1)
        monkeypatch.setenv("TMUX", f"{folder}/default,1,0")
        assert [path for path in sockets() if path.startswith(place)] == []


def test_screen_and_a_plain_terminal(box):
    box.add(4, ["SCREEN", "-S", "train"])
    box.add(5, KOHYA, parent=4, started=2, files={1: "/dev/pts/70001", 2: "/dev/pts/70001"})
    box.add(6, KOHYA, started=1, files={1: "/dev/pts/70002", 2: "/dev/pts/70002"})
    gone = "/dev/pts/70003 (deleted)"
    box.add(7, KOHYA, files={1: gone, 2: gone})
    found = [run.log for run in box.look()]
    assert [log.cause for log in found] == ["screen", "terminal", "terminal"]
    assert found[0].hint.startswith("screen ")
    assert "closed" in found[2].reason


def test_a_file_that_script_writes(box, tmp_path):
    typescript = tmp_path / "typescript"
    typescript.touch()
    box.add(4, ["script", "-f"], files={3: "/dev/ptmx", 4: typescript}, writes=(4,),
            terminals={3: 70001})  # fmt: skip
    box.add(5, KOHYA, parent=4, files={1: "/dev/pts/70001", 2: "/dev/pts/70001"})
    assert (log_of(box).kind, log_of(box).where) == ("tee", str(typescript))


def test_a_log_inside_a_container(box, tmp_path):
    inside = tmp_path / "image"
    (inside / "workspace").mkdir(parents=True)
    (inside / "workspace/log").write_text("x")
    box.add(5, KOHYA, files={1: "/workspace/log", 2: "/workspace/log"}, mount="mnt:[2]",
            folder="/workspace")  # fmt: skip
    (box.fake.proc / "5/root").symlink_to(inside)
    run = box.only()
    assert run.foreign
    assert (run.log.kind, Path(run.log.where).read_text()) == ("file", "x")
    assert "container" in run.log.reason


def test_somebody_elses_process_is_listed_with_what_can_be_read(box):
    box.add(5, KOHYA, files=None, uid=4_000_000)
    run = box.only()
    assert (run.trainer, run.user, run.folder) == ("kohya", "4000000", "")
    assert (run.log.cause, run.gpus, run.configs) == ("no-permission", None, ())


def test_a_closed_output(box):
    box.add(5, KOHYA, files={0: "/dev/null"})
    assert log_of(box).cause == "closed"


def test_a_log_that_appears_later_is_found_later(box, tmp_path):
    (tmp_path / "aitk").mkdir()
    command = ["python", "/w/ai-toolkit/run.py", "a.yaml", "-l", "train.log"]
    box.add(5, command, folder=tmp_path / "aitk", files={1: "/dev/null", 2: "/dev/null"})
    assert log_of(box).cause == "discarded"
    (tmp_path / "aitk/train.log").touch()
    assert log_of(box).where == str(tmp_path / "aitk/train.log")


# what it names


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


NAMING = {
    "kohya": (
        "python train_network.py --config_file run --output_dir=out --dataset_config data.toml",
        {
            "run.toml": "[a]\noutput_dir = 'other'\nlogging_dir = 'logs'\n",
            "data.toml": "[[datasets]]\n[[datasets.subsets]]\nimage_dir = '/img'\n"
            "[[datasets.subsets]]\nimage_dir = 'more'\n",
            "out/sample/x.png": "",
        },
        ("run.toml data.toml", "out", "logs", "/img more", "out/sample", "out"),
    ),
    "musubi-tuner": (
        "python qwen_image_train_network.py --dataset_config d.toml --output_dir o",
        {"d.toml": "[[datasets]]\nimage_directory = 'img'\n"},
        ("d.toml", "o", "", "img", "", "o"),
    ),
    "ai-toolkit": (
        "python /x/ai-toolkit/run.py c.yaml",
        {
            "c.yaml": "job: extension\nconfig:\n  name: 'lora'\n  process:\n"
            "    - type: sd_trainer\n      training_folder: output\n"
            "      log_dir: tb\n      datasets:\n"
            "        - folder_path: /img\n",
            "output/lora/samples/x.jpg": "",
        },
        ("c.yaml", "output/lora", "tb", "/img", "output/lora/samples", "output/lora"),
    ),
    "onetrainer": (
        "python scripts/train.py --config-path c.json",
        {
            "c.json": '{"workspace_dir": "ws", "concept_file_name": "con.json"}',
            "con.json": '[{"path": "/img"}, {"path": 3}, 7]',
        },
        ("c.json con.json", "ws", "ws/tensorboard", "/img", "", "ws/save"),
    ),
    "simpletuner": (
        "python /v/simpletuner/train.py",
        {
            "config/config.json": '{"--output_dir": "o", "data_backend_config": "b.json"}',
            "b.json": '[{"instance_data_dir": "img"}]',
        },
        ("config/config.json b.json", "o", "o/logs", "img", "", "o"),
    ),
    "diffusion-pipe": (
        "python train.py --deepspeed --config c.toml",
        {
            "c.toml": "output_dir = 'o'\ndataset = 'd.toml'\n",
            "d.toml": "[[directory]]\npath = 'img'\n",
        },
        ("c.toml d.toml", "o", "o", "img", "", "o"),
    ),
    "diffusers": (
        "python train_dreambooth_lora_flux.py --instance_data_dir img --output_dir o",
        {},
        ("", "o", "o/logs", "img", "", "o"),
    ),
}


@pytest.mark.parametrize("trainer", NAMING)
def test_folders_that_command_line_and_configuration_name(box, tmp_path, trainer):
    command, files, expected = NAMING[trainer]
    home = tmp_path / "home"
    home.mkdir()
    write(home, files)
    box.add(5, command.split(), folder=home)
    run = box.only()
    assert run.trainer == trainer

    def here(words):
        return tuple(str(home / word) for word in words.split())

    listed = (run.configs, (run.output_dir,), (run.logging_dir,), run.dataset_dirs)
    listed += ((run.samples,), (run.checkpoints,))
    assert listed == tuple(
        here(words) or (("",) if at else ()) for at, words in enumerate(expected)
    )


def test_events_are_those_that_it_holds_open_else_the_newest(box, tmp_path):
    home = tmp_path / "home"
    for name in ("20240101", "20240102"):
        write(home / "logs" / name / "network_train", {"events.out.tfevents.1.box.5.0": ""})
    opened = home / "logs/20240101/network_train"
    command = ["python", "train_network.py", "--logging_dir", "logs"]
    box.add(5, command, folder=home, files={9: opened / "events.out.tfevents.1.box.5.0"}, started=2)
    box.add(6, command, folder=home, started=1)
    held, searched = box.look()
    assert held.events == str(opened)
    assert searched.events == str(home / "logs/20240102/network_train")


def test_events_of_an_earlier_run_are_not_this_ones(box, tmp_path):
    home = tmp_path / "home"
    write(home / "logs/a", {"events.out.tfevents.1": ""})
    command = ["python", "train_network.py", "--logging_dir", "logs"]
    box.add(5, command, folder=home, started=10_000_000_000)
    assert box.only().events == ""


def test_a_changed_configuration_is_read_again(box, tmp_path):
    write(tmp_path / "home", {"run.toml": "output_dir = 'one'\n"})
    box.add(5, KOHYA, folder=tmp_path / "home")
    assert box.only().output_dir.endswith("/one")
    write(tmp_path / "home", {"run.toml": "output_dir = 'another'\n"})
    assert box.only().output_dir.endswith("/another")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "[" * 100_000),
        ("a.toml", "x = " + "[" * 100_000),
        ("a.toml", "\x00\x1b[2J"),
        ("a.json", "[" * 100_000),
        ("a.json", '{"a": ' * 50_000),
        ("a.yaml", "[" * 100_000),
        ("a.yaml", "- " * 50_000),
        ("a.yaml", "a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n<<: *c\n"),
        ("a.yaml", "{a: 1\n"),
        ("a.yaml", "!!python/object/apply:os.system [x]"),
        ("a.yaml", ""),
        ("a.yaml", "? [a]\n: b\n"),
        ("a.yaml", "- 1\n- 2\n"),
    ],
)
def test_hostile_configurations_say_little_and_cost_little(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    begin = time.perf_counter()
    found = configs.read(str(path))
    assert isinstance(found, dict)
    assert time.perf_counter() - begin < 5
    for keys in (("config", "process", "x"), ("", "path"), ("datasets",), ()):
        assert isinstance(configs.text(found, *keys), str)
        assert isinstance(configs.rows(found, *keys), list)


def test_devices_folders_and_huge_files_are_no_configuration(tmp_path):
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (1 << 19))
    for path in ("/dev/zero", str(tmp_path), str(huge), "", "/nope", "a\0b"):
        assert configs.stamp(path) is None


def test_hostile_command_lines_are_values_like_any_other(box, tmp_path):
    words = [
        "python",
        "train_network.py",
        "--output_dir",
        "\x1b]0;x\x07[red]\udcff\n",
        "--config_file",
    ]
    box.add(5, words, folder=tmp_path)
    run = box.only()
    assert run.command == tuple(words)
    assert run.output_dir == f"{tmp_path}/\x1b]0;x\x07[red]\udcff\n"


# what never answers


class Hanging(LinuxProcesses):
    """Some questions about some processes wait until told to go on."""

    def __init__(self, root, *, commands=(), details=()) -> None:
        super().__init__(root)
        self.hang, self.commands, self.details = threading.Event(), commands, details
        self.asked: list[int] = []

    def command(self, pid):
        if pid in self.commands:
            self.asked.append(pid)
            self.hang.wait(60)
        return super().command(pid)

    def process(self, pid):
        if pid in self.details:
            self.hang.wait(60)
        return super().process(pid)


def joined(name):
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(30)


def test_a_process_that_hangs_holds_nobody_up_and_is_asked_once(tmp_path):
    fake = FakeProc(tmp_path)
    for pid in range(5, 15):
        fake.add(pid, KOHYA, started=pid)
    system = Hanging(tmp_path, commands=(8,))
    discovery = Discovery(system, lambda: ())
    try:
        begin = time.perf_counter()
        found = discovery.look(deadline=3.0)
        assert time.perf_counter() - begin < 3.0
        assert {run.pid for run in found.runs} == set(range(5, 15)) - {8}
        assert found.left_out == ("Process 8 did not answer in time.",)
        again = discovery.look(deadline=3.0)
        assert again.left_out == found.left_out
        assert system.asked == [8]
    finally:
        system.hang.set()
    joined("discovery")
    found = discovery.look(deadline=PATIENT)
    assert {run.pid for run in found.runs} == set(range(5, 15))
    assert not found.left_out


def test_a_run_that_does_not_answer_is_not_called_over(tmp_path):
    FakeProc(tmp_path).add(5, KOHYA)
    system = Hanging(tmp_path)
    discovery = Discovery(system, lambda: ())
    assert discovery.look(deadline=PATIENT).runs[0].live
    system.details = (5,)
    try:
        run = discovery.look(deadline=0.3).runs[0]
        assert run.live
        assert run.left_out
    finally:
        system.hang.set()


def test_a_log_that_hangs_leaves_the_run(tmp_path):
    FakeProc(tmp_path).add(5, KOHYA, files={1: "/dev/pts/70001", 2: "/dev/pts/70001"})
    go = threading.Event()
    discovery = Discovery(LinuxProcesses(tmp_path), lambda: (go.wait(60), ())[1])
    try:
        found = discovery.look(deadline=3.0)
        assert (found.runs[0].pid, found.runs[0].log.cause) == (5, "no-answer")
        assert found.left_out == ("The log of process 5 did not answer in time.",)
    finally:
        go.set()
    joined("discovery")
    assert discovery.look(deadline=PATIENT).runs[0].log.cause == "terminal"


def test_questions_that_hang_use_up_a_bounded_number_of_threads():
    go, patience, asked = threading.Event(), Patience(), []

    def question(key):
        asked.append(key)
        go.wait(60)

    try:
        for _ in range(4):
            asker = patience.asker(0.3)
            assert asker.all("x", range(100), question) == {}
            assert len(asker.unanswered) == 100
        assert len(asked) <= 8
    finally:
        go.set()


def test_a_question_that_raises_has_no_answer_and_stops_no_other():
    asker = Patience().asker(PATIENT)
    assert asker.all("x", [1, 0, 2], lambda key: 2 // key) == {1: 2, 2: 1}
    assert asker.unanswered == [("x", 0)]


def test_no_time_at_all_is_said():
    discovery = Discovery(panes=lambda: ())
    assert discovery.look(deadline=0.0).left_out == ("The list of processes did not come in time.",)


def test_runs_that_are_over_are_not_kept_for_ever(box):
    for started in range(40):
        box.add(5, KOHYA, started=started)
        runs = box.look()
    assert len(runs) == 17
    assert [run.started - runs[-1].started for run in runs] == list(range(16, -1, -1))


def test_the_same_box_gives_the_same_value(box, tmp_path):
    log = tmp_path / "log"
    log.touch()
    box.add(5, KOHYA, folder=tmp_path, files={1: log, 2: log})
    first = box.only()
    assert box.only() == first
    assert replace(first) == first
