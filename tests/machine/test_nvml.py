"""The real bindings against a stand-in for the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loratui.core.facts import GpuProcess
from loratui.machine import faults
from loratui.machine.faults import RefusedError
from loratui.machine.nvml import Nvml

MIB = 2**20


def opened() -> Nvml:
    nvml = Nvml()
    assert nvml.open() is None
    return nvml


def test_every_reading(load_nvml):
    load_nvml("pid 4000001 4000002; pid_mb 21000; gpid 4000002; gpid_mb 50; throttle 0x4")
    nvml = opened()
    (gpu,) = nvml.read()
    assert (nvml.driver, nvml.cuda) == ("580.65.06", "13.0")
    assert (gpu.index, gpu.name) == (0, "NVIDIA GeForce RTX 4090")
    assert gpu.uuid == "GPU-00000000-0000-0000-0000-000000000000"
    assert nvml.pci(0) == "00000000:01:00.0"
    assert (gpu.utilisation, gpu.temperature, gpu.fan) == (97, 71, 60)
    assert (gpu.memory_used, gpu.memory_total) == (22011 * MIB, 24564 * MIB)
    assert (gpu.power, gpu.power_limit) == (402.0, 450.0)
    assert (gpu.clock, gpu.clock_max, gpu.memory_clock) == (2520, 3105, 10501)
    assert gpu.throttle == ("power cap",)
    assert gpu.capability == (8, 9)
    assert gpu.processes == (
        GpuProcess(4000001, None, 21000 * MIB),
        GpuProcess(4000002, None, 50 * MIB),  # hidden in one list, given in the other
    )
    assert (gpu.lost, gpu.note) == (False, "")


def test_several_gpus(load_nvml):
    load_nvml("count 3; util@1 5; name@2 NVIDIA H200; cc@2 90")
    gpus = opened().read()
    assert [gpu.index for gpu in gpus] == [0, 1, 2]
    assert [gpu.utilisation for gpu in gpus] == [97, 5, 97]
    assert (gpus[2].name, gpus[2].capability) == ("NVIDIA H200", (9, 0))
    assert len({gpu.uuid for gpu in gpus}) == 3


READINGS = {
    "Utilization": ("utilisation", "utilisation"),
    "Memory": ("memory_used", "memory"),
    "Temperature": ("temperature", "temperature"),
    "Power": ("power", "power"),
    "Clock": ("clock", "clock"),
    "MaxClock": ("clock_max", "highest clock"),
    "Throttle": ("throttle", "throttle reasons"),
    "Processes": ("processes", "processes"),
}


@pytest.mark.parametrize("suffix", READINGS)
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (3, "not supported by this GPU"),
        (4, "no permission to read"),
        (999, "unknown driver error"),
        (17, "driver error 17"),
        (10, "no answer in time"),
    ],
)
def test_a_refused_reading_is_none_and_said(load_nvml, suffix, code, reason):
    load_nvml(f"err.{suffix} {code}; err.GraphicsProcesses {3 if suffix == 'Processes' else 0}")
    nvml = opened()
    (gpu,) = nvml.read()
    field, word = READINGS[suffix]
    assert getattr(gpu, field) is None
    assert reason in gpu.note
    assert word in gpu.note
    assert "\n" not in gpu.note
    assert not gpu.lost
    assert not nvml.silent
    others = {"utilisation", "temperature", "power"} - {field}
    assert all(getattr(gpu, other) is not None for other in others)


def test_a_card_without_a_fan_needs_no_note(load_nvml):
    load_nvml("err.Fan 3")
    (gpu,) = opened().read()
    assert (gpu.fan, gpu.note) == (None, "")


def test_the_power_limit_that_another_function_knows(load_nvml):
    load_nvml("err.Limit 3")
    (gpu,) = opened().read()
    assert (gpu.power_limit, gpu.note) == (450.0, "")
    load_nvml("err.Limit 3; err.ManagementLimit 3")
    (gpu,) = opened().read()
    assert (gpu.power_limit, gpu.note) == (None, "not supported by this GPU: power limit")


def test_values_that_mean_nothing(load_nvml):
    load_nvml("power_mw 4294967295; fan 4294967295; mem_total_mb 0; mem_used_mb 0")
    (gpu,) = opened().read()
    assert (gpu.power, gpu.fan, gpu.memory_used, gpu.memory_total) == (None, None, None, None)


def test_zero_is_a_reading(load_nvml):
    load_nvml("util 0; power_mw 0; fan 0; mem_used_mb 0; throttle 1")
    (gpu,) = opened().read()
    assert (gpu.utilisation, gpu.power, gpu.fan, gpu.memory_used) == (0, 0.0, 0, 0)
    assert (gpu.throttle, gpu.processes) == (("idle",), ())


OLD = (
    "nvmlDeviceGetMemoryInfo_v2",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetComputeRunningProcesses_v3",
    "nvmlDeviceGetGraphicsRunningProcesses_v3",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlSystemGetCudaDriverVersion_v2",
)
BARE = (
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetTemperatureV",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetCurrentClocksThrottleReasons",
    "nvmlDeviceGetFanSpeed",
)


def test_an_older_driver_is_asked_the_older_way(load_nvml):
    load_nvml("throttle 4; pid 4000001; pid_mb 9", missing=OLD)
    nvml = opened()
    (gpu,) = nvml.read()
    assert gpu.memory_used == 22011 * MIB
    assert gpu.throttle == ("power cap",)
    assert gpu.processes == (GpuProcess(4000001, None, 9 * MIB),)
    assert (gpu.power_limit, nvml.cuda, gpu.note) == (450.0, "13.0", "")


def test_a_newer_driver_without_the_older_temperature(load_nvml):
    load_nvml("temp 66", missing=("nvmlDeviceGetTemperature",))
    (gpu,) = opened().read()
    assert (gpu.temperature, gpu.note) == (66, "")


def test_missing_functions_are_asked_for_once(load_nvml, monkeypatch):
    import pynvml

    load_nvml("", missing=BARE)
    nvml = opened()
    asked = []
    genuine = pynvml._nvmlGetFunctionPointer

    def counted(name):
        asked.append(name)
        return genuine(name)

    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer", counted)
    for _ in range(3):
        (gpu,) = nvml.read()
        assert gpu.temperature is None
        assert gpu.throttle is None
        assert gpu.fan is None
        assert gpu.note == "unknown to this driver: temperature, throttle reasons"
        assert gpu.utilisation == 97
    assert asked.count("nvmlDeviceGetTemperature") == 1
    assert asked.count("nvmlDeviceGetUtilizationRates") == 3


def test_bindings_older_than_the_function(load_nvml, monkeypatch):
    import pynvml

    load_nvml("")
    monkeypatch.delattr(pynvml, "nvmlDeviceGetUtilizationRates")
    (gpu,) = opened().read()
    assert gpu.utilisation is None
    assert gpu.note == "unknown to this driver: utilisation"


def test_bindings_that_fail_in_their_own_way(load_nvml):
    fake = load_nvml("")
    nvml = opened()
    fake.path.write_bytes(b"driver \xff\xfe\nname \xff\xff\n")
    assert nvml.open() is None
    assert nvml.driver is None
    assert nvml.read()[0].utilisation == 97


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        (9, "no-driver", "not loaded"),
        (18, "mismatch", "differ in version"),
        (4, "no-permission", "No permission"),
        (12, "no-library", "NVML Shared Library Not Found"),
        (15, "lost", "lost"),
        (10, "timeout", "did not answer"),
        (999, "unknown", "unknown error"),
        (17, "other", "operating system"),
        (777, "other", "stand-in error"),
    ],
)
@pytest.mark.parametrize("call", ["Init", "Count"])
def test_why_it_cannot_be_opened(load_nvml, code, kind, part, call):
    load_nvml(f"err.{call} {code}")
    nvml = Nvml()
    fault = nvml.open()
    assert fault is not None
    assert fault.kind == kind
    assert part in fault.note
    assert fault.note.endswith(".")
    assert "\n" not in fault.note
    assert nvml.read() == ()
    assert nvml.silent


def test_a_library_without_what_it_takes(load_nvml):
    load_nvml("", missing=("nvmlInitWithFlags",))
    fault = Nvml().open()
    assert fault is not None
    assert fault.kind == "old-library"


def test_a_driver_without_a_gpu(load_nvml):
    load_nvml("count 0")
    nvml = Nvml()
    assert nvml.open() == faults.NO_GPU
    assert nvml.driver == "580.65.06"


@pytest.mark.parametrize("code", [15, 16])
def test_a_gpu_that_is_lost_while_others_go_on(load_nvml, code):
    fake = load_nvml("count 2")
    nvml = opened()
    nvml.read()
    fake.write(f"count 2; err.Device@1 {code}")
    first, second = nvml.read(slow=False)
    assert (first.lost, first.utilisation) == (False, 97)
    assert second.lost
    assert second.name == "NVIDIA GeForce RTX 4090"
    assert second.capability == (8, 9)
    assert (second.utilisation, second.memory_used, second.processes) == (None, None, None)
    assert second.note == "GPU 1 (PCI 00000000:02:00.0) has stopped answering the driver."
    assert not nvml.silent
    assert nvml.incomplete
    nvml.seek_lost()
    assert nvml.read()[1].lost
    fake.write("count 2")
    nvml.seek_lost()
    assert [gpu.lost for gpu in nvml.read()] == [False, False]
    assert not nvml.incomplete


def test_lost_in_the_middle_of_a_reading(load_nvml):
    fake = load_nvml("count 2")
    nvml = opened()
    fake.write("count 2; err.Throttle@0 15")
    first, second = nvml.read()
    assert first.lost
    assert first.utilisation is None
    assert second.utilisation == 97


def test_a_gpu_that_is_gone_when_opened_anew(load_nvml):
    fake = load_nvml("count 2")
    nvml = opened()
    fake.write("count 1; card@0 1")  # the first card fell out, the second moved up
    assert nvml.open() is None
    first, second = nvml.read()
    assert (first.index, first.lost) == (0, True)
    assert (second.index, second.lost, second.utilisation) == (1, False, 97)
    nvml.seek_lost()
    assert [gpu.lost for gpu in nvml.read()] == [True, False]
    fake.write("count 3")  # back, and one more
    assert nvml.open() is None
    assert [(gpu.index, gpu.lost) for gpu in nvml.read()] == [(0, False), (1, False), (2, False)]


def test_a_gpu_whose_handle_is_refused(load_nvml):
    load_nvml("count 2; err.Handle@0 4; err.Handle@1 999")
    first, second = opened().read()
    assert first.note == "no permission to read: all readings"
    assert second.note == "unknown driver error: all readings"
    assert not first.lost
    assert not second.lost


def test_a_driver_that_is_unloaded_below_us(load_nvml):
    fake = load_nvml("count 2")
    nvml = opened()
    nvml.read()
    fake.write("count 2; err.Device 1")
    readings = nvml.read()
    assert nvml.silent
    assert all("the driver was restarted" in gpu.note for gpu in readings)
    fake.write("count 2; err.Init 9")
    fault = nvml.open()
    assert fault is not None
    assert fault.kind == "no-driver"
    assert [gpu.utilisation for gpu in nvml.read()] == [None, None]
    fake.write("count 2")
    assert nvml.open() is None
    assert [gpu.utilisation for gpu in nvml.read()] == [97, 97]


def test_slow_readings_are_kept(load_nvml):
    fake = load_nvml("")
    nvml = opened()
    assert nvml.read()[0].processes == ()
    fake.write("pid 4000001; limit_mw 300000; util 3")
    (gpu,) = nvml.read(slow=False)
    assert (gpu.utilisation, gpu.processes, gpu.power_limit) == (3, (), 450.0)
    (gpu,) = nvml.read()
    assert gpu.processes == (GpuProcess(4000001, None, None),)
    assert gpu.power_limit == 300.0


def test_own_process_has_a_name_outside_containers(load_nvml, monkeypatch):
    from loratui.machine import processes

    load_nvml(f"pid {os.getpid()}; pid_mb 1")
    monkeypatch.setattr(processes, "in_container", lambda: False)
    (process,) = opened().read()[0].processes or ()
    assert process.name


def test_a_number_of_the_host_is_not_named_after_a_process_here(load_nvml, monkeypatch):
    from loratui.machine import processes

    load_nvml(f"pid {os.getpid()}; pid_mb 1")
    monkeypatch.setattr(processes, "in_container", lambda: True)
    assert opened().read()[0].processes == (GpuProcess(os.getpid(), None, MIB),)


def test_closed_twice_and_read_after(load_nvml):
    load_nvml("err.Shutdown 999")
    nvml = opened()
    nvml.close()
    nvml.close()
    (gpu,) = nvml.read()
    assert gpu.utilisation is None
    assert gpu.note


def test_a_refusal_on_one_line():
    said = faults.at_start(RefusedError(None, "OSError: broken\nin two lines. " + "x" * 500))
    assert "\n" not in said.note
    assert len(said.note) < 200


# in a program of its own


def printed(env: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "loratui.machine.nvml"],
        capture_output=True, text=True, timeout=60, env=env, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_library_is_found_by_name(fake_nvml, tmp_path):
    said = printed(fake_nvml("count 2; util@1 42"), tmp_path)
    assert "driver 580.65.06, CUDA up to 13.0" in said
    assert "GPU 1 at PCI 00000000:02:00.0" in said
    assert "42" in said


def test_no_library(tmp_path):
    said = printed({**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}, tmp_path)
    if "driver None" in said:  # a developer's machine may have a driver
        assert "no-library: No NVIDIA driver library here" in said


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("raise ModuleNotFoundError(name='pynvml')", "no-package"),
        ("import a_module_that_is_not_there", "shadowed"),
        ("x = 1", "shadowed"),
        ("raise RuntimeError('two\\nlines')", "shadowed"),
    ],
)
def test_bindings_missing_or_shadowed(tmp_path, text, kind):
    (tmp_path / "pynvml.py").write_text(text, encoding="utf-8")
    said = printed({**os.environ, "PYTHONPATH": str(tmp_path)}, tmp_path)
    assert said.startswith(f"{kind}: ")
    assert "nvidia-ml-py" in said.splitlines()[0]


def test_bindings_are_not_imported_with_the_module():
    code = "import sys, loratui.machine.sampler; sys.exit('pynvml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
