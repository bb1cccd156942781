"""Runs found among real processes: a stand-in trainer behind files, pipes, terminals, namespaces.

The stand-in prints a recorded log, says that it is ready and lives until its lifeline, a named
pipe that the test holds open, is closed; so that none outlives the test, whatever becomes of it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from loratui.core.facts import GpuReading
from loratui.engine.discovery import Discovery

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

LOG = Path(__file__).parents[1] / "fixtures/runs/kohya/healthy.log"
CHECKOUT = Path(__file__).parents[2]
PATIENT = 30.0
LAST = b"steps:"
TRAINER = """
import os, sys
lifeline = os.open("lifeline", os.O_RDONLY)  # before it is said to be ready: it may close then
data = open(os.environ["STANDIN_LOG"], encoding="utf-8", newline="").read()
sys.stderr.write(data)
sys.stderr.flush()
print("epoch 1/1", flush=True)
for _ in range(int(os.environ.get("STANDIN_WORKERS", "0"))):
    if os.fork() == 0:
        break
ready = os.open("ready", os.O_WRONLY)
os.write(ready, b"x")
os.close(ready)
os.read(lifeline, 1)
"""
LAUNCHER = """
import subprocess, sys
words = sys.argv[2:]
ranks = int(words.pop(0))
children = [
    subprocess.Popen([sys.executable, *words, *([f"--local_rank={rank}"] if ranks > 1 else [])])
    for rank in range(ranks)
]
for child in children:
    child.wait()
"""


class Stage:
    """A folder with a stand-in trainer that can be started in many ways."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sdxl_train_network.py").write_text(TRAINER, encoding="utf-8")
        (folder / "accelerate").write_text(LAUNCHER, encoding="utf-8")
        for name in ("lifeline", "ready"):
            os.mkfifo(folder / name)
        self._lifeline = os.open(folder / "lifeline", os.O_RDWR)
        self._ready = os.open(folder / "ready", os.O_RDWR)
        self._started: list[subprocess.Popen[bytes]] = []
        self.discovery = Discovery()

    python = f"{sys.executable} sdxl_train_network.py --output_dir=out"

    def start(self, shell: str, ready: int = 1, **settings) -> subprocess.Popen[bytes]:
        """Run a line of shell in the folder; returns when `ready` stand-ins say so."""
        environment = {**os.environ, "STANDIN_LOG": str(LOG), **settings.pop("env", {})}
        child = subprocess.Popen(
            ["/bin/sh", "-c", shell],
            cwd=self.folder,
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            **settings,
        )
        self._started.append(child)
        self.wait_ready(ready)
        return child

    def wait_ready(self, count: int = 1) -> None:
        until = time.monotonic() + PATIENT
        while count:
            assert select.select([self._ready], [], [], max(0, until - time.monotonic()))[0]
            count -= len(os.read(self._ready, count))

    def runs(self, gpus=()):
        """Those that were started here: others may train on this machine too."""
        found = self.discovery.look(gpus, PATIENT)
        return [run for run in found.runs if run.folder == str(self.folder)]

    def run(self, gpus=(), where=None):
        """The one run; asked until its log is `where`, as its ``tee`` may still be starting."""
        until = time.monotonic() + PATIENT
        while True:
            runs = self.runs(gpus)
            assert len(runs) == 1, runs
            if where is None or runs[0].log.where == str(where) or time.monotonic() > until:
                return runs[0]

    def close(self) -> None:
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        for child in self._started:
            try:
                child.wait(PATIENT)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        os.close(self._ready)


@pytest.fixture
def stage():
    folder = Path(tempfile.mkdtemp(prefix="loratui-"))  # short: it holds a socket's name
    stage = Stage(folder)
    try:
        yield stage
    finally:
        stage.close()
        shutil.rmtree(folder, ignore_errors=True)


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def test_redirected_to_a_file(stage):
    child = stage.start(f"exec {stage.python} > log 2>&1")
    run = stage.run()
    assert (run.pid, run.trainer, run.live) == (child.pid, "kohya", True)
    assert (run.log.kind, run.log.where) == ("file", str(stage.folder / "log"))
    assert run.other_log is None
    assert run.command[1:] == ("sdxl_train_network.py", "--output_dir=out")
    assert run.output_dir == str(stage.folder / "out")
    assert abs(run.started - time.time()) < 3600
    assert LAST in Path(run.log.where).read_bytes()


@pytest.mark.parametrize(
    ("pipe", "through"),
    [
        ("2>&1 | tee log", "tee"),
        ("2>&1 | tee -a log", "tee"),
        ("2>&1 | tee -a log | cat > copy", "tee"),
        ("2>&1 | cat > log", "cat"),
        ("2>&1 | cat | stdbuf -oL cat | tee log > /dev/null", "cat and cat and tee"),
    ],
)
def test_behind_a_pipe(stage, pipe, through):
    stage.start(f"{stage.python} {pipe}", stdout=subprocess.DEVNULL)
    run = stage.run(where=stage.folder / "log")
    assert (run.log.kind, run.log.where) == ("tee", str(stage.folder / "log"))
    assert f" {through} " in run.log.reason
    assert run.other_log is None


def test_tee_of_the_output_only_misses_the_bars_that_go_to_the_errors(stage):
    stage.start(f"{stage.python} 2> errors | tee log", stdout=subprocess.DEVNULL)
    run = stage.run(where=stage.folder / "errors")
    assert run.log.where == str(stage.folder / "errors")
    assert run.other_log.where == str(stage.folder / "log")


def test_a_shell_that_reads_the_output_itself(stage):
    stage.start(f"{stage.python} 2>&1 | while read line; do :; done")
    run = stage.run()
    assert (run.log.kind, run.log.cause) == ("none", "program")


@needs("tmux")
def test_in_a_tmux_pane(stage, monkeypatch):
    monkeypatch.setenv("TMUX_TMPDIR", str(stage.folder))
    monkeypatch.setenv("STANDIN_LOG", str(LOG))
    monkeypatch.delenv("TMUX", raising=False)
    tmux = ["tmux", "-L", "stage", "-f", "/dev/null"]
    window = [*tmux, "new-session", "-d", "-s", "x", "-c", str(stage.folder), stage.python]
    subprocess.run(window, check=True, timeout=PATIENT)
    try:
        stage.wait_ready()
        run = stage.run()
        assert run.log.kind == "tmux"
        shown = subprocess.run(
            ["tmux", "-S", run.log.socket, "capture-pane", "-p", "-t", run.log.where],
            capture_output=True,
            check=True,
            timeout=PATIENT,
        )
        assert b"epoch 1/1" in shown.stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, timeout=PATIENT)


@needs("script")
def test_a_terminal_that_script_records(stage):
    stage.start(f"script -qfc '{stage.python}' typescript", stdout=subprocess.DEVNULL)
    run = stage.run()
    assert (run.log.kind, run.log.where) == ("tee", str(stage.folder / "typescript"))
    assert "script" in run.log.reason


@pytest.mark.parametrize("ranks", [1, 2])
def test_launchers_are_folded_into_what_they_start(stage, ranks):
    script = stage.python.removeprefix(f"{sys.executable} ")
    line = f"{sys.executable} accelerate launch {ranks} {script} > log 2>&1"
    child = stage.start(f"exec {line}", ready=ranks)
    run = stage.run()
    assert run.pid != child.pid
    assert len(run.ranks) == ranks
    assert run.ranks[0] == run.pid
    assert run.log.where == str(stage.folder / "log")


def test_workers_of_a_data_loader_are_no_runs(stage):
    line = f"exec {stage.python} > log 2>&1"
    child = stage.start(line, ready=4, env={"STANDIN_WORKERS": "3"})
    run = stage.run()
    assert (run.pid, run.ranks) == (child.pid, (child.pid,))


def test_a_deleted_log_can_still_be_read(stage):
    child = stage.start(f"exec {stage.python} > log 2>&1")
    (stage.folder / "log").unlink()
    run = stage.run()
    assert run.log.where.startswith(f"/proc/{child.pid}/fd/")
    assert "deleted" in run.log.reason
    assert LAST in Path(run.log.where).read_bytes()


def test_a_log_that_was_moved_away_is_followed(stage):
    stage.start(f"exec {stage.python} > log 2>&1")
    assert stage.run().log.where.endswith("/log")
    (stage.folder / "log").rename(stage.folder / "log.1")
    (stage.folder / "log").write_text("somebody else's")
    assert stage.run().log.where.endswith("/log.1")


def test_a_run_is_over_when_its_process_is(stage):
    stage.start(f"exec {stage.python} > log 2>&1")
    live = stage.run()
    stage.close()
    over = stage.run()
    assert (live.live, over.live) == (True, False)
    assert (over.pid, over.log) == (live.pid, live.log)
    stage.discovery = Discovery()  # one that never saw it has nothing to remember
    assert stage.runs() == []


def test_visible_devices_of_the_process_name_its_gpu(stage):
    stage.start(f"exec {stage.python} > log 2>&1", env={"CUDA_VISIBLE_DEVICES": "1"})
    gpus = [GpuReading(index, "A", f"GPU-{index}") for index in range(2)]
    run = stage.run(gpus)
    assert (run.gpu_indices, run.gpus, run.on_gpu) == ((1,), ("GPU-1",), False)


def unshare(flags):
    """The command, where the kernel lets this user have namespaces of its own."""
    command = ["unshare", *flags]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True, timeout=PATIENT)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{' '.join(command)}: {error}")
    return " ".join(command)


def test_from_outside_its_number_space(stage):
    command = unshare(["-rpf", "--mount-proc"])
    stage.start(f"{command} {stage.python} > log 2>&1")
    run = stage.run()
    assert run.foreign
    assert (run.log.kind, run.log.where) == ("file", str(stage.folder / "log"))
    assert run.output_dir == str(stage.folder / "out")


REPORT = """
import json, sys
from loratui.engine.discovery import discover
runs = [run for run in discover(deadline=30.0) if run.folder == sys.argv[1]]
print(json.dumps([[run.pid, run.log.kind, run.log.where] for run in runs]))
"""


def test_from_inside_its_number_space(stage):
    command = unshare(["-rpf", "--mount-proc"])
    inside = stage.folder / "inside.sh"
    (stage.folder / "report.py").write_text(REPORT, encoding="utf-8")
    inside.write_text(
        f"{stage.python} > log 2>&1 &\n"
        f"PYTHONPATH={CHECKOUT} {sys.executable} report.py {stage.folder} > found.part\n"
        "mv found.part found\nwait\n"
    )
    # the report waits for nothing: let it begin when the trainer is ready
    inside.write_text(inside.read_text().replace("PYTHONPATH", "read go < go\nPYTHONPATH", 1))
    os.mkfifo(stage.folder / "go")
    stage.start(f"{command} sh inside.sh")
    (stage.folder / "go").write_text("go\n")
    until = time.monotonic() + PATIENT
    while not (stage.folder / "found").exists():
        assert time.monotonic() < until
        select.select([], [], [], 0.01)
    [[pid, kind, where]] = json.loads((stage.folder / "found").read_text())
    assert pid < 10  # a number of the inner space
    assert (kind, where) == ("file", str(stage.folder / "log"))


def test_a_log_on_a_mount_of_its_own_is_read_through_the_process(stage):
    command = unshare(["-rm"])
    (stage.folder / "disk").mkdir()
    mounted = "mount -t tmpfs tmpfs disk && echo 'x' > disk/mark"
    line = f"{mounted} && exec {stage.python} > disk/log 2>&1"
    stage.start(f'{command} sh -c "{line}"')
    run = stage.run()
    assert run.log.where.startswith("/proc/")
    assert "container" in run.log.reason
    assert LAST in Path(run.log.where).read_bytes()
    assert not (stage.folder / "disk/log").exists()


def as_nobody(question):
    """The answer, as JSON, of a child of this process that gave up all its rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writing, json.dumps(question()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    return json.loads(data)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_without_permission_it_is_listed_all_the_same(stage):
    stage.start(f"exec {stage.python} > log 2>&1")
    mine = stage.run()

    def seen():
        runs = [run for run in Discovery().look((), PATIENT).runs if run.pid == mine.pid]
        return [[run.trainer, run.log.kind, run.log.cause, run.folder, run.user] for run in runs]

    assert as_nobody(seen) == [["kohya", "none", "no-permission", "", mine.user]]


def test_a_program_that_looks_does_not_find_itself(stage):
    looker = stage.folder / "flux_train_network.py"
    looker.write_text(REPORT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(looker), str(stage.folder)],
        cwd=stage.folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=PATIENT * 2,
        check=True,
    )
    assert json.loads(done.stdout) == []
