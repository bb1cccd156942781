"""Which GPUs a run has: CUDA's variables against what NVML reads from a stand-in library."""

from __future__ import annotations

import pytest

from loratui.core.facts import GpuReading
from loratui.core.running import Process
from loratui.engine.discovery import Discovery
from loratui.engine.discovery.devices import LISTED, devices
from loratui.machine.nvml import Nvml
from loratui.machine.running import LinuxProcesses
from tests.machine.fake_proc import FakeProc

from ..fake_nvml.fixtures import build_nvml, load_nvml  # noqa: F401

ON_GPU = {0: "/dev/null", 9: "/dev/nvidia-uvm"}
UUIDS = "".join(f"uuid@{at} GPU-{at}{at}{at}-aa; " for at in range(4))
ONE = f"count 1; {UUIDS}"
ALIKE = f"count 3; {UUIDS}"
UNLIKE = f"count 3; {UUIDS} name@0 RTX 3060; name@1 RTX 4090; name@2 RTX 3060"
TWINS = "count 2; uuid@0 GPU-77-aa; uuid@1 GPU-77-bb"
PCI = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
BY_SPEED = {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}


@pytest.fixture
def readings(load_nvml):  # noqa: F811
    """What NVML says of a scenario of the stand-in."""

    def read(scenario: str) -> list[GpuReading]:
        load_nvml(scenario)
        nvml = Nvml()
        assert nvml.open() is None
        return nvml.read()

    return read


def seen(gpus, *environments, files=None, command=("python",)):
    ranks = [
        Process(5 + at, command, files=files or ON_GPU, environment=environment)
        for at, environment in enumerate(environments)
    ]
    return devices(ranks, gpus, numbers_are_real=True)


def visible(value, **more):
    return {"CUDA_VISIBLE_DEVICES": value, **more}


def rank(number, **more):
    return {"LOCAL_RANK": str(number), **more}


@pytest.mark.parametrize(
    ("scenario", "environment", "indices"),
    [
        (ALIKE, visible("1"), (1,)),
        (ALIKE, visible("2,0"), (2, 0)),
        (ALIKE, visible(" 2 , 0 "), (2, 0)),
        (ALIKE, visible("0,"), (0,)),
        # no GPU at all
        (ALIKE, visible(""), ()),
        (ALIKE, visible(" "), ()),
        (ALIKE, visible("-1"), ()),
        (ALIKE, visible("NoDevFiles"), ()),
        (ONE, visible(""), ()),
        (UNLIKE, visible(""), ()),
        # as CUDA: nothing counts after the first that does not fit
        (ALIKE, visible("1,9,0"), (1,)),
        (ALIKE, visible("0,-1,1"), (0,)),
        (ALIKE, visible("1,1,0"), (1,)),
        (ALIKE, visible("9999999999999999999"), ()),
        (ALIKE, visible("٣"), ()),
        # by UUID, of which the begin is enough where it fits one only
        (ALIKE, visible("GPU-222-aa"), (2,)),
        (ALIKE, visible("GPU-2,GPU-0"), (2, 0)),
        (ALIKE, visible("GPU-"), ()),
        (ALIKE, visible("GPU-9"), ()),
        (ALIKE, visible("222-aa"), ()),
        (TWINS, visible("GPU-77"), ()),
        (TWINS, visible("GPU-77-b"), (1,)),
        (UNLIKE, visible("GPU-1"), (1,)),
        # slices
        (ALIKE, visible("MIG-GPU-111-aa/1/0"), (1,)),
        (ALIKE, visible("MIG-GPU-1/1/0"), None),
        (ALIKE, visible("MIG-5c2d-77"), None),
        (ONE, visible("MIG-5c2d-77"), (0,)),
        # unlike GPUs: by speed, or by address where that is asked for
        (UNLIKE, visible("1"), None),
        (UNLIKE, visible("1", **BY_SPEED), None),
        (UNLIKE, visible("1", **PCI), (1,)),
        (UNLIKE, visible("2,0", **PCI), (2, 0)),
        (UNLIKE, visible("2,1,0"), (0, 1, 2)),
        (UNLIKE, visible("7"), ()),
        # without the variable
        (ONE, {}, (0,)),
        (ALIKE, {}, None),
        (UNLIKE, PCI, None),
    ],
)
def test_the_gpus_that_a_process_sees(readings, scenario, environment, indices):
    assert seen(readings(scenario), environment).indices == indices


@pytest.mark.parametrize(
    ("scenario", "environments", "indices"),
    [
        (ALIKE, [rank(0), rank(1)], (0, 1)),
        (ALIKE, [rank(0), rank(2)], (0, 2)),
        (ALIKE, [rank(1)], (1,)),
        (ALIKE, [visible("2,0", **rank(0)), visible("2,0", **rank(1))], (2, 0)),
        (ALIKE, [visible("2,0,1", **rank(0)), visible("2,0,1", **rank(1))], (2, 0)),
        # the launcher gave each rank a GPU of its own
        (ALIKE, [visible("2", **rank(0)), visible("0", **rank(1))], (2, 0)),
        (ALIKE, [visible("2"), visible("0")], (2, 0)),
        # without numbers all see the same
        (ALIKE, [visible("2,0"), visible("2,0")], (2, 0)),
        (ALIKE, [{}, {}], None),
        (ALIKE, [rank(0), {}], None),
        (ALIKE, [rank("x"), rank("1e3")], None),
        (ALIKE, [rank(7)], None),
        (UNLIKE, [rank(0), rank(1)], None),
        (UNLIKE, [rank(0, **PCI), rank(1, **PCI)], (0, 1)),
        (UNLIKE, [rank(at) for at in range(3)], (0, 1, 2)),  # all, in whichever order
        (UNLIKE, [visible("GPU-1,GPU-2", **rank(0))], (1,)),
        (UNLIKE, [visible("0,1,2", **rank(0)), visible("0,1,2", **rank(1))], None),
    ],
)
def test_the_gpus_of_ranks(readings, scenario, environments, indices):
    assert seen(readings(scenario), *environments).indices == indices


def test_a_rank_may_be_told_on_the_command_line(readings):
    gpus = readings(ALIKE)
    command = ("python", "train.py", "--local_rank=1", "--deepspeed")
    assert seen(gpus, visible("2,0"), command=command).indices == (0,)
    assert seen(gpus, visible("2,0"), command=("python", "--local_rank=" + "9" * 9000)).indices == (
        2, 0,
    )  # fmt: skip


def test_how_it_is_known_is_said(readings):
    gpus = readings(ALIKE)
    assert seen(gpus, visible("1")).reason == "CUDA_VISIBLE_DEVICES=1"
    assert seen(gpus, rank(1), rank(0)).reason == (
        "LOCAL_RANK=1 of all GPUs; LOCAL_RANK=0 of all GPUs"
    )
    assert "unlike GPUs" in seen(readings(UNLIKE), visible("1")).reason
    assert seen([], visible("1")).reason == "no GPU readings"
    assert seen(gpus, {}).reason.startswith("it sees all GPUs")
    assert len(seen(gpus, visible("1," * 4000)).reason) < 120


def test_the_drivers_list_goes_before_the_variables(readings):
    found = seen(readings(f"{ALIKE}; pid@0 5; pid@1 6; pid@2 99"), visible("2"), visible("2"))
    assert (found.indices, found.uuids) == ((0, 1), ("GPU-000-aa", "GPU-111-aa"))
    assert found.reason == LISTED


@pytest.mark.parametrize(
    ("files", "real", "indices"),
    [(ON_GPU, False, (0,)), (None, True, (0,)), (None, False, (1,)), ({}, True, (1,))],
)
def test_a_listed_number_counts_only_when_it_is_surely_this_process(readings, files, real, indices):
    ranks = [Process(5, files=files, environment=visible("1"))]
    found = devices(ranks, readings(f"count 2; {UUIDS} pid@0 5"), numbers_are_real=real)
    assert found.indices == indices


def test_numbers_of_other_machines_prove_nothing(readings, tmp_path):
    """As in a container, where the driver lists those of the host."""
    fake = FakeProc(tmp_path, numbers="pid:[7]")
    command = ["python", "train_network.py"]
    fake.add(5, command, files=ON_GPU, environment=visible("GPU-111"), started=2)
    fake.add(6, command, files={}, environment=visible("1,2", **PCI), started=1)
    gpus = readings(f"{UNLIKE}; pid@0 31337 6; pid@1 31338")
    first, second = Discovery(LinuxProcesses(tmp_path), lambda: ()).look(gpus, 30.0).runs
    assert (first.on_gpu, first.gpu_indices, first.gpus) == (True, (1,), ("GPU-111-aa",))
    assert (second.on_gpu, second.gpu_indices) == (False, (1, 2))
