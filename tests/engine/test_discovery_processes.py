"""Runs found among real processes: a stand-in trainer behind files, pipes, terminals, namespaces.

The stand-in prints a recorded log, says that it is ready and lives until its lifeline, a named
pipe that the test holds open, is closed; so that none outlives the test, whatever becomes of it.
Its configuration names its folders, and `Stage.told` compares all of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loratui.core.facts import GpuReading
from loratui.core.running import FoundRun
from loratui.engine.discovery import Discovery
from loratui.machine.running import LinuxProcesses

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

RUNS = Path(__file__).parents[1] / "fixtures/runs"
CHECKOUT = Path(__file__).parents[2]
PATIENT = 30.0
SCRIPT = "sdxl_train_network.py"
LAST = b"steps:"
TRAINER = """
import os, sys
home = os.environ["STANDIN_HOME"]
# before it is said to be ready: it may close then
lifeline = os.open(home + "/lifeline", os.O_RDONLY)
data = open(os.environ["STANDIN_LOG"], encoding="utf-8", newline="").read()
sys.stderr.write(data)
sys.stderr.flush()
print("epoch 1/1", flush=True)
for _ in range(int(os.environ.get("STANDIN_WORKERS", "0"))):
    if os.fork() == 0:
        break
ready = os.open(home + "/ready", os.O_WRONLY)
os.write(ready, b"x")
os.close(ready)
os.read(lifeline, 1)
"""
LAUNCHER = """
import os, subprocess, sys
words = sys.argv[2:]
ranks = int(words.pop(0))
in_words = os.path.basename(sys.argv[0]) == "accelerate" and ranks > 1
children = [
    subprocess.Popen(
        [sys.executable, *words, *([f"--local_rank={rank}"] if in_words else [])],
        env={**os.environ, **({} if in_words else {"LOCAL_RANK": str(rank)})},
    )
    for rank in reversed(range(ranks))
]
for child in children:
    child.wait()
"""
CONFIG = """
output_dir = "other"
logging_dir = "{name}-logs"
output_name = "{name}-lora"
train_data_dir = "images"
"""


class Stage:
    """A folder with a stand-in trainer that can be started in many ways."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / SCRIPT).write_text(TRAINER, encoding="utf-8")
        for launcher in ("accelerate", "torchrun"):
            (folder / launcher).write_text(LAUNCHER, encoding="utf-8")
        for name in ("lifeline", "ready"):
            os.mkfifo(folder / name)
        self._lifeline = os.open(folder / "lifeline", os.O_RDWR)
        self._ready = os.open(folder / "ready", os.O_RDWR)
        self._started: list[subprocess.Popen[bytes]] = []
        self.discovery = Discovery()
        self.environment = {
            **os.environ,
            "STANDIN_LOG": str(RUNS / "kohya/healthy.log"),
            "STANDIN_HOME": str(folder),
        }
        self.python = self.command()

    def command(self, name: str = "run", folder: Path | None = None) -> str:
        """The trainer's command line, with a configuration of its own."""
        place = folder or self.folder
        (place / f"{name}.toml").write_text(CONFIG.format(name=name), encoding="utf-8")
        script = self.folder / SCRIPT
        return f"{sys.executable} {script} --config_file {name} --output_dir={name}-out"

    def start(
        self,
        shell: str,
        ready: int = 1,
        env: dict[str, str] | None = None,
        folder: Path | None = None,
        **settings,
    ) -> subprocess.Popen[bytes]:
        """Run a line of shell in the folder; returns when `ready` stand-ins say so."""
        child = subprocess.Popen(
            ["/bin/sh", "-c", shell],
            cwd=folder or self.folder,
            env={**self.environment, **(env or {})},
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

    def runs(self, gpus=(), deadline: float = PATIENT) -> list[FoundRun]:
        """Those that were started here: others may train on this machine too."""
        found = self.discovery.look(gpus, deadline)
        return [run for run in found.runs if any(str(self.folder) in w for w in run.command)]

    def run(self, gpus=(), where=None, deadline: float = PATIENT) -> FoundRun:
        """The one run; asked until its log is `where`, as its ``tee`` may still be starting."""
        until = time.monotonic() + PATIENT
        while True:
            runs = self.runs(gpus, deadline)
            assert len(runs) == 1, runs
            if where is None or runs[0].log.where == str(where) or time.monotonic() > until:
                return runs[0]

    def told(self, run: FoundRun, kind: str, log: Path | str, name: str = "run") -> None:
        """That this is the run of the configuration `name`, with its log and all its folders."""
        here = str(self.folder)
        assert (run.trainer, run.name, run.folder) == ("kohya", f"{name}-lora", here)
        assert run.configs == (f"{here}/{name}.toml",)
        assert (run.output_dir, run.checkpoints) == (f"{here}/{name}-out", f"{here}/{name}-out")
        assert run.logging_dir == f"{here}/{name}-logs"
        assert run.dataset_dirs == (f"{here}/images",)
        assert (run.log.kind, run.log.where) == (kind, str(log))
        assert run.left_out == ()

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
    stage.told(run, "file", stage.folder / "log")
    assert (run.pid, run.live, run.other_log) == (child.pid, True, None)
    assert run.command[1:] == (
        f"{stage.folder}/{SCRIPT}", "--config_file", "run", "--output_dir=run-out",
    )  # fmt: skip
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
    stage.told(run, "tee", stage.folder / "log")
    assert f" {through} " in run.log.reason
    assert run.other_log is None


def test_tee_of_the_output_only_misses_the_bars_that_go_to_the_errors(stage):
    stage.start(f"{stage.python} 2> errors | tee log", stdout=subprocess.DEVNULL)
    run = stage.run(where=stage.folder / "errors")
    stage.told(run, "file", stage.folder / "errors")
    assert run.other_log.where == str(stage.folder / "log")


def test_a_shell_that_reads_the_output_itself(stage):
    stage.start(f"{stage.python} 2>&1 | while read line; do :; done")
    run = stage.run()
    stage.told(run, "none", "")
    assert run.log.cause == "program"


def test_nohup_keeps_what_would_go_to_a_terminal(stage):
    ours, terminal = os.openpty()
    try:
        child = stage.start(f"exec nohup {stage.python}", stdout=terminal, stderr=terminal)
        run = stage.run()
        stage.told(run, "file", stage.folder / "nohup.out")
        assert (run.pid, run.other_log) == (child.pid, None)
    finally:
        os.close(ours)
        os.close(terminal)


@needs("tmux")
def test_in_a_tmux_pane(stage, monkeypatch):
    monkeypatch.setenv("TMUX_TMPDIR", str(stage.folder))
    monkeypatch.delenv("TMUX", raising=False)
    tmux = ["tmux", "-L", "stage", "-f", "/dev/null"]
    window = [*tmux, "new-session", "-d", "-s", "x", "-c", str(stage.folder), stage.python]
    subprocess.run(
        window,
        check=True,
        timeout=PATIENT,
        env={**stage.environment, "TMUX_TMPDIR": str(stage.folder)},
    )
    try:
        stage.wait_ready()
        run = stage.run()
        stage.told(run, "tmux", "%0")
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
    stage.told(run, "tee", stage.folder / "typescript")
    assert "script" in run.log.reason


def test_a_terminal_that_nobody_records(stage):
    ours, terminal = os.openpty()
    try:
        # nobody takes what is written to it either
        quiet = {"STANDIN_LOG": "/dev/null"}
        stage.start(f"exec {stage.python}", env=quiet, stdout=terminal, stderr=terminal)
        run = stage.run()
        stage.told(run, "none", "")
        assert run.log.cause == "terminal"
    finally:
        os.close(ours)
        os.close(terminal)


def test_two_runs_at_once_keep_their_own_files(stage):
    """Started in one folder, by one shell; each holds the events of its own."""
    for name in ("one", "two"):
        (stage.folder / f"{name}-logs/x").mkdir(parents=True)
        (stage.folder / f"{name}-logs/x/events.out.tfevents.1").touch()
    one, two = stage.command("one"), stage.command("two")
    line = f"{one} > one.log 2>&1 & {two} 2>&1 | tee two.log & wait"
    stage.start(line, ready=2, stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENT
    while len(places := {run.name: run for run in stage.runs() if run.log.where}) < 2:
        assert time.monotonic() < until
    first, second = places["one-lora"], places["two-lora"]
    stage.told(first, "file", stage.folder / "one.log", "one")
    stage.told(second, "tee", stage.folder / "two.log", "two")
    assert first.pid != second.pid
    assert first.events == str(stage.folder / "one-logs/x")
    assert second.events == str(stage.folder / "two-logs/x")


@pytest.mark.parametrize(
    ("launcher", "ranks"), [("accelerate", 1), ("accelerate", 2), ("torchrun", 2)]
)
def test_launchers_are_folded_into_what_they_start(stage, launcher, ranks):
    """The last rank is started first: not the order counts but what they were told."""
    script = stage.python.removeprefix(f"{sys.executable} ")
    line = f"{sys.executable} {launcher} launch {ranks} {script} > log 2>&1"
    child = stage.start(f"exec {line}", ready=ranks)
    gpus = [GpuReading(index, "A", f"GPU-{index}") for index in range(3)]
    run = stage.run(gpus)
    stage.told(run, "file", stage.folder / "log")
    assert run.pid != child.pid
    assert len(run.ranks) == ranks
    assert run.ranks[0] == run.pid == max(run.ranks)
    assert run.gpu_indices == tuple(range(ranks))


def test_workers_of_a_data_loader_are_no_runs(stage):
    line = f"exec {stage.python} > log 2>&1"
    child = stage.start(line, ready=4, env={"STANDIN_WORKERS": "3"})
    run = stage.run()
    stage.told(run, "file", stage.folder / "log")
    assert (run.pid, run.ranks) == (child.pid, (child.pid,))


def test_a_deleted_log_can_still_be_read(stage):
    child = stage.start(f"exec {stage.python} > log 2>&1")
    (stage.folder / "log").unlink()
    run = stage.run()
    stage.told(run, "file", f"/proc/{child.pid}/fd/2")
    assert "deleted" in run.log.reason
    assert LAST in Path(run.log.where).read_bytes()


def test_a_log_that_was_moved_away_is_followed(stage):
    stage.start(f"exec {stage.python} > log 2>&1")
    stage.told(stage.run(), "file", stage.folder / "log")
    (stage.folder / "log").rename(stage.folder / "log.1")
    (stage.folder / "log").write_text("somebody else's")
    stage.told(stage.run(), "file", stage.folder / "log.1")


@pytest.mark.parametrize("anew", [False, True], ids=["gone", "made anew"])
def test_a_deleted_working_folder(stage, anew):
    """What was named from there is nowhere; a folder of the same name is not the same."""
    place = stage.folder / "place"
    place.mkdir()
    line = f"exec {stage.command(folder=place)} --logging_dir {stage.folder}/logs > log 2>&1"
    child = stage.start(line, folder=place)
    shutil.rmtree(place)
    if anew:
        place.mkdir()
        stage.command(folder=place)
    run = stage.run()
    assert (run.pid, run.trainer, run.folder) == (child.pid, "kohya", "")
    assert (run.log.kind, run.log.where) == ("file", f"/proc/{child.pid}/fd/2")
    assert LAST in Path(run.log.where).read_bytes()
    assert (run.configs, run.output_dir, run.dataset_dirs) == ((), "", ())
    assert run.logging_dir == f"{stage.folder}/logs"


def test_a_run_is_over_when_its_process_is(stage):
    stage.start(f"exec {stage.python} > log 2>&1")
    live = stage.run()
    stage.close()
    over = stage.run()
    stage.told(over, "file", stage.folder / "log")
    assert (live.live, over.live) == (True, False)
    assert (over.pid, over.log) == (live.pid, live.log)
    stage.discovery = Discovery()  # one that never saw it has nothing to remember
    assert stage.runs() == []


def test_visible_devices_of_the_process_name_its_gpu(stage):
    stage.start(f"exec {stage.python} > log 2>&1", env={"CUDA_VISIBLE_DEVICES": "1"})
    gpus = [GpuReading(index, "A", f"GPU-{index}") for index in range(2)]
    run = stage.run(gpus)
    assert (run.gpu_indices, run.gpus, run.on_gpu) == ((1,), ("GPU-1",), False)


# namespaces


def unshare(flags):
    """The command, where the kernel lets this user have namespaces of its own."""
    command = ["unshare", *flags]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True, timeout=PATIENT)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{' '.join(command)}: {error}")
    return " ".join(command)


@pytest.mark.parametrize("flags", ["-rpf", "-Upf"])
def test_from_outside_its_number_space(stage, flags):
    command = unshare([flags, "--mount-proc"])
    stage.start(f"{command} {stage.python} > log 2>&1")
    run = stage.run()
    stage.told(run, "file", stage.folder / "log")
    assert run.foreign


REPORT = """
import json, sys
from loratui.engine.discovery import discover
runs = [run for run in discover(deadline=30.0) if run.folder == sys.argv[1]]
print(json.dumps([[r.pid, r.log.kind, r.log.where, r.configs, r.output_dir] for r in runs]))
"""


def test_from_inside_its_number_space(stage):
    command = unshare(["-rpf", "--mount-proc"])
    (stage.folder / "report.py").write_text(REPORT, encoding="utf-8")
    # the report waits for nothing: it begins when the trainer is ready
    (stage.folder / "inside.sh").write_text(
        f"{stage.python} > log 2>&1 &\n"
        "read go < go\n"
        f"PYTHONPATH={CHECKOUT} {sys.executable} report.py {stage.folder} > found\n"
        "echo done > done\nwait\n"
    )
    for name in ("go", "done"):
        os.mkfifo(stage.folder / name)
    done = os.open(stage.folder / "done", os.O_RDWR)
    try:
        stage.start(f"{command} sh inside.sh")
        (stage.folder / "go").write_text("go\n")
        assert select.select([done], [], [], PATIENT)[0]
    finally:
        os.close(done)
    [[pid, kind, where, configs, output]] = json.loads((stage.folder / "found").read_text())
    assert pid < 10  # a number of the inner space
    assert (kind, where) == ("file", str(stage.folder / "log"))
    assert configs == [str(stage.folder / "run.toml")]
    assert output == str(stage.folder / "run-out")


def test_a_log_on_a_mount_of_its_own_is_read_through_the_process(stage):
    """So is the configuration, which is another one here."""
    command = unshare(["-rm"])
    place = stage.folder / "disk"
    place.mkdir()
    python = stage.command("inside").replace("--config_file ", "--config_file disk/")
    mounted = "mount -t tmpfs tmpfs disk && cp inside.toml disk/"
    stage.start(f'{command} sh -c "{mounted} && exec {python} > disk/log 2>&1"')
    (place / "inside.toml").write_text("output_name = 'wrong'")
    run = stage.run()
    assert run.name == "inside-lora"
    assert run.configs[0].startswith("/proc/")
    assert run.output_dir == f"{stage.folder}/inside-out"
    assert run.log.where.startswith("/proc/")
    assert "container" in run.log.reason
    assert LAST in Path(run.log.where).read_bytes()
    assert not (place / "log").exists()


# what does not answer


@pytest.mark.parametrize(
    ("reader", "kind", "cause"),
    [
        ("cat pipe > log", "tee", ""),
        ("tee log < pipe > /dev/null", "tee", ""),
        ("cat pipe | tee log > /dev/null", "tee", ""),
        ("while read line; do :; done < pipe", "none", "program"),
    ],
)
def test_a_named_pipe_leads_to_what_its_reader_writes(stage, reader, kind, cause):
    """Opening it to read would take the output away from whoever gets it now."""
    os.mkfifo(stage.folder / "pipe")
    stage.start(f"({reader}) & {stage.python} > pipe 2>&1")
    where = stage.folder / "log" if kind == "tee" else ""
    run = stage.run(where=where)
    stage.told(run, kind, where)
    assert run.log.cause == cause


def test_a_named_pipe_that_nobody_seems_to_read(stage):
    os.mkfifo(stage.folder / "pipe")
    held = os.open(stage.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    spare = os.open("/dev/null", os.O_RDONLY)  # whatever takes the place of the first file
    try:
        log = str(RUNS / "kohya/crash-bad-toml.log")  # fits into the pipe
        stage.start(f"exec {stage.python} > pipe 2>&1", env={"STANDIN_LOG": log})
        run = stage.run()
        stage.told(run, "none", "")
        assert run.log.cause in ("pipe", "program")
        assert select.select([held], [], [], 0)[0]  # nothing was taken from it
    finally:
        os.close(held)
        os.close(spare)


class Stuck(LinuxProcesses):
    """Questions that fit wait until told to go on, as those about files on a dead mount do."""

    def __init__(self, *, log: str = "", below: str = "") -> None:
        super().__init__()
        self.go, self.asked = threading.Event(), threading.Event()
        self._log, self._below = log, below

    def _wait(self) -> None:
        self.asked.set()
        self.go.wait(60)

    def identity(self, pid, fd):
        if self._log and self.target(pid, fd) == self._log:
            self._wait()
        return super().identity(pid, fd)

    def path(self, pid, text):
        if self._below and text.startswith(self._below):
            self._wait()
        return super().path(pid, text)


@pytest.fixture
def stuck(stage):
    """Makes the stage's discovery ask a system that is stuck."""
    made: list[Stuck] = []

    def make(**places: str) -> Stuck:
        made.append(Stuck(**places))
        stage.discovery = Discovery(made[-1])
        return made[-1]

    yield make
    for system in made:
        system.go.set()


def joined() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("discovery"):
            thread.join(PATIENT)


def within(seconds: float, question: Callable[[], list[FoundRun]]) -> list[FoundRun]:
    begin = time.perf_counter()
    found = question()
    assert time.perf_counter() - begin < seconds
    return found


def test_a_log_on_a_dead_mount_leaves_the_rest_of_the_run(stage, stuck):
    one, two = stage.command("one"), stage.command("two")
    stage.start(f"{one} > one.log 2>&1 & {two} > two.log 2>&1 & wait", ready=2)
    system = stuck(log=str(stage.folder / "one.log"))
    runs = within(3.0, lambda: stage.runs(deadline=3.0))
    assert system.asked.is_set()
    found = {run.name: run for run in runs}
    stage.told(found["one-lora"], "none", "", "one")
    stage.told(found["two-lora"], "file", stage.folder / "two.log", "two")
    assert found["one-lora"].log.cause == "no-answer"
    system.go.set()
    joined()
    found = {run.name: run for run in stage.runs()}
    stage.told(found["one-lora"], "file", stage.folder / "one.log", "one")


def test_folders_on_a_dead_mount_leave_the_log(stage, stuck):
    stage.start(f"exec {stage.python} > log 2>&1")
    system = stuck(below=str(stage.folder / "run-out"))
    (run,) = within(3.0, lambda: stage.runs(deadline=3.0))
    assert system.asked.is_set()
    assert (run.trainer, run.live) == ("kohya", True)
    assert (run.log.kind, run.log.where) == ("file", str(stage.folder / "log"))
    assert (run.configs, run.output_dir, run.name) == ((), "", "")
    assert run.left_out == ("The folders that it names did not answer.",)
    system.go.set()
    joined()
    stage.told(stage.run(), "file", stage.folder / "log")


def test_a_mount_that_dies_takes_nothing_away_that_was_known(stage, stuck):
    stage.start(f"exec {stage.python} > log 2>&1")
    system = stuck(below=str(stage.folder / "run-out"))
    system.go.set()
    known = stage.run()
    stage.told(known, "file", stage.folder / "log")
    system.go.clear()
    (run,) = within(3.0, lambda: stage.runs(deadline=3.0))
    assert (run.name, run.configs, run.output_dir) == (known.name, known.configs, known.output_dir)
    assert run.left_out


# ai-toolkit's web interface


JOB = "6f1c2f0e-1b1a-4d0e-9a55-000000000001"
TABLE = """
CREATE TABLE Job (id TEXT PRIMARY KEY, name TEXT UNIQUE, gpu_ids TEXT, job_config TEXT,
 status TEXT DEFAULT 'stopped', step INTEGER DEFAULT 0, total_steps INTEGER, pid INTEGER);
INSERT INTO Job VALUES ('other', 'somebody else''s', '0', '{}', 'running', 1, 9, 1);
"""
# how its versions start a job: output into the log itself, or into nothing and `run.py --log`
STARTS = {
    "now": (">> {log} 2>&1", ""),
    "until 2026-07": ("> /dev/null 2>&1", "--log {log}"),
    "output lost": ("> /dev/null 2>&1", ""),
}


class WebInterface:
    """Starts the stand-in as a job of ai-toolkit's web interface."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.toolkit = stage.folder / "aitk"
        for part in ("toolkit", "jobs"):
            (self.toolkit / part).mkdir(parents=True)
        (self.toolkit / "run.py").write_text(TRAINER, encoding="utf-8")
        self.database = self.toolkit / "aitk_db.db"
        self.folder = stage.folder / "trained/maya"
        self.folder.mkdir(parents=True)

    def table(self, name: str, mode: str = "delete") -> sqlite3.Connection:
        """The database, with this job; the connection stays open, as the interface's does."""
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.executescript(TABLE)
        row = (JOB, name, "1", "{}", "running", 120, 2000, 4)
        connection.execute("INSERT INTO Job VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return connection

    def start(self, how: str = "now", job: str = JOB) -> FoundRun:
        config = {
            "job": "extension",
            "config": {
                "name": "maya",
                "process": [
                    {
                        "type": "diffusion_trainer",
                        "training_folder": str(self.folder.parent),
                        "sqlite_db_path": str(self.database),
                        "datasets": [{"folder_path": str(self.stage.folder / "images")}],
                    }
                ],
            },
        }
        (self.folder / ".job_config.json").write_text(json.dumps(config, indent=2))
        log = self.folder / "log.txt"
        log.write_text("Running 1 job\n")
        redirected, more = (text.format(log=log) for text in STARTS[how])
        line = f"{sys.executable} {self.toolkit}/run.py {self.folder}/.job_config.json {more}"
        self.stage.start(
            f"exec {line} {redirected}",
            folder=self.toolkit,
            env={
                "STANDIN_LOG": str(RUNS / "ai_toolkit/healthy.log"),
                "AITK_JOB_ID": job,
                "IS_AI_TOOLKIT_UI": "1",
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
                "CUDA_VISIBLE_DEVICES": "1",
            },
        )
        gpus = [GpuReading(0, "3060", "GPU-0"), GpuReading(1, "4090", "GPU-1")]
        run = self.stage.run(gpus)
        assert (run.trainer, run.gpu_indices) == ("ai-toolkit", (1,))
        assert (run.log.kind, run.log.where) == ("file", str(log))
        assert run.configs == (str(self.folder / ".job_config.json"),)
        assert (run.output_dir, run.checkpoints) == (str(self.folder), str(self.folder))
        assert run.dataset_dirs == (str(self.stage.folder / "images"),)
        return run


@pytest.fixture
def web(stage):
    return WebInterface(stage)


@pytest.mark.parametrize("how", STARTS)
def test_a_job_of_the_web_interface_has_the_name_that_is_shown_there(web, how):
    with contextlib.closing(web.table("maya, third try")):
        assert web.start(how).name == "maya, third try"


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_its_database_is_left_as_it_is(web, mode):
    def files():
        """But not what shared memory holds, which is one for the two connections of this test."""
        found = web.toolkit.glob("aitk_db*")
        return {p.name: p.name.endswith("-shm") or p.read_bytes() for p in found}

    with contextlib.closing(web.table("shown", mode)):
        before = files()
        assert len(before) == (1 if mode == "delete" else 3)
        assert web.start().name == "shown"
        assert files() == before


def locked(web):
    connection = web.table("shown")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("UPDATE Job SET name = 'not yet' WHERE id = ?", (JOB,))
    return connection


def endless(web):
    connection = sqlite3.connect(web.database)
    connection.executescript(
        "CREATE VIEW Job AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
        "SELECT id, 'x' AS name FROM n"
    )
    return connection


def another(web):
    web.database.write_bytes(b"no database" * 1000)


def waiting(web):
    os.mkfifo(web.database)


def numbered(web):
    connection = sqlite3.connect(web.database, isolation_level=None)
    connection.executescript(f"CREATE TABLE Job (id, name); INSERT INTO Job VALUES ('{JOB}', 7)")
    return connection


@pytest.mark.parametrize("made", [locked, endless, another, waiting, numbered, None])
def test_without_an_answer_of_its_database_a_job_has_its_configurations_name(web, made):
    with contextlib.ExitStack() as stack:
        connection = made(web) if made is not None else None
        if connection is not None:
            stack.enter_context(contextlib.closing(connection))
        assert web.start().name == "maya"


def test_a_job_that_is_not_in_the_table_has_its_configurations_name(web):
    with contextlib.closing(web.table("shown")):
        assert web.start(job="' OR 1 --").name == "maya"


# who looks


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
        return [
            [run.trainer, run.log.kind, run.log.cause, run.folder, run.output_dir, run.user]
            for run in runs
        ]

    assert as_nobody(seen) == [["kohya", "none", "no-permission", "", "", mine.user]]


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
