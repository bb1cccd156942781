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

from loratui.configs.layouts import layout
from loratui.core.facts import GpuProcess, GpuReading
from loratui.core.running import Discovered
from loratui.engine.choices import choices
from loratui.engine.discovery import Discovery, recognise
from loratui.engine.discovery.panes import Pane, sockets
from loratui.engine.discovery.patience import Patience
from loratui.engine.discovery.places import MOST
from loratui.machine.running import LinuxProcesses
from loratui.trainers import trainers
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
        ("python -m simpletuner.train", "simpletuner"),
        ("python -m toolkit.sampler", ""),
        ("python train_leco.py", "kohya"),
        ("python train_db.py --dataset_config d.toml", "kohya"),
        ("python /w/OneTrainer/train_remote.py --config-path=a.json", "onetrainer"),
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
    assert recognise.whose(recognise.program(words), "/work", lambda _: True).trainer == trainer
    if trainer or "train.py" not in command:
        assert recognise.likely(words) == bool(trainer)


def test_each_trainer_has_command_lines_and_a_layout_of_its_output():
    known = {trainer.id: trainer for trainer in trainers() if trainer.id != "unknown"}
    assert [name for name, trainer in known.items() if not trainer.scripts] == []
    assert [name for name in known if layout(name) is None] == []
    assert layout("unknown") is None


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


@pytest.mark.parametrize(
    ("folder", "script", "trainer"),
    [
        ("/w/musubi-tuner", "new_train_network.py", "musubi-tuner"),
        ("/w/musubi-tuner", "/w/sd-scripts/new_train_network.py", "kohya"),
        ("/w/sd-scripts", "new_train_network.py", "kohya"),
        ("/w/AI_Toolkit-main", "run.py", "ai-toolkit"),
        ("/w/ai-toolkit/mine", "run.py", ""),
    ],
)
def test_where_the_script_lies_decides(box, folder, script, trainer):
    box.add(5, ["python", script, "a.yaml"], folder=folder)
    assert [run.trainer for run in box.look()] == ([trainer] if trainer else [])


def test_run_py_is_ai_toolkits_only_in_its_checkout(box, tmp_path):
    other, checkout = tmp_path / "other", tmp_path / "aitk"
    other.mkdir()
    for part in ("toolkit", "jobs"):
        (checkout / part).mkdir(parents=True)
    box.add(5, ["python", "run.py", "a.yaml"], folder=other)
    box.add(6, ["python", "run.py", "a.yaml"], folder=checkout)
    box.add(7, ["python", f"{checkout}/run.py", "a.yaml"], folder=other)
    box.add(8, ["python", "run.py", "a.yaml"])  # in a folder that is not ours to see
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


class Another(LinuxProcesses):
    """The name that process 7 has open means another file, as in another container."""

    def identity(self, pid, fd):
        return os.stat("/dev/null") if pid == 7 else super().identity(pid, fd)


@pytest.mark.parametrize(
    ("pid", "writes", "system", "kind"),
    [
        (6, (), LinuxProcesses, "tee"),
        (6, (3,), LinuxProcesses, "none"),  # it has the pipe open to write, as the trainer has
        (7, (), LinuxProcesses, "tee"),
        (7, (), Another, "none"),
    ],
)
def test_who_reads_a_named_pipe(tmp_path, pid, writes, system, kind):
    pipe, log = tmp_path / "pipe", tmp_path / "log"
    os.mkfifo(pipe)
    log.touch()
    fake = FakeProc(tmp_path)
    fake.add(5, KOHYA, files={1: pipe, 2: pipe})
    fake.add(pid, ["cat", "pipe"], files={0: "/dev/null", 1: log, 3: pipe}, writes=writes)
    found = Discovery(system(tmp_path), lambda: ()).look(deadline=PATIENT).runs[0].log
    assert (found.kind, found.where) == (kind, str(log) if kind == "tee" else "")


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


def named_by(box, folder, command, written=None, **settings):
    """The one run of this command line among files with these texts."""
    folder.mkdir(exist_ok=True)
    write(folder, written or {})
    box.add(5, command.split(), folder=folder, **settings)
    return box.only()


CONFIG = "config:\n  name: NAME\n  process:\n    - training_folder: output\n"


@pytest.mark.parametrize(
    ("command", "files", "name", "output"),
    [
        ("python train_network.py --output_dir o --output_name maya", {}, "maya", "o"),
        ("python train_network.py --output_dir", {}, "", ""),  # a flag without its value
        ("python train_network.py --output_dir=o --output_dir=p", {}, "", "p"),
        ("python /x/ai-toolkit/run.py -l log a.yaml", {"a.yaml": CONFIG}, "NAME", "output/NAME"),
        ("python /x/ai-toolkit/run.py --recover a.yaml", {"a.yaml": CONFIG}, "NAME", "output/NAME"),
        (
            "python /x/ai-toolkit/run.py -n b.yaml a.yaml",
            {"a.yaml": CONFIG.replace("NAME", "'[name]'"), "b.yaml": CONFIG},
            "b.yaml",
            "output/b.yaml",
        ),
        (  # two jobs, one after the other
            "python /x/ai-toolkit/run.py a.yaml b.yaml",
            {"a.yaml": CONFIG, "b.yaml": CONFIG.replace("NAME", "second")},
            "NAME",
            "output/NAME",
        ),
        (  # the preset is read first, wherever it stands
            "python scripts/train.py --config-path c.json --preset-path p.json",
            {"c.json": '{"workspace_dir": "c"}', "p.json": '{"workspace_dir": "p"}'},
            "",
            "c",
        ),
        ("python scripts/train.py --config-path c.json", {"c.json": "{}"}, "", "workspace/run"),
        (
            "python scripts/train.py --config-path c.json --config-value workspace_dir=w",
            {"c.json": '{"workspace_dir": "c"}'},
            "",
            "w",
        ),
    ],
)
def test_names_and_output_folders(box, tmp_path, command, files, name, output):
    home = tmp_path / "home"
    run = named_by(box, home, command, files)
    assert (run.name, run.output_dir) == (name, str(home / output) if output else "")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("--output_dir /x/second --output_name maya", "maya"),
        ("--output_dir /x/second --output_name out", "second"),
        ("--output_dir /x/second", "second"),
    ],
)
def test_a_run_is_shown_by_its_own_name(box, tmp_path, words, title):
    run = named_by(box, tmp_path / "home", f"python train_network.py {words}")
    assert [choice.title for choice in choices(Discovered((run,)))] == [title]


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "config/config.toml"),
        ({"ENV": "default"}, "config/config.toml"),
        ({"ENV": "mine"}, "config/mine/config.env"),
        ({"SIMPLETUNER_ENV": "mine", "ENV": "default"}, "config/mine/config.env"),
        ({"ENV": "nope"}, ""),
        ({"CONFIG_PATH": "other/config"}, "other/config.json"),
        ({"CONFIG_PATH": "other"}, "other/config.json"),
    ],
)
def test_variables_name_the_configuration_of_simpletuner(box, tmp_path, environment, found):
    home = tmp_path / "home"
    files = {
        "config/config.toml": 'output_dir = "config/config.toml"\n',
        "config/mine/config.env": "OUTPUT_DIR=config/mine/config.env\n",
        "other/config.json": '{"--output_dir": "other/config.json"}',
    }
    run = named_by(box, home, "python /v/simpletuner/train.py", files, environment=environment)
    assert run.configs == ((str(home / found),) if found else ())
    assert run.output_dir == str(home / (found or "simpletuner-results"))


@pytest.mark.parametrize(("written", "kind"), [(True, "file"), (False, "none")])
def test_simpletuners_own_log_stands_in_for_one_that_is_discarded(box, tmp_path, written, kind):
    """Its log is begun anew at each start: an older one is not this run's."""
    home = tmp_path / "home"
    run = named_by(
        box,
        home,
        "python /v/simpletuner/train.py",
        {"debug.log": "x"},
        files={1: "/dev/null", 2: "/dev/null"},
        started=0 if written else 10_000_000_000,
    )
    assert (run.log.kind, run.log.where) == (kind, str(home / "debug.log") if written else "")


def test_a_configuration_inside_a_container_is_read_there(box, tmp_path):
    """The same paths exist here too, and are another run's."""
    place = f"{tmp_path}/workspace"
    text = "output_dir = 'out'\noutput_name = '{}'\ndataset_config = '{}/d.toml'\n"
    data = "[[datasets]]\n[[datasets.subsets]]\nimage_dir = '{}'\n"
    for root, name in (("", "outside"), (f"{tmp_path}/image", "inside")):
        files = {"run.toml": text.format(name, place), "d.toml": data.format(name)}
        write(Path(root + place), files)
    box.add(5, KOHYA, folder=place, mount="mnt:[2]")
    (box.fake.proc / "5/root").symlink_to(tmp_path / "image")
    run = box.only()
    inside = f"{box.fake.proc}/5/root{place}"
    assert run.configs == (f"{inside}/run.toml", f"{inside}/d.toml")
    assert (run.name, run.output_dir) == ("inside", f"{inside}/out")
    assert run.dataset_dirs == (f"{inside}/inside",)


def test_relative_paths_of_a_deleted_folder_lead_nowhere(box, tmp_path):
    """Not even to a folder that was made under its name since."""
    home = tmp_path / "home"
    write(home, {"run.toml": "output_dir = 'out'\n"})
    box.add(5, [*KOHYA, "--logging_dir", "/logs"], folder=f"{home} (deleted)", started=2)
    (tmp_path / "odd (deleted)").mkdir()
    box.add(6, KOHYA, folder=tmp_path / "odd (deleted)", started=1)
    gone, odd = box.look()
    assert (gone.folder, gone.configs, gone.output_dir) == ("", (), "")
    assert gone.logging_dir == "/logs"
    assert odd.folder == str(tmp_path / "odd (deleted)")


def test_an_unknown_program_is_asked_in_the_words_of_its_configuration(box, tmp_path):
    """No trainer is recognised by its command line, its settings are OneTrainer's all the same."""
    home = tmp_path / "home"
    text = '{"base_model_name": "m", "workspace_dir": "ws", "training_method": "LORA"}'
    write(home, {"c.json": text})
    box.add(5, ["python", "mine.py", "--config", "c.json"], folder=home, files=ON_GPU)
    (run,) = box.look([gpu(0, 5)])
    assert (run.trainer, run.output_dir) == ("", str(home / "ws"))
    assert run.checkpoints == str(home / "ws/save")


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
def test_hostile_configurations_say_little_and_cost_little(box, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    box.add(5, [*KOHYA[:3], name, "--output_dir", "out"], folder=tmp_path, started=2)
    box.add(6, ["python", "/w/ai-toolkit/run.py", name], folder=tmp_path, started=1)
    begin = time.perf_counter()
    kohya, other = box.look()
    assert time.perf_counter() - begin < 5
    assert kohya.configs == other.configs == (str(tmp_path / name),)
    assert (kohya.output_dir, kohya.dataset_dirs) == (str(tmp_path / "out"), ())
    assert (other.output_dir, other.dataset_dirs) == ("", ())


def test_devices_folders_and_huge_files_are_no_configuration(box, tmp_path):
    """Reading the device would never end, the named pipe would wait for somebody who writes."""
    (tmp_path / "huge.toml").write_bytes(b"output_dir = 'x'\n" + b"#" * MOST)
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.toml")
    names = ["huge.toml", "folder.toml", "zero.toml", "pipe.toml", "nope.toml", "a\1b.toml"]
    for pid, name in enumerate(names, 5):
        box.add(pid, [*KOHYA[:3], name], folder=tmp_path, started=100 - pid)
    runs = box.look()
    assert [run.configs for run in runs] == [(str(tmp_path / name),) for name in names]
    assert {run.output_dir for run in runs} == {""}


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


def test_what_reads_configurations_may_take_long_to_load(tmp_path, monkeypatch):
    """As it does from a network disk: the list of runs does not wait for it."""
    log = tmp_path / "log"
    log.touch()
    FakeProc(tmp_path).add(5, [*KOHYA, "--output_dir", "/out"], files={1: log, 2: log})
    go = threading.Event()
    loaded = Discovery._reader
    monkeypatch.setattr(Discovery, "_reader", lambda self: (go.wait(60), loaded(self))[1])
    discovery = Discovery(LinuxProcesses(tmp_path), lambda: ())
    try:
        begin = time.perf_counter()
        found = discovery.look(deadline=3.0)
        assert time.perf_counter() - begin < 3.0
        assert (found.runs[0].log.where, found.runs[0].output_dir) == (str(log), "")
        assert found.left_out == ("What reads configuration files was not loaded in time.",)
    finally:
        go.set()
    joined("discovery")
    assert discovery.look(deadline=PATIENT).runs[0].output_dir == "/out"


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
