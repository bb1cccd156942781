"""Processes as values: hostile names, what is not ours to see, files of containers, psutil."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from loratui.machine import running
from loratui.machine.running import LinuxProcesses, within
from loratui.machine.running_elsewhere import OtherProcesses
from tests.machine.fake_proc import BOOT, FakeProc

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def fake(tmp_path):
    return FakeProc(tmp_path)


def test_a_process_as_a_value(fake, tmp_path):
    fake.add(
        7,
        ["python", "train.py", "--name", "a b"],
        parent=3,
        started=12.5,
        folder=tmp_path,
        files={1: "pipe:[5]", 2: "/dev/null"},
        environment={"SECRET": "x", "CUDA_VISIBLE_DEVICES": "1,0"},
    )
    found = LinuxProcesses(tmp_path).process(7)
    assert (found.pid, found.parent, found.started) == (7, 3, BOOT + 12.5)
    assert found.command == ("python", "train.py", "--name", "a b")
    assert (found.folder, found.environment) == (str(tmp_path), {"CUDA_VISIBLE_DEVICES": "1,0"})
    assert found.files == {1: "pipe:[5]", 2: "/dev/null"}
    assert not found.foreign
    assert not found.over
    assert "SECRET" not in repr(found)


@pytest.mark.parametrize("name", ["a) S 9 (b", "x\ny", ") Z 1 1", "\x1b[2J"])
def test_a_hostile_name_does_not_move_the_fields(fake, tmp_path, name):
    fake.add(7, ["python"], parent=3, started=2, name=name)
    found = LinuxProcesses(tmp_path).process(7)
    assert (found.parent, found.started, found.over) == (3, BOOT + 2, False)


def test_undecodable_words_lead_back_to_their_bytes(fake, tmp_path):
    fake.add(7, ["python", os.fsdecode(b"/data/\xff\xfe.py")])
    assert os.fsencode(LinuxProcesses(tmp_path).command(7)[1]) == b"/data/\xff\xfe.py"


def test_what_is_not_ours_to_see_is_none_and_not_empty(fake, tmp_path):
    fake.add(7, ["python"], uid=4_000_000)
    found = LinuxProcesses(tmp_path).process(7)
    assert found.files is None
    assert found.environment == {}
    assert (found.folder, found.user) == ("", "4000000")


def test_gone_over_and_without_a_command(fake, tmp_path):
    fake.add(7, [], state="Z")
    system = LinuxProcesses(tmp_path)
    assert system.process(8) is None
    assert system.command(8) == ()
    assert system.command(7) == ()
    assert system.process(7).over


def test_ancestors_end_even_in_a_circle(fake, tmp_path):
    fake.add(7, ["a"], parent=8)
    fake.add(8, ["b"], parent=9)
    fake.add(9, ["c"], parent=7)
    assert LinuxProcesses(tmp_path).above(7) == (8, 9, 7)


def test_own_is_this_process_and_those_above(tmp_path):
    fake = FakeProc(tmp_path, own=20)
    fake.add(20, ["loratui"], parent=10)
    fake.add(10, ["bash"], parent=1)
    assert LinuxProcesses(tmp_path).own() == {20, 10, 1}


def test_without_proc_there_is_nothing(tmp_path):
    system = LinuxProcesses(tmp_path)
    assert (system.pids(), system.own(), system.process(1)) == ([], frozenset(), None)


def test_numbers_are_real_only_in_the_first_number_space(fake, tmp_path):
    assert LinuxProcesses(tmp_path).numbers_are_real()
    inside = tmp_path / "inside"
    FakeProc(inside, numbers="pid:[4026532000]")
    assert not LinuxProcesses(inside).numbers_are_real()


def test_a_path_of_a_container_leads_through_its_process(fake, tmp_path):
    box = tmp_path / "box"
    (box / "real/run").mkdir(parents=True)
    (box / "workspace").symlink_to("/real")  # absolute: means the container's, not ours
    (box / "real/run/log.txt").write_text("x")
    fake.add(7, ["python"], mount="mnt:[2]")
    (fake.proc / "7/root").symlink_to(box)
    system = LinuxProcesses(tmp_path)
    found = system.path(7, "/workspace/run/log.txt")
    assert found == f"{fake.proc}/7/root/real/run/log.txt"
    assert os.path.exists(found)
    assert system.process(7).foreign


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/a/../../../etc/passwd", "/etc/passwd"),
        ("/up/x", "/x"),
        ("/loop/x", "/loop/x"),
        ("/link/f", "/dir/f"),
        ("/no/such", "/no/such"),
    ],
)
def test_links_never_lead_out_of_a_root(tmp_path, path, real):
    (tmp_path / "dir").mkdir()
    (tmp_path / "up").symlink_to("../../../..")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("dir")
    assert within(str(tmp_path), path) == f"{tmp_path}{real}"


def test_descriptors_flags_and_terminals(fake, tmp_path):
    fake.add(
        7,
        ["script"],
        files={0: "/dev/pts/1", 3: "/dev/ptmx", 4: tmp_path / "typescript"},
        writes=(4,),
        terminals={3: 9},
    )
    system = LinuxProcesses(tmp_path)
    assert (system.terminal(7, 3), system.terminal(7, 4)) == (9, None)
    assert (system.writes(7, 4), system.writes(7, 0), system.writes(7, 99)) == (True, False, False)
    assert system.target(7, 99) == ""


@linux
@pytest.mark.parametrize("system", [LinuxProcesses(), OtherProcesses()], ids=["proc", "psutil"])
def test_both_readers_tell_the_same_of_a_real_process(system, tmp_path):
    log = tmp_path / "log"
    code = "import sys; print('ready', file=sys.stderr, flush=True); sys.stdin.read()"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-c", code, "über"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "3"},
        ) as child,
    ):
        assert child.stderr.readline() == b"ready\n"  # before that it may be about to become Python
        found = system.process(child.pid)
        assert child.pid in system.pids()
        assert found.command[-1] == "über"
        assert found.parent == os.getpid()
        assert os.getpid() in system.above(child.pid)
        assert (found.folder, found.files[1]) == (str(tmp_path), str(log))
        assert found.environment["CUDA_VISIBLE_DEVICES"] == "3"
        assert system.target(child.pid, 1) == str(log)
        assert os.getpid() in system.own()
        child.stdin.close()


@linux
def test_both_readers_agree_on_when_it_started():
    pid = os.getpid()
    one, other = LinuxProcesses().process(pid), OtherProcesses().process(pid)
    assert one.started == pytest.approx(other.started, abs=2.0)
    assert one.user == other.user


def test_psutil_is_the_reader_elsewhere(monkeypatch):
    monkeypatch.setattr(running.sys, "platform", "darwin")
    assert isinstance(running.processes(), OtherProcesses)
    assert OtherProcesses().process(2**30) is None
    assert OtherProcesses().command(2**30) == ()
